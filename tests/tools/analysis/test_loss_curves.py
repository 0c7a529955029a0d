"""The pictures of tools/analysis/loss_curves.py, drawn as a user draws them."""

import json
import sys

import cv2
import pytest
from analysis import loss_curves


@pytest.fixture
def curves(monkeypatch, capsys):
    """Call the tool; returns the exit code and the output."""

    def curves(*args):
        monkeypatch.setattr(sys, 'argv', ['loss_curves.py', *map(str, args)])
        try:
            loss_curves.main()
        except SystemExit as end:
            failed = end.code if isinstance(end.code, int) else 1
            text = '' if isinstance(end.code, int) else end.code
            return failed, text + ''.join(capsys.readouterr())
        return 0, capsys.readouterr().out

    return curves


def test_losses_and_figures_become_a_picture(tmp_path, curves):
    log = tmp_path / 'run' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    lines = [
        {'loss_l1_rgb': 1 / step, 'lr': 1e-3, 'time': 0.1, 'step': step}
        for step in range(1, 9)
    ]
    lines[0]['generator.lr'] = 1e-3
    lines.append({'MAE': 0.2, 'rgb/MAE': 0.3, 'data_time': 0.1, 'step': 1})
    log.write_text('\n'.join(map(json.dumps, lines)))
    out = tmp_path / 'new' / 'curves.png'
    code, text = curves(tmp_path, '--out', out, '--smooth', 3)
    assert (code, text.strip().splitlines()[-1]) == (0, f'3 curves in {out}')
    assert cv2.imread(str(out)).shape == (300, 840, 3)
    code, text = curves(tmp_path, '--out', out, '--keys', 'lr')
    assert text.strip().splitlines()[-1] == f'1 curves in {out}'
    code, text = curves(tmp_path, '--out', out, '--keys', 'FID')
    assert (code, 'FID' in text) == (1, True)
    code, text = curves(tmp_path, '--list')
    assert 'loss_l1_rgb: 8 values, last 0.125' in text
    code, text = curves(tmp_path / 'absent', '--list')
    assert (code, 'absent' in text) == (1, True)
    assert curves(tmp_path)[0] == 2
    assert curves(tmp_path, '--out', out, '--smooth', 0)[0] == 2
    code, text = curves(tmp_path, '--out', tmp_path / 'a.txt')
    assert (code, 'must end with .png' in text) == (1, True)
    log.write_text('{"lr": 1, "step": 1}')
    code, text = curves(tmp_path, '--out', out)
    assert (code, '`--keys` must be given' in text) == (1, True)
