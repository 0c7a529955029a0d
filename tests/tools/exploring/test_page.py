"""The page in a browser without a window; skipped without Gradio and a Chromium."""

import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'google-chrome'))), None)
ARGUMENTS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-sync',
    '--disable-background-networking',
    '--disable-component-update',
]

pytest.importorskip('gradio', reason='the extra `app` is not installed')
api = pytest.importorskip('playwright.sync_api', reason='it drives the browser')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason='there is no Chromium'),
]


@pytest.fixture
def visit(desk, tmp_path, monkeypatch):
    """A visitor of the page, and what the browser asked for."""
    monkeypatch.setenv('GRADIO_ANALYTICS_ENABLED', 'False')
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path))
    from exploring.page import build_page
    from exploring.serving import launch

    page = build_page(desk, 'a network')
    address = launch(page, '127.0.0.1', None, share=False)
    requested = []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        tab = browser.new_page()
        tab.set_default_timeout(90_000)
        tab.on('request', lambda request: requested.append(request.url))
        tab.goto(address, wait_until='domcontentloaded')
        yield SimpleNamespace(tab=tab, requested=requested, address=address)
        browser.close()
    page.close(verbose=False)


def wait(tab, *words):
    """Wait until the page says some words about a prediction."""
    said = "t => (document.querySelector('#status')?.innerText ?? '').includes(t)"
    for text in words:
        tab.wait_for_function(said, arg=text)


def test_a_visitor_predicts_switches_uploads_and_downloads(visit, samples, tmp_path):
    tab = visit.tab
    wait(tab, samples[0].given.name, 'The ensemble is right in')
    assert tab.locator('.picture img').count() == 9
    before = tab.locator('#shares').inner_html()

    tab.fill('#theta input[type=number]', '0')
    tab.press('#theta input[type=number]', 'Enter')
    tab.wait_for_function(
        "t => document.querySelector('#shares').innerText.includes(t)",
        arg='RGB 0.0 % on average',
    )
    assert tab.locator('#shares').inner_html() != before

    tab.click('#switches label:has-text("Depth")')
    wait(tab, 'Predicted without depth')
    tab.click('#switches label:has-text("RGB")')
    wait(tab, 'at least one modality must be on')
    assert tab.locator('.picture img').count() == 0
    tab.click('#switches label:has-text("RGB")')
    wait(tab, 'Predicted without depth')
    tab.click('#switches label:has-text("Depth")')
    tab.click('#samples button.thumbnail-item >> nth=1')
    wait(tab, samples[1].given.name)

    items = samples[0].given.items
    assert cv2.imwrite(str(tmp_path / 'own.png'), items['rgb'])
    millimeters = (1000 * items['depth']).astype(np.uint16)
    assert cv2.imwrite(str(tmp_path / 'own_depth.png'), millimeters)
    tab.set_input_files('#file-rgb input[type=file]', tmp_path / 'own.png')
    wait(tab, 'got none of depth')
    tab.set_input_files('#file-depth input[type=file]', tmp_path / 'own_depth.png')
    wait(tab, '--depth-unit 0.001')
    tab.click('text=How the files are stored')
    unit = tab.get_by_label('depth-unit')
    unit.fill('0.001')
    unit.press('Enter')
    wait(tab, 'own, 48x32 pixels')

    tab.click('#write')
    with tab.expect_download() as download:
        tab.locator('#written a').first.click()
    labels = cv2.imread(str(download.value.path()), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (32, 48)

    (tmp_path / 'bad.png').write_text('no picture')
    tab.click('#file-rgb button[aria-label="Clear"]')
    wait(tab, 'got none of rgb')
    tab.set_input_files('#file-rgb input[type=file]', tmp_path / 'bad.png')
    wait(tab, 'bad.png: the file must be an image')
    foreign = [url for url in visit.requested if url.startswith('http')]
    assert all(url.startswith(visit.address) for url in foreign)
