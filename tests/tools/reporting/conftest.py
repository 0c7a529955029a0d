"""A work directory as a training leaves it, without a training."""

import json

import pytest

LOG = """2026/01/01 10:00:00 - mmengine - INFO - start
    Python 3.11.7, torch 2.13.0+cpu, mmengine 0.10.7
    1 process(es), CPU, seed 0
    config: configs/a.py
2026/01/01 10:01:00 - mmengine - WARNING - classes do not occur
2026/01/01 10:02:00 - mmengine - INFO - Epoch(train)  [1][10/20]  loss: 2.0
2026/01/01 10:03:00 - mmengine - INFO - Epoch(train)  [2][20/20]  loss: 1.0
2026/01/01 10:04:00 - mmengine - INFO - per class results:
+-------+---------+--------------+
| Class | rgb IoU | ensemble IoU |
+-------+---------+--------------+
|  wall |  50.0   |     60.0     |
|  lamp |  10.5   |     nan      |
+-------+---------+--------------+
2026/01/01 10:05:00 - mmengine - INFO - done
"""
START = (
    'command: python tools/train.py configs/a.py\n'
    'machine: Linux, 2 cores\n'
    'training data: 80 samples\n'
)
CONFIG = """
model = dict(type='CENSegmentor')
train_cfg = dict(max_epochs=2)
rate = 1
"""
LINES = (
    {'exchange/rgb/own/layer1': 0.0, 'step': 0},
    *(
        {
            'loss': 3.0 / i,
            'decode.rgb.loss_ce': 1.0 / i,
            'decode.ensemble.loss_ce': 2.0 / i,
            'alpha/rgb': 0.5,
            'alpha/depth': 0.5,
            'time': 0.25,
            'lr': 0.1,
            'epoch': 1 + i // 3,
            'iter': 10 * i,
            'step': 10 * i,
        }
        for i in range(1, 5)
    ),
    {'rgb/mIoU': 20.0, 'depth/mIoU': 30.0, 'mIoU': 40.0, 'time': 9.0, 'step': 1},
    {'rgb/mIoU': 30.0, 'depth/mIoU': 40.0, 'mIoU': 50.0, 'time': 9.0, 'step': 2},
)


@pytest.fixture
def lines():
    """What is logged by the training of the work directory."""
    return LINES


@pytest.fixture
def config_text():
    """The config of the work directory."""
    return CONFIG


@pytest.fixture
def work_dir(tmp_path):
    """A function that writes a work directory: one start, and those that `resumed`."""

    def write(name='run', starts=(LINES,), config=CONFIG, last='epoch_2', resumed=()):
        folder = tmp_path / name
        words = dict(zip(range(1, len(starts)), resumed, strict=False))
        for number, lines in enumerate(starts):
            start = folder / f'20260101_1{number}0000'
            (start / 'vis_data').mkdir(parents=True)
            text = ''.join(json.dumps(line) + '\n' for line in lines)
            (start / 'vis_data' / 'scalars.json').write_text(text)
            log = f'{words[number]}\n{LOG}' if number in words else LOG
            (start / f'{start.name}.log').write_text(log)
            (start / 'start.log').write_text(START)
            if config is not None:
                (start / 'vis_data' / 'config.py').write_text(config)
        if last:
            (folder / 'last_checkpoint').write_text(f'/elsewhere/{last}.pth')
        return folder

    return write
