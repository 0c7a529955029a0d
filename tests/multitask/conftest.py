"""Shared by the tests of several tasks: a tiny network and its samples."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

SIZE = (32, 40)
CHANNELS = dict(rgb=dict(channels=3), depth=dict(channels=1))


def head(**kwargs):
    return dict(
        type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1,
        dropout_ratio=0, **kwargs,
    )  # fmt: skip


def network(tasks=('segmentation', 'depth', 'normals'), modalities=('rgb',), **kwargs):
    """Config of a tiny network; arguments of its parts are given by their names."""
    return ConfigDict(
        type='MultitaskSegmentor',
        tasks=tasks,
        modalities=modalities,
        data_preprocessor=dict(type='MultitaskPreprocessor', modalities=CHANNELS),
        backbone=dict(
            type='CENResNet',
            depth=18,
            base_channels=4,
            stem_channels=4,
            **kwargs.pop('backbone', {}),
        ),
        decode_head=dict(
            type='MultitaskHead',
            heads=dict(
                segmentation=dict(type='SegmentationHead', head=head(num_classes=5)),
                depth=dict(type='DepthHead', head=head(), **kwargs.pop('depth', {})),
                normals=dict(type='NormalsHead', head=head()),
            ),
            **kwargs.pop('decode_head', {}),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
        **kwargs,
    )


@pytest.fixture
def build():
    """Build the tiny network, in eval mode, with norms that exchange some channels."""

    def built(**kwargs):
        torch.manual_seed(0)
        model = MODELS.build(network(**kwargs)).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith(('norm.weight', 'norm.bias')):
                    parameter.uniform_(-1, 1)
        return model

    return built


@pytest.fixture
def make_sample():
    """Make a sample with all targets, of which the first row has none."""

    def made(size=SIZE, **metainfo):
        normals = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
        normals /= np.linalg.norm(normals, axis=0)
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, *size).long()))
        depth, normals = torch.full((1, *size), 2.0), torch.from_numpy(normals)
        depth[:, 0] = normals[:, 0] = 0
        sample.set_data(
            dict(gt_depth_map=PixelData(data=depth), gt_normals=PixelData(data=normals))
        )
        shapes = dict(ori_shape=size, img_shape=size, pad_shape=size)
        sample.set_metainfo({**shapes, 'img_path': 'a.png', **metainfo})
        return sample

    return made
