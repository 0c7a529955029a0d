import re
import shutil
import sys

import pytest
from reporting.page import read_runs
from reporting.predictions import CACHE, read_predictions


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of a work directory, to predict in."""
    return shutil.copytree(trained, tmp_path / 'run')


def call(load_tool, monkeypatch, *args):
    monkeypatch.setattr('sys.argv', ['report.py', *map(str, args)])
    load_tool('analysis/report.py').main()


def test_predictions_have_the_figures_of_the_validation_and_are_kept(
    load_tool, monkeypatch, copy, capsys
):
    call(load_tool, monkeypatch, copy)
    assert capsys.readouterr().out.splitlines()[-1] == str(copy / 'report.html')
    found = read_predictions(copy)
    [run] = read_runs([copy])
    for output in found.outputs:
        key = 'mIoU' if output == 'ensemble' else f'{output}/mIoU'
        iou = found.iou(output)
        mean = iou[iou == iou].mean()
        assert mean == pytest.approx(run.validations[key][1][-1], abs=0.011)
    assert found.outputs == ['rgb', 'depth', 'ensemble']
    assert found.calibration[:, :, 0].sum(1) == pytest.approx(8 * 32 * 48)
    assert [kind for kind, *_ in found.panels] == ['best', 'worst'] * 3
    html = (copy / 'report.html').read_text()
    assert html.count('data:image/jpeg') == 6

    # The second report takes what was predicted; another number predicts anew.
    kept = (copy / CACHE).read_bytes()
    call(load_tool, monkeypatch, copy)
    assert (copy / CACHE).read_bytes() == kept
    call(load_tool, monkeypatch, copy, '--predict', 2, '--out', copy / 'a.html')
    assert read_predictions(copy).facts['samples'] == 2
    assert '2 of 8 samples' in (copy / 'a.html').read_text()


def test_a_run_without_checkpoint_has_a_report_that_says_so(
    load_tool, monkeypatch, copy, error_of
):
    for path in (*copy.glob('*.pth'), copy / 'last_checkpoint'):
        path.unlink()
    call(load_tool, monkeypatch, copy)
    words = re.findall(
        r'class="missing wide">(.*?)</p>', (copy / 'report.html').read_text()
    )
    assert any('a checkpoint must be in the work directory' in w for w in words)
    line = error_of('analysis/report.py', copy, '--predict', 2)
    assert line.startswith('error: a checkpoint must be in the work directory')


def test_what_the_page_needs_is_looked_for_before_anything_else(
    error_of, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    line = error_of('analysis/report.py', tmp_path)
    assert line.startswith('error: Jinja2 must be installed to write a report')


def test_a_folder_without_training_is_refused_in_one_line(error_of, tmp_path):
    line = error_of('analysis/report.py', tmp_path)
    assert line.startswith('error: `work_dir` must hold')


@pytest.mark.parametrize(
    ('args', 'words'),
    [
        (['a', '--predict', '-1'], '--predict must be 0 at least'),
        (['a', 'b', '--checkpoint', 'c'], 'must belong to one run'),
        (['a', '--out', 'a.png'], 'must end with .html'),
    ],
)
def test_wrong_options_are_refused(load_tool, monkeypatch, capsys, args, words):
    with pytest.raises(SystemExit):
        call(load_tool, monkeypatch, *args)
    assert words in capsys.readouterr().err
