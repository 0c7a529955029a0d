"""A small network, its config and a checkpoint, and files for it."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

SIZE = (24, 32)

CONFIG = """
modalities = dict(
    rgb=dict(interpolation='bicubic'),
    depth=dict(dtype='uint16', scale=0.001, fill='nearest', interpolation='area'))
loading = dict(type='LoadModalities')
test_dataloader = dict(dataset=dict(
    type='MultimodalSegDataset', modalities=modalities,
    metainfo=dict(classes=('wall', 'floor', 'chair')),
    pipeline=[
        loading, dict(type='Resize', scale=(16, 12)), dict(type='LoadAnnotations'),
        dict(type='PackMultimodalInputs')]))
tta_model = dict(type='CENTTAModel')
tta_pipeline = [
    loading,
    dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
        [dict(type='LoadAnnotations')], [dict(type='PackMultimodalInputs')]])]
model = dict(
    type='CENSegmentor', modalities=('rgb', 'depth'),
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(mean=[127.5] * 3, std=[60.0] * 3),
            depth=dict(mean=[3.0], std=[1.5]))),
    backbone=dict(
        type='CENResNet', depth=18, base_channels=8, stem_channels=8,
        exchange_threshold=2e-2),
    decode_head=dict(type='EnsembleHead', head=dict(
        type='FCNHead', in_channels=64, channels=8, num_convs=1, num_classes=3,
        concat_input=False, dropout_ratio=0, norm_cfg=dict(type='BN'),
        align_corners=True)),
    test_cfg=dict(mode='whole'))
"""


@pytest.fixture(scope='session')
def network(tmp_path_factory):
    """Paths of a config and of a checkpoint of random weights, and the model."""
    folder = tmp_path_factory.mktemp('network')
    (folder / 'own.py').write_text(CONFIG)
    torch.manual_seed(0)
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(folder / 'own.py').model)
    meta = dict(dataset_meta=dict(classes=('wall', 'floor', 'chair'), palette=None))
    checkpoint = dict(state_dict=model.state_dict(), meta=meta)
    torch.save(checkpoint, folder / 'epoch_1.pth')
    return SimpleNamespace(
        config=str(folder / 'own.py'),
        checkpoint=str(folder / 'epoch_1.pth'),
        folder=folder,
        model=model.eval(),
    )


@pytest.fixture
def files(tmp_path):
    """Folders of files: two samples of one name in two folders."""
    rng = np.random.default_rng(0)
    for folder in 'ab':
        images = dict(
            rgb=rng.integers(0, 256, (*SIZE, 3), np.uint8),
            depth=rng.integers(500, 4000, SIZE).astype(np.uint16),
        )
        for name, image in images.items():
            path = tmp_path / name / folder / '1.png'
            path.parent.mkdir(parents=True)
            assert cv2.imwrite(str(path), image)
    return dict(rgb=str(tmp_path / 'rgb'), depth=str(tmp_path / 'depth'))
