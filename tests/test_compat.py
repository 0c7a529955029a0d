import subprocess
import sys
from pickle import UnpicklingError

import numpy as np
import pytest
import scipy.optimize  # noqa: F401
import torch
from mmengine.config import Config, config
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.utils.dl_utils import mmcv_full_available
from mmseg.datasets.transforms import transforms
from mmseg.models.assigners import hungarian_assigner
from scipy import ndimage
from torch import nn
from torch.testing import assert_close
from torch.torch_version import TorchVersion

from mmseg_cen import compat


def run_python(code, *args):
    """Run code in a fresh interpreter: compat does its work when it is imported."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code, *args],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_module_of_mmseg_can_be_imported():
    result = run_python(
        'import mmseg_cen, mmseg, pkgutil, importlib\n'
        'for module in pkgutil.walk_packages(mmseg.__path__, "mmseg."):\n'
        '    importlib.import_module(module.name)\n'
    )
    assert result.returncode == 0, result.stderr


lite_only = pytest.mark.skipif(mmcv_full_available(), reason='full mmcv is installed')


@lite_only
def test_the_stub_is_gone_once_mmcv_ops_is_imported():
    assert 'mmcv.ops' in sys.modules
    assert 'mmcv._ext' not in sys.modules


@lite_only
def test_an_operator_of_mmcv_lite_says_that_it_needs_full_mmcv():
    from mmcv.ops import nms

    with pytest.raises(ImportError, match=r"operator nms, got mmcv-lite: .* 'mmcv"):
        nms(torch.rand(2, 4), torch.rand(2), 0.5)


def test_the_environment_can_be_collected():
    from mmcv.utils import collect_env

    assert collect_env()['MMCV Compiler']


def test_full_mmcv_is_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmcv.ops', raising=False)
    monkeypatch.setattr(compat.importlib.util, 'find_spec', lambda name: object())
    before = set(sys.modules)
    compat.import_ops_of_mmcv_lite()
    assert set(sys.modules) == before


def test_functions_of_scipy_are_imported_when_mmseg_calls_them():
    picture = np.eye(5)
    assert_close(
        transforms.gaussian_filter(picture, 1), ndimage.gaussian_filter(picture, 1)
    )
    rows, columns = hungarian_assigner.linear_sum_assignment(picture, maximize=True)
    assert (rows == columns).all()


def test_an_imported_module_of_scipy_is_left_as_it_is():
    before = {name: sys.modules[name] for name in ('scipy.ndimage', 'scipy.optimize')}
    compat.import_mmseg_without_scipy()
    assert before.items() <= sys.modules.items()


def test_a_missing_mmcv_is_named(monkeypatch):
    monkeypatch.setattr(compat.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install mmcv-lite'):
        compat.import_ops_of_mmcv_lite()


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        nn.init.ones_(self.linear.weight)
        nn.init.ones_(self.linear.bias)

    def forward(self, x, mode='tensor'):
        return {'loss': (self.linear(x) - 2 * x).square().mean()}


def line_runner(work_dir, max_iters, resume):
    data = [{'x': torch.tensor([float(i)])} for i in range(4)]
    return Runner(
        model=Line(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=data,
            batch_size=2,
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        param_scheduler=dict(type='PolyLR', power=0.9, by_epoch=False, end=8),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4)
        ),
        log_processor=dict(by_epoch=False),
        resume=resume,
        experiment_name=f'{work_dir.name}_{max_iters}',
        log_level='WARNING',
    )


def test_a_torch_that_runs_code_of_checkpoints_is_refused(monkeypatch):
    monkeypatch.setattr(torch, '__version__', TorchVersion('2.5.1'))
    with pytest.raises(ImportError, match=r'must be 2.6 or newer, got 2.5.1: .*CVE'):
        compat.allow_checkpoints_of_mmengine()
    monkeypatch.setattr(torch, '__version__', TorchVersion('2.10.0'))
    compat.allow_checkpoints_of_mmengine()


def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path):
    unbroken = line_runner(tmp_path / 'unbroken', 8, resume=False).train()
    line_runner(tmp_path / 'broken', 4, resume=False).train()
    resumed = line_runner(tmp_path / 'broken', 8, resume=True)
    resumed.train()
    assert resumed.iter == 8
    assert_close(resumed.model.state_dict(), unbroken.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize('core', ['core', '_core'])
def test_values_of_either_numpy_are_loaded(core, tmp_path, monkeypatch):
    value = {
        'history': HistoryBuffer([1.0, 2.0], [1, 1]),
        'array': np.arange(3),
        'best': np.float64(0.5),
    }
    module = np.zeros(1).__reduce__()[0].__module__
    path = tmp_path / 'checkpoint.pth'
    torch.save(value, path, _use_new_zipfile_serialization=False)
    pickled = path.read_bytes()
    name = f'numpy.{core}.multiarray'
    path.write_bytes(pickled.replace(module.encode(), name.encode()))
    loaded = torch.load(path, weights_only=True)
    assert loaded['history'].mean() == 1.5
    assert loaded['array'].tolist() == [0, 1, 2]
    assert loaded['best'] == 0.5


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    'call',
    [
        Call(exec, 'raise RuntimeError'),
        Call(getattr, HistoryBuffer, '__init__'),
        Call(getattr, torch.Tensor, 'mean'),
    ],
    ids=['exec', 'getattr', 'getattr of another class'],
)
def test_everything_else_stays_refused(call, tmp_path):
    torch.save(call, tmp_path / 'checkpoint.pth')
    with pytest.raises(UnpicklingError):
        torch.load(tmp_path / 'checkpoint.pth')


def test_the_text_of_a_config_is_laid_out_once(monkeypatch):
    calls = []
    original = config.FormatCode

    def count(text, **options):
        calls.append(text)
        return original(text, **options)

    monkeypatch.setattr(config, 'FormatCode', count)
    compat.format_configs_once()
    texts = {Config(dict(classes=['wall', 'floor'])).pretty_text for _ in range(3)}
    assert len(texts) == len(calls) == 1
    assert Config(dict(classes=['wall'])).pretty_text not in texts
    assert len(calls) == 2


def test_mmpretrain_imports_beside_transformers_5(monkeypatch):
    """Where mmdet, which needs pycocotools, is installed, it would not."""
    name = 'mmpretrain.models.multimodal'
    monkeypatch.setattr(compat.importlib.util, 'find_spec', lambda name: True)
    monkeypatch.delitem(sys.modules, name, raising=False)
    for version, left_out in (('4.57.1', False), ('5.24.0', True)):
        monkeypatch.setattr(compat.metadata, 'version', lambda _, v=version: v)
        compat.leave_out_broken_models_of_mmpretrain()
        assert (name in sys.modules) == left_out
