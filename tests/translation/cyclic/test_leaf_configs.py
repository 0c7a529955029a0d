"""Configs of cyclic fusion train two iterations and test, on tiny images."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

from mmseg_cen.translation import build_domains
from mmseg_cen.translation.taskonomy import DOMAINS

ROOT = Path(__file__).parents[3] / 'configs/translation/cyclic'
STEMS = ('point_0_view_0', 'point_0_view_1')


def write_tiny_data(dataset, root):
    """Two samples in the layout of Taskonomy."""
    rng = np.random.default_rng(0)
    for name, domain in build_domains(DOMAINS).items():
        channels = domain.stored_channels or domain.channels
        shape = (40, 48) if channels == 1 else (40, 48, channels)
        high = 256 if domain.dtype == 'uint8' else 40000
        (root / name).mkdir(parents=True)
        for stem in STEMS:
            image = rng.integers(1, high, shape, domain.dtype)
            assert cv2.imwrite(str(root / name / f'{stem}_domain_{name}.png'), image)
    (root / dataset.ann_file).write_text('\n'.join(STEMS))
    dataset.data_root = str(root)


def test_the_domains_of_rooms_are_those_of_the_generator():
    cfg = Config.fromfile(ROOT / 'rooms.py')
    dataset = cfg.train_dataloader.dataset
    assert (*dataset.sources, dataset.target) == cfg.domains
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert model.generator.num_modalities == len(model.sources) == len(cfg.domains)


@pytest.mark.slow
def test_a_config_trains_and_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: cfg.text))
    monkeypatch.setattr(  # which takes most of the time
        'mmseg_cen.hooks.exchange_stats.draw_histograms',
        lambda *_: np.zeros((8, 8, 3), np.uint8),
    )
    cfg = Config.fromfile(ROOT / 'taskonomy.py')
    cfg.model.generator.update(base_channels=4, num_downs=5)
    cfg.model.discriminator.update(base_channels=4, num_strided=2)
    for i, loader in enumerate((cfg.train_dataloader, cfg.val_dataloader)):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        write_tiny_data(loader.dataset, tmp_path / str(i))
        for transform in loader.dataset.pipeline:
            if transform.type == 'Resize':
                transform.scale = (36, 36) if i == 0 else (32, 32)
            if transform.type == 'RandomCrop':
                transform.crop_size = (32, 32)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.val_evaluator.measures = ('MAE',)
    pictures = dict(draw=True, interval=1, out_dir=str(tmp_path / 'pictures'))
    cfg.default_hooks.visualization.update(pictures)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.log_level = 'ERROR'
    cfg.visualizer.name = str(tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    for name in cfg.domains:
        assert f'val/{name}/MAE' in scalars
        assert f'train/loss_l1_{name}' in scalars
        assert f'train/alpha/{name}' in scalars
    assert 'train/loss_sparsity' in scalars
    assert len([*tmp_path.rglob('pictures/**/*.png')]) == 2
