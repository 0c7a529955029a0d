"""The package, built and installed beside its dependencies, without a clone.

The wheel is built from the source distribution, as package indices do it, and installed
in an environment of its own: what is missing in either is missing there.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.command_line import SHORT

ROOT = Path(__file__).parents[1]
DEMO = 'mmseg_cen::demo/cen_synthetic.py'
SMALL = (
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'default_hooks.checkpoint.interval=1',
    'train_dataloader.batch_size=2',
    'train_dataloader.dataset.num_samples=4',
    'train_dataloader.dataset.image_size=[32,32]',
    'val_dataloader.dataset.num_samples=2',
    'test_dataloader.dataset.num_samples=2',
)
PIP = (sys.executable, '-m', 'pip')
BUILD = 'import sys; from setuptools import build_meta as b; b.build_sdist(sys.argv[1])'

pytestmark = pytest.mark.slow


def run(*command, cwd, code=0):
    """What a command prints, which ends with a status."""
    kept = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    result = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**kept, 'PIP_DISABLE_PIP_VERSION_CHECK': '1', 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stdout
    return result.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """A wheel of the source distribution."""
    folder = tmp_path_factory.mktemp('package')
    run(sys.executable, '-c', BUILD, folder, cwd=ROOT)
    (source,) = folder.glob('*.tar.gz')
    run(*PIP, 'wheel', '--no-deps', '--no-build-isolation', source, cwd=folder)
    (wheel,) = folder.glob('*.whl')
    return wheel


@pytest.fixture(scope='module')
def environment(wheel):
    """An environment with the package, which finds the dependencies of this one."""
    folder = wheel.parent
    run(sys.executable, '-m', 'venv', '--without-pip', folder / 'env', cwd=folder)
    python = folder / 'env/bin/python'
    install = ('install', '--no-deps', '--no-index', wheel)
    run(*PIP, '--python', python, *install, cwd=folder)
    (site,) = (folder / 'env/lib').glob('python*/site-packages')
    # Of a path in a .pth file, the .pth files are not read, such as that of a clone.
    (site / 'dependencies.pth').write_text(sysconfig.get_paths()['purelib'] + '\n')
    return folder / 'env/bin'


@pytest.fixture(scope='module')
def empty(tmp_path_factory):
    return tmp_path_factory.mktemp('empty')


@pytest.fixture(scope='module')
def trained(environment, empty):
    """What the README's first command of an installed package prints, shortened."""
    command = (environment / 'mmseg-cen', 'train', DEMO, '--cfg-options', *SMALL)
    return run(*command, cwd=empty)


def test_a_wheel_of_the_source_distribution_has_all_configs_and_tools(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ('configs', 'tools'):
        for path in (ROOT / folder).rglob('*.*'):
            if '__pycache__' not in path.parts:
                place = f'mmseg_cen/.mim/{path.relative_to(ROOT)}'
                assert place in names, 'package-data of pyproject.toml lacks it'
    assert 'mmseg_cen/.mim/model-index.yml' in names


def test_both_doors_tell_the_tools(environment, empty):
    said = run(environment / 'mmseg-cen', '--help', cwd=empty)
    assert run(environment / 'python', '-m', 'mmseg_cen', '--help', cwd=empty) == said
    assert str(environment.parent) in said
    for name in (
        'train',
        'test',
        'infer',
        'app',
        'report',
        'export',
        'benchmark',
        *SHORT,
    ):
        assert f'  {name}' in said
        usage = run(environment / 'mmseg-cen', name, '--help', cwd=empty)
        assert usage.startswith(f'usage: mmseg-cen {name} '), usage


def test_the_demo_trains_in_an_empty_folder_and_reports(trained, empty):
    assert (empty / 'work_dirs/cen_synthetic/epoch_1.pth').is_file()
    assert 'report.html' in trained.splitlines()[-1]


def test_a_trained_network_is_tested_predicts_and_is_exported(
    trained, environment, empty
):
    rng = np.random.default_rng(0)
    cv2.imwrite(str(empty / 'a.jpg'), rng.integers(0, 256, (24, 32, 3), np.uint8))
    cv2.imwrite(
        str(empty / 'a.png'), rng.integers(900, 4000, (24, 32)).astype(np.uint16)
    )
    (empty / 'mine.py').write_text(f'_base_ = {DEMO!r}\n')
    network = ('mine.py', 'work_dirs/cen_synthetic/epoch_1.pth')
    door = environment / 'mmseg-cen'
    files = ('--rgb', 'a.jpg', '--depth', 'a.png', '--depth-unit', '0.001')
    run(door, 'infer', *network, *files, '--out', 'labels.png', cwd=empty)
    assert cv2.imread(str(empty / 'labels.png'), -1).shape == (24, 32)
    small = ('--cfg-options', 'test_dataloader.dataset.num_samples=2')
    assert 'mIoU' in run(door, 'test', *network, *small, cwd=empty)
    run(door, 'export', *network, 'net.ts', '--format', 'torchscript', cwd=empty)
    assert (empty / 'net.ts.json').is_file()
    said = run(door, 'report', 'work_dirs/cen_synthetic', '--predict', '1', cwd=empty)
    assert said.endswith('work_dirs/cen_synthetic/report.html\n')
