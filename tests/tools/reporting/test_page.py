import re

import numpy as np
import pytest
from reporting.at_end import report_training
from reporting.blocks import Table
from reporting.page import cell, page_of, read_runs, render
from reporting.predictions import Predictions

from mmseg_cen.hooks.gamma_recorder import RECORD

WHY = 'it was not asked for'
#: What would need a network.
OUTSIDE = re.compile(
    r'(?:src|href)="(?!data:|#)|@import|url\(|https?://(?!www\.w3\.org)'
)


def html_of(*folders, found=None):
    runs = read_runs(folders)
    return render(page_of(runs, [(run, found, WHY) for run in runs]))


def titles(html):
    return re.findall(r'<h2>(.*?)</h2>', html)


def write_gamma(folder, threshold=0.02):
    gamma = np.linspace(1, 0, 3)[:, None, None] * np.ones((3, 2, 8))
    facts = dict(_steps=[0, 20, 40], _modalities=['rgb', 'depth'], _threshold=threshold)
    np.savez(folder / RECORD, **facts, **{'backbone.layer1.0.bn1': gamma})


@pytest.fixture
def predictions():
    classes = ['wall', 'a < b', 'never']
    confusion = np.array([[90, 10, 0], [5, 45, 0], [0, 0, 0]])
    bins = np.zeros((15, 3))
    bins[12] = 150, 120, 135
    facts = dict(
        checkpoint='epoch_2.pth', samples=2, of=4, metric='mIoU', classes=classes,
        outputs=['rgb', 'ensemble'],
    )  # fmt: skip
    panels = [('best', 1, b'1'), ('worst', 0, b'2')]
    scores = np.array([20.0, 80.0])
    both = np.stack([confusion, confusion])
    return Predictions(facts, ['x', 'y'], scores, both, np.stack([bins, bins]), panels)


def test_a_report_has_all_parts_and_needs_no_network(work_dir, predictions):
    folder = work_dir()
    write_gamma(folder)
    html = html_of(folder, found=predictions)
    assert titles(html) == [
        'Validation', 'Losses', 'Exchange and ensemble', 'Learning rate and cost',
        'Scaling factors of each layer', 'Classes', 'Calibration',
        'Best and worst samples', 'Run',
    ]  # fmt: skip
    assert not OUTSIDE.findall(html)
    for words in (
        'finished, 2 of 2 epochs', 'python tools/train.py configs/a.py', '80 samples',
        'a &lt; b', 'worst: x, mIoU 20.0 %', '2 of 4 samples', 'max_epochs',
    ):  # fmt: skip
        assert words in html, words
    assert 'a < b' not in html


def test_what_is_missing_is_said_in_its_place(work_dir, lines):
    train = [line for line in lines if 'iter' in line]
    html = html_of(work_dir(starts=(train[:1],), config=None))
    for words in (
        'No validation has been logged', 'No config lies', WHY,
    ):  # fmt: skip
        assert words in html, words


def test_a_metric_that_was_never_a_number_has_a_tile(work_dir, lines):
    found = [
        {**line, 'mIoU': float('nan')} if 'mIoU' in line else line for line in lines
    ]
    html = html_of(work_dir(starts=(found,)))
    assert 'Validation' in titles(html)


def test_a_run_of_plain_mmseg_has_a_report(work_dir):
    lines = [
        {'loss': 1.0, 'decode.loss_ce': 0.5, 'aux.loss_ce': 0.5, 'iter': 1, 'step': 1},
        {'mIoU': 10.0, 'aAcc': 20.0, 'step': 1},
    ]
    html = html_of(work_dir(starts=(lines,)))
    assert 'Loss ce' in html
    assert 'Scaling factors' not in titles(html)


def test_a_translation_has_its_losses_and_metrics(work_dir):
    lines = [
        *({'loss_gan_rgb': 1.0, 'loss_d': 2.0, 'loss_d_real': 1.0, 'loss_l1_rgb': 3.0,
           'generator.lr': 0.1, 'epoch': i, 'iter': i, 'step': i} for i in (1, 2)),
        *({'rgb/MAE': 0.25, 'MAE': 0.125 * i, 'step': i} for i in (1, 2)),
    ]  # fmt: skip
    config = "model = dict(type='CENPix2Pix')\ntrain_cfg = dict(max_epochs=2)\n"
    html = html_of(work_dir(starts=(lines,), config=config))
    assert 'Loss of the discriminator' in html
    assert 'MAE of the validation' in html
    assert 'Classes' not in titles(html)


def test_runs_side_by_side_have_one_curve_each_and_their_differences(
    work_dir, config_text
):
    one, two = (
        work_dir('one'),
        work_dir('two', config=config_text.replace('rate = 1', 'rate = 2')),
    )
    write_gamma(one)
    html = html_of(one, two)
    assert titles(html)[0] == 'Figures and settings'
    assert titles(html)[-2:] == ['Run one', 'Run two']
    rows = re.findall(r'<tr>(.*?)</tr>', html)
    [different] = [row for row in rows if row.startswith('<td>rate</td>')]
    assert re.findall('<td>(.*?)</td>', different) == ['rate', '1', '2']
    [miou] = re.findall(
        r'mIoU, % of the validation: ensemble.*?(<svg.*?</svg>)', html, re.DOTALL
    )[-1:]
    assert re.findall('data-name="(.*?)"', miou) == ['one', 'two']


def test_what_a_resumed_training_measures_no_longer_is_not_of_its_last_validation(
    work_dir, lines
):
    before = [{**line, 'camera:a/mIoU': 77.25} for line in lines if 'mIoU' in line][:1]
    after = [line for line in lines if line['step'] > 10 or line['step'] == 2]
    words = ['x - INFO - resumed epoch: 1, iter: 20']
    html = html_of(work_dir(starts=([*lines[:3], *before], after), resumed=words))
    table = html[html.index('Last validation, epoch 2') :]
    table = table[: table.index('</table>')]
    assert '50.00' in table
    assert '77.25' not in table


def test_validations_of_runs_by_epochs_and_by_iterations_have_both_units(
    work_dir, lines
):
    by_iterations = [
        {k: v for k, v in line.items() if k != 'epoch'} for line in lines[1:5]
    ]
    by_iterations += [{'mIoU': 10.0 * k, 'step': 20 * k} for k in (1, 2)]
    folders = work_dir('one'), work_dir('two', starts=(by_iterations,))
    assert 'epoch or iteration</text>' in html_of(*folders)


def test_numbers_have_the_digits_of_their_table():
    table = Table(['a'], [], digits=2)
    given = ('text', 1.234, 0.0, 1e-5, float('nan'))
    assert [cell(v, table) for v in given] == [
        'text', '1.23', '0.00', '1.0e-05', '\N{EN DASH}',
    ]  # fmt: skip


def test_a_training_ends_with_the_path_of_its_report(work_dir, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('reporting.at_end.print_log', lambda text, _: said.append(text))
    folder = work_dir()
    report_training(str(folder))
    assert (folder / 'report.html').is_file()
    report_training(str(tmp_path / 'nowhere'))
    done, failed = said
    assert done.startswith(f'report: {folder / "report.html"}; with predictions: ')
    assert 'none yet' in failed
