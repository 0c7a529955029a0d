"""The config that the README shows."""

import re
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()
MMSEG_TRAIN = Path(mmseg.__file__).parent / '.mim' / 'tools' / 'train.py'

ON_ROOMS = """
_base_ = './existing.py'
dataset = dict(
    _delete_=True,
    type='SyntheticRGBDDataset',
    num_samples=4,
    image_size=(64, 64),
    pipeline=[dict(type='LoadSyntheticRoom'), dict(type='PackMultimodalInputs')],
)
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    decode_head=dict(head=dict(num_classes=13)),
    auxiliary_head=dict(head=dict(num_classes=13)),
)
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dataset
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None
train_cfg = dict(max_iters=2)
default_hooks = dict(logger=dict(interval=1))
"""


def existing_config():
    block = r'<!-- existing-config -->\n```python\n(.*?)```'
    return re.search(block, README, re.DOTALL).group(1)


def test_an_existing_config_changes_in_twelve_lines_that_say_the_names_once():
    config = existing_config().strip()
    assert len(config.splitlines()) <= 12
    assert config.count("'rgb'") == config.count("'depth'") == 1


@pytest.mark.slow
def test_an_existing_config_trains_with_the_tool_of_mmseg(tmp_path):
    (tmp_path / 'existing.py').write_text(existing_config())
    (tmp_path / 'rooms.py').write_text(ON_ROOMS)
    command = [
        sys.executable,
        MMSEG_TRAIN,
        tmp_path / 'rooms.py',
        '--work-dir',
        tmp_path,
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    log = run.stdout + run.stderr
    assert 'decode.depth.loss_ce' in log
    assert 'loss_sparsity' in log
    assert (tmp_path / 'iter_2.pth').is_file()
