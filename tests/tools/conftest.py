"""Shared by the tests of the tools: how they are run, and a tiny training."""

import importlib.util
import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmseg_cen.metrics import PerImage, write_per_image

ROOT = Path(__file__).parents[2]
MEASURED_CLASSES = ('wall', 'floor', 'lamp')

CONFIG = f"""
_base_ = {str(ROOT / 'configs/_base_/default_runtime.py')!r}
randomness = dict(seed=0)
modalities = ('rgb', 'depth')
pipeline = [dict(type='LoadSyntheticRoom'), dict(type='PackMultimodalInputs')]
dataset = dict(
    type='SyntheticRGBDDataset', num_samples=8, image_size=(32, 48), pipeline=pipeline
)
train_dataloader = dict(
    batch_size=4, sampler=dict(type='InfiniteSampler', shuffle=False), dataset=dataset
)
val_dataloader = dict(
    batch_size=1, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
tta_pipeline = [
    dict(type='LoadSyntheticRoom'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale_factor=r, keep_ratio=True) for r in (1.0, 0.5)],
            [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]
model = dict(
    type='CENSegmentor',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(mean=[127.5] * 3, std=[60.0] * 3, bgr_to_rgb=True),
            depth=dict(mean=[3.0], std=[1.5]),
        ),
        size=(32, 48),
    ),
    backbone=dict(
        type='CENResNet', depth=18, num_modalities=2, exchange_threshold=2e-2
    ),
    decode_head=dict(
        type='EnsembleHead',
        modalities=modalities,
        head=dict(
            type='FCNHead',
            in_channels=512,
            channels=16,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0,
            num_classes=13,
            norm_cfg=dict(type='BN'),
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss'),
        ),
    ),
    test_cfg=dict(mode='whole'),
)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9)
)
sync_bn = 'torch'
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
)
log_processor = dict(by_epoch=False)
"""


@pytest.fixture(scope='session')
def start_in_server(tmp_path_factory):
    """Start a script as its own process, without importing torch and mmseg again.

    Returns the process, and the file that its output goes to.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['torch', 'mmengine.runner', 'mmseg_cen'])
    script = Path(__file__).parent / 'run_tool.py'

    def start_in_server(*argv):
        output = tmp_path_factory.mktemp('output') / 'output.txt'
        names = dict(
            argv=[str(part) for part in argv], output=str(output), folder=os.getcwd()
        )
        process = context.Process(target=runpy.run_path, args=(str(script), names))
        process.start()
        return process, output

    return start_in_server


@pytest.fixture(scope='session')
def run_in_server(start_in_server):
    """Exit status and output of a script, run to its end."""

    def run_in_server(*argv):
        process, output = start_in_server(*argv)
        process.join()
        return process.exitcode, output.read_text()

    return run_in_server


def run(*command):
    """Exit status and output of a command, as a user runs it."""
    result = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable},
    )
    return result.returncode, result.stdout


@pytest.fixture(scope='session')
def tool(run_in_server):
    """Run a tool by its path below tools/; exit status and output."""

    def run_tool(name, *args):
        path = ROOT / 'tools' / name
        if path.suffix == '.sh':
            return run('bash', path, *args)
        return run_in_server(path, *args)

    return run_tool


@pytest.fixture
def load_tool():
    """Import a tool by its path below tools/, to call its functions."""

    def load(name):
        path = ROOT / 'tools' / name
        spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope='session')
def parse_arguments():
    """Read arguments as a tool does, without what it imports to do its work."""
    readers = {}

    def parse_arguments(path, *arguments):
        if path not in readers:
            head = path.read_text().partition("\nif __name__ == '__main__':")[0]
            scope = dict(__name__='head', __file__=str(path))
            patch.syspath_prepend(path.parent)
            exec(compile(head, str(path), 'exec'), scope)
            readers[path] = scope['parse_args']
        patch.setattr(sys, 'argv', [path.name, *arguments])
        return readers[path]()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('LOCAL_RANK', '0')
        yield parse_arguments


@pytest.fixture
def error_of(load_tool, monkeypatch):
    """The line that a tool ends with instead of a traceback."""

    def call(name, *args):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
        with pytest.raises(SystemExit) as end:
            load_tool(name).main()
        return end.value.code

    return call


@pytest.fixture
def weights():
    """Read the state dict of an iteration from a work directory."""

    def read(work_dir, iteration):
        path = work_dir / f'iter_{iteration}.pth'
        return torch.load(path, map_location='cpu')['state_dict']

    return read


@pytest.fixture(scope='session')
def config(tmp_path_factory):
    """Path of the config of a training that takes seconds."""
    path = tmp_path_factory.mktemp('tools') / 'tiny.py'
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope='session')
def narrow_config(config):
    """Path of the same config with a network of an eighth of the width.

    With less than 8 channels, torch 2.13 writes beyond its memory in the backward pass
    of a 1x1 convolution of stride 2 in `channels_last` on a CPU.
    """
    path = config.parent / 'narrow.py'
    path.write_text(
        f"""
_base_ = './{config.name}'
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    decode_head=dict(head=dict(in_channels=64)),
)
"""
    )
    return path


@pytest.fixture(scope='session')
def trained(config, tool):
    """Work directory of a training run of four iterations."""
    work_dir = config.parent / 'trained'
    code, output = tool('train.py', config, '--work-dir', work_dir)
    assert code == 0, output
    return work_dir


@pytest.fixture(scope='session')
def write_run():
    def write_run(path, right, seed=0, streams=('rgb', 'depth'), num_images=20):
        """Areas of images of 100 pixels, of which some are right in each class."""
        draws = np.random.default_rng(seed)
        true = np.random.default_rng(1).integers(20, 40, (num_images, 1, 2))
        areas = {}
        for output, offset in (*((s, -0.1) for s in streams), ('ensemble', 0.0)):
            share = right + offset + 0.1 * draws.random((num_images, 1, 2))
            both = (true * share).astype(int)
            known = np.concatenate([both, true, true], axis=1)
            areas[output] = np.pad(known, ((0, 0), (0, 0), (0, 1)))
        names = tuple(f'{i}' for i in range(num_images))
        shares = {}
        if len(streams) > 1:
            agreeing = np.full((num_images, 2), (80, 100))
            shares = {f'agreement/{"+".join(streams)}': agreeing, 'oracle': agreeing}
        write_per_image(path, PerImage(names, MEASURED_CLASSES, areas, shares))
        return path

    return write_run
