import sys

import pytest
from mmengine.config import Config
from torch.nn import BatchNorm2d, Dropout

from mmseg_cen.config_files import read_config
from mmseg_cen.config_types import name_loops, name_types

NEW_STYLE = """
from mmengine.hooks import CheckpointHook
from mmseg.models.decode_heads import FCNHead
from numpy import ndarray
from torch.nn import BatchNorm2d
from torch.optim import SGD

from mmseg_cen.models import CENBackbone, CENSegmentor

model = dict(
    type=CENSegmentor,
    backbone=dict(type=CENBackbone, norm_cfg=dict(type=BatchNorm2d)),
    heads=[dict(type=FCNHead)],
)
hook = dict(type=CheckpointHook)
optimizer = dict(type=SGD, lr=1)
other = dict(type=ndarray)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'new_style.py'
    path.write_text(NEW_STYLE)
    return path


def test_imported_types_have_their_registered_names(path):
    cfg = read_config(str(path))
    assert cfg.model.type == 'CENSegmentor'
    assert cfg.model.backbone.type == 'CENBackbone', 'a function is a type, too'
    assert cfg.model.heads[0].type == 'FCNHead'
    assert cfg.hook.type == 'CheckpointHook', 'for which this package has its own'
    assert cfg.optimizer.type == 'SGD'
    assert cfg.model.backbone.norm_cfg.type is BatchNorm2d, 'which is named BN'
    assert not isinstance(cfg.other.type, str), 'of another package'
    assert cfg.custom_imports.imports == ['mmseg_cen']
    assert cfg.default_scope == 'mmseg', 'where the names are found'


def test_types_of_a_config_of_another_scope_stay_classes(path):
    path.write_text(NEW_STYLE + "default_scope = 'mmdet'")
    cfg = read_config(str(path))
    assert not isinstance(cfg.model.type, str)
    assert cfg.default_scope == 'mmdet'


def test_own_imports_of_a_config_are_kept(path):
    path.write_text(NEW_STYLE + "custom_imports = dict(imports=['json'])")
    assert read_config(str(path)).custom_imports.imports == ['json', 'mmseg_cen']


def test_types_that_are_data_are_not_imported():
    kinds = ['...', '.a.b', 'this.is.text', 'torch.nn.functional', Dropout]
    cfg = Config(dict(parts=[dict(type=kind) for kind in kinds]))
    name_types(cfg)
    assert [part.type for part in cfg.parts] == kinds, 'mmcv has another Dropout'
    assert 'this' not in sys.modules


def test_a_copy_of_such_a_config_has_the_same_names(path, tmp_path):
    cfg = Config.fromfile(str(path))
    cfg.dump(tmp_path / 'copy.py')
    assert 'mmseg_cen.models.CENSegmentor' in (tmp_path / 'copy.py').read_text()
    copy = read_config(str(tmp_path / 'copy.py'))
    assert copy.model.type == 'CENSegmentor'
    assert copy.model.heads[0].type == 'FCNHead'


def test_names_stay_as_they_are():
    cfg = Config(dict(a=dict(type='FCNHead'), b=dict(type='mmseg.FCNHead')))
    name_types(cfg)
    assert (cfg.a.type, cfg.b.type) == ('FCNHead', 'mmseg.FCNHead')
    assert 'custom_imports' not in cfg


@pytest.mark.parametrize(
    ('train_cfg', 'expected'),
    [
        (dict(by_epoch=True, max_epochs=2), 'EpochBasedTrainLoop'),
        (dict(by_epoch=False, max_iters=2), 'IterBasedTrainLoop'),
        (dict(max_epochs=2), 'EpochBasedTrainLoop'),
        (dict(type='EpochBasedTrainLoop', max_epochs=2), 'EpochBasedTrainLoop'),
        (dict(type='EpochBasedTrainLoop', by_epoch=False), 'IterBasedTrainLoop'),
        (dict(type='OwnLoop', by_epoch=True), 'OwnLoop'),
    ],
)
def test_loops_without_a_type_are_found_in_the_registries(train_cfg, expected):
    cfg = Config(dict(train_cfg=train_cfg, val_cfg=dict(fp16='bf16'), test_cfg=None))
    name_loops(cfg)
    assert cfg.train_cfg.type == expected
    assert ('by_epoch' in cfg.train_cfg) == (expected == 'OwnLoop')
    assert cfg.val_cfg == dict(type='ValLoop', fp16='bf16')
    assert cfg.test_cfg is None
