import numpy as np

from mmseg_cen.preparation import Sample, prepare
from mmseg_cen.preparation.report import shorten


def test_the_report_tells_counts_ranges_and_absent_classes(tmp_path, toys, capsys):
    prepare(toys.plan(splits=dict(train=5, val=None)), tmp_path)
    report = capsys.readouterr().out
    assert (tmp_path / 'report.txt').read_text() == report
    images = [toys.draw(Sample(str(i), '')) for i in range(6)]
    depth, label = (np.stack([i[k] for i in images]) for k in ('depth', 'label'))
    low, high = depth[depth > 0].min() / 1000, depth.max() / 1000
    assert f'{low:.3f} to {high:.3f}, {100 * (depth == 0).mean():.1f} % inv' in report
    void = 100 * (label == 255).mean()
    assert f'3 of 4 classes occur, {void:.1f} % void; absent: c' in report
    assert 'camera: c0 3, c1 3' in report
    assert '1 image size(s), height x width: 12x16' in report
    assert 'WARNING: train has 4 samples, the official list 5' in report


def test_an_empty_list_is_a_warning(tmp_path, toys, capsys):
    prepare(toys.plan(count=2), tmp_path)
    assert 'WARNING: val has no samples' in capsys.readouterr().out


def test_long_lists_of_messages_are_cut():
    lines = shorten([str(i) for i in range(25)], 'PROBLEM: ')
    assert lines[:2] == ['PROBLEM: 0', 'PROBLEM: 1']
    assert lines[20:] == ['PROBLEM: ... and 5 more']
    assert len(shorten(['1'] * 20, '')) == 20


def test_depth_that_cannot_be_meters_is_a_warning(tmp_path, toys, capsys):
    def far(sample):
        arrays = toys.draw(sample)
        return arrays | dict(depth=arrays['depth'] * np.uint16(20))

    prepare(toys.plan(far), tmp_path / 'far')
    assert 'WARNING: depth/: half of it is nearer than' in capsys.readouterr().out
    prepare(toys.plan(far, plausible=(10, 100)), tmp_path / 'outdoors')
    prepare(toys.plan(), tmp_path / 'near')
    assert 'WARNING' not in capsys.readouterr().out


def test_a_conversion_that_goes_on_doubts_the_same(tmp_path, toys, capsys):
    def tiny(sample):
        arrays = toys.draw(sample)
        return arrays | dict(depth=arrays['depth'] // np.uint16(10))

    prepare(toys.plan(tiny), tmp_path)
    first = capsys.readouterr().out
    prepare(toys.plan(tiny), tmp_path)
    again = capsys.readouterr().out
    assert 'WARNING: depth/' in first
    assert again.endswith(first)


def test_depth_without_a_pixel_is_a_warning(tmp_path, toys, capsys):
    def empty(sample):
        arrays = toys.draw(sample)
        return arrays | dict(depth=arrays['depth'] * np.uint16(0))

    prepare(toys.plan(empty), tmp_path)
    assert 'WARNING: depth/: no pixel of any file has depth' in capsys.readouterr().out
