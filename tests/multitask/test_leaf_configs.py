"""Configs of several tasks train two iterations and test, on tiny images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

ROOT = Path(__file__).parents[2] / 'configs/multitask'
LEAVES = sorted(path.name for path in ROOT.glob('*.py'))


@pytest.mark.parametrize('leaf', LEAVES)
def test_the_model_of_a_config_is_built(leaf):
    model = Config.fromfile(ROOT / leaf).model
    model.backbone.init_cfg = None
    with torch.device('meta'):
        built = MODELS.build(model)
    assert built.backbone.num_modalities == len(built.streams)


@pytest.mark.slow
def test_a_config_trains_and_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: cfg.text))
    monkeypatch.setattr(  # which takes most of the time
        'mmseg_cen.hooks.exchange_stats.draw_histograms',
        lambda *_: np.zeros((8, 8, 3), np.uint8),
    )
    cfg = Config.fromfile(ROOT / 'rooms_rgbd_exchange.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.batch_size = min(loader.batch_size, 2)
        loader.dataset.update(num_samples=2, image_size=(32, 40))
    cfg.model.backbone.update(base_channels=4, stem_channels=4)
    for head in cfg.model.decode_head.heads.values():
        head.head.update(in_channels=[4, 8, 16, 32], channels=4)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    pictures = dict(draw=True, interval=1, out_dir=str(tmp_path / 'pictures'))
    cfg.default_hooks.visualization.update(pictures)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.log_level = 'ERROR'
    cfg.visualizer.name = str(tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = {*runner.message_hub.log_scalars}
    streams = [
        f'{k}.{m}' for k in ('segmentation', 'normals') for m in ('rgb', 'depth')
    ]
    assert scalars >= {f'train/exchange/{stream}/own' for stream in streams}
    assert scalars >= {'train/loss_sparsity', 'val/mIoU', 'val/normals/mean_angle'}
    assert scalars >= {'val/rgb/mIoU', 'val/normals/depth/mean_angle'}
    assert len([*tmp_path.glob('pictures/*.png')]) == 2
