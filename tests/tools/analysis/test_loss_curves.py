"""tools/analysis/loss_curves.py, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parents[3]


def curves(*args):
    command = [sys.executable, ROOT / 'tools' / 'analysis' / 'loss_curves.py', *args]
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr


@pytest.mark.slow
def test_losses_and_figures_become_a_picture(tmp_path):
    log = tmp_path / 'run' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    lines = [
        {'loss_l1_rgb': 1 / step, 'lr': 1e-3, 'time': 0.1, 'step': step}
        for step in range(1, 9)
    ]
    lines.append({'MAE': 0.2, 'rgb/MAE': 0.3, 'data_time': 0.1, 'step': 1})
    log.write_text('\n'.join(map(json.dumps, lines)))
    out = tmp_path / 'new' / 'curves.png'
    code, text = curves(tmp_path, '--out', out, '--smooth', 3)
    assert (code, text.strip().splitlines()[-1]) == (0, f'3 curves in {out}')
    assert cv2.imread(str(out)).shape == (300, 840, 3)
    code, text = curves(tmp_path, '--out', out, '--keys', 'lr')
    assert 'curves in' in text
    code, text = curves(tmp_path, '--out', out, '--keys', 'FID')
    assert (code, "error: 'FID' matches none" in text) == (1, True)
    code, text = curves(tmp_path, '--list')
    assert 'loss_l1_rgb: 8 values, last 0.125' in text
    code, text = curves(tmp_path / 'absent', '--list')
    assert (code, 'work directory of a training' in text) == (1, True)
    assert curves(tmp_path)[0] == 2
    code, text = curves(tmp_path, '--out', tmp_path / 'a.txt')
    assert (code, 'must end with .png' in text) == (1, True)
