"""Weights from a file, in place of those of the configs."""

import pytest
import torch
from mmseg.models.backbones import ResNet
from paper.configs import build_config
from paper.pretrained import set_weights
from paper.rows import TABLES

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}


@pytest.fixture
def config():
    return build_config(ROWS['exchange_half'], 'synthetic', 1, 0)


@pytest.fixture
def save(tmp_path):
    def save(**options):
        path = tmp_path / 'weights.pth'
        network = ResNet(depth=18, base_channels=16, **options)
        torch.save(dict(state_dict=network.state_dict(), meta={}), path)
        return path

    return save


def test_backbones_start_from_the_file(config, save, monkeypatch):
    path = save(stem_channels=16)
    monkeypatch.chdir(path.parent)
    set_weights(config, path.relative_to(path.parent))
    init = config.model.backbone.init_cfg
    assert init == dict(type='Pretrained', checkpoint=str(path))


def test_weights_that_do_not_fit_are_refused_before_a_training(config, save, tmp_path):
    with pytest.raises(ValueError, match='must hold the weights of this CENResNet'):
        set_weights(config, save(stem_channels=32))
    with pytest.raises(FileNotFoundError, match='the weights must be a file'):
        set_weights(config, tmp_path / 'nowhere.pth')


def test_a_translation_has_no_backbone_to_start_from_weights(save):
    row = TABLES['4'].rows[0]
    cfg = build_config(row, 'synthetic', 1, 0)
    with pytest.raises(ValueError, match='must be of the backbone of a segmentation'):
        set_weights(cfg, save(stem_channels=16))
