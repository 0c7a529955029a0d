"""A table of systems that are compared image by image."""

import re

import pytest
from analysis import get_flops
from comparing.text import Bootstrap
from paper import findings as of_findings
from paper.configs import build_config
from paper.findings import findings, operations_of
from paper.images import file_of, miou, read_per_image
from paper.rows import ALL_TABLES
from paper.runs import Run

REAL = ALL_TABLES['real']
RIGHT = dict(unimodal_rgb=0.4, no_exchange=0.5, exchange_half=0.7, exchange_all=0.7)


@pytest.fixture
def runs(tmp_path, write_run, monkeypatch):
    """Two finished runs of some rows, with their configs."""
    rows = {row.name: row for row in REAL.rows}
    found = {}
    for name, right in RIGHT.items():
        cfg = build_config(rows[name], 'synthetic', 1, 0)
        for seed in range(2):
            folder = tmp_path / name / str(seed)
            streams = ('rgb',) if name == 'unimodal_rgb' else ('rgb', 'depth')
            path = write_run(file_of(folder), right, seed, streams)
            cfg.dump(folder / 'config.py')
            metrics = {'mIoU': miou(read_per_image(path))}
            found.setdefault(name, []).append(Run(metrics, 0.5, 1_230_000, 0, folder))
    monkeypatch.setattr(
        of_findings,
        'run_config',
        lambda folder: of_findings.Config.fromfile(folder / 'config.py'),
    )
    monkeypatch.setattr(of_findings, 'untrained_classes', lambda cfg: ['lamp'])
    monkeypatch.setattr(of_findings, 'Bootstrap', lambda: Bootstrap(200))
    return found


def test_systems_are_compared_with_the_one_without_exchange(runs, monkeypatch):
    monkeypatch.setattr(of_findings, 'operations_of', lambda cfg: 1.5)
    lines, below = findings(REAL, runs)
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    by_name = {row['System']: row for row in rows}
    assert [*by_name] == ['RGB alone', 'no exchange', 'CEN', 'CEN, all channels']
    base, cen = by_name['no exchange'], by_name['CEN']
    assert base['mIoU minus no exchange'] == base['mIoU of 2 minus no exchange'] == ''
    value, low, high = re.fullmatch(
        r'\*\*(\S+)\*\* \[(\S+), (\S+)\]', cen['mIoU minus no exchange']
    ).groups()
    assert 0 < float(low) < float(value) < float(high)
    assert by_name['RGB alone']['mIoU minus no exchange'].startswith('**-')
    assert (by_name['RGB alone']['Depth'], by_name['RGB alone']['agreement']) == (
        '',
        '',
    )
    assert cen['agreement'] == '80.0 ± 0.0'
    assert re.fullmatch(r'\d+\.\d ± \d\.\d', cen['Ensemble'])
    assert (cen['Params (M)'], cen['s/iter'], cen['runs']) == (
        '1.23',
        '0.50 ± 0.00',
        '2',
    )
    assert '20 images' in below
    assert 'Without training pixels: lamp.' in below
    assert '* exchange > no exchange: yes: **+' in below
    assert '* own part >= all channels: not decided: ' in below
    assert '\n| wall ' in below


def test_macs_are_those_of_the_tool_that_counts(runs, capsys):
    folder = runs['exchange_half'][0].folder
    cfg = of_findings.Config.fromfile(folder / 'config.py')
    size = map(str, cfg.val_dataloader.dataset.image_size)
    get_flops.main([str(folder / 'config.py'), '--size', *size])
    found = re.search(r'([\d.]+) G of them in conv', capsys.readouterr().out)[1]
    assert operations_of(cfg) == pytest.approx(float(found), abs=0.0006)
