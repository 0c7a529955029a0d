"""Configs of several tasks train two iterations and test, on tiny images."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

ROOT = Path(__file__).parents[2] / 'configs/multitask'
LEAVES = sorted(path.name for path in ROOT.glob('*.py'))
KEYS = dict(
    segmentation='mIoU', depth='depth/rmse', normals='normals/mean_angle'
)  # of the only stream, or of the ensemble


@pytest.mark.parametrize('leaf', LEAVES)
def test_the_model_of_a_config_is_built(leaf):
    model = Config.fromfile(ROOT / leaf).model
    model.backbone.init_cfg = None
    with torch.device('meta'):
        built = MODELS.build(model)
    assert built.backbone.num_modalities == len(built.streams)


@pytest.mark.parametrize('leaf', ['rooms_exchange.py', 'rooms_rgbd_exchange.py'])
def test_a_config_trains_and_tests(leaf, tmp_path, monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: cfg.text))
    cfg = Config.fromfile(ROOT / leaf)
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
    scalars = runner.message_hub.log_scalars
    for stream in runner.model.streams:
        assert f'train/exchange/{stream}/own' in scalars
    assert 'train/loss_sparsity' in scalars
    for task in runner.model.tasks:
        key = KEYS[task]
        assert f'val/{key}' in scalars
        folder = key.rpartition('/')[0]
        for name in runner.model.modalities if 'rgbd' in leaf else ():
            assert (
                f'val/{"/".join([*filter(None, [folder, name])])}/'
                + (key.rpartition('/')[2])
                in scalars
            )
    assert len([*tmp_path.glob('pictures/*.png')]) == 2
