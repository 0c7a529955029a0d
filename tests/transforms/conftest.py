"""Samples whose pixels tell their place, and transforms as a config builds them."""

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import build_modalities

H, W = 37, 53
LABEL_OFFSET = 1000  # keeps the values of labels apart from their padding value 255
DEPTH_PAD = -7.0


@pytest.fixture
def build():
    """A function that builds a transform from its config, in the scope of mmseg."""

    def build(config):
        with DefaultScope.overwrite_default_scope('mmseg'):
            return TRANSFORMS.build(config)

    return build


@pytest.fixture
def plain():
    """A function that makes a sample of the toolbox: random image and labels."""

    def plain(shape=(H, W)):
        rng = np.random.default_rng(0)
        return dict(
            img=rng.integers(0, 256, (*shape, 3), np.uint8),
            gt_seg_map=rng.integers(0, 9, shape, np.uint8),
            seg_fields=['gt_seg_map'],
            img_shape=shape,
            ori_shape=shape,
        )

    return plain


@pytest.fixture
def coordinates():
    """A function that makes a sample every pixel of which tells its place.

    - labels and depth (nearest): y * W + x, offset
    - flow (bilinear): x, y
    - rgb (bilinear): x, y, 0, as uint8
    - spectrum (nearest, five channels): the depth, times 1 to 5
    """

    def coordinates(names=('rgb', 'depth', 'flow', 'spectrum')):
        options = dict(
            rgb={},
            depth=dict(pad_value=DEPTH_PAD),
            flow=dict(channels=2, interpolation='bilinear', pad_value=[-1, -2]),
            spectrum=dict(channels=5, pad_value=[1, 2, 3, 4, 5]),
        )
        y, x = np.indices((H, W), dtype=np.float32)
        place = y * W + x + LABEL_OFFSET
        arrays = dict(
            rgb=np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8),
            depth=place.copy(),
            flow=np.stack([x, y], axis=-1),
            spectrum=place[..., None] * np.arange(1, 6, dtype=np.float32),
        )
        main = 'rgb' if 'rgb' in names else names[0]
        return dict(
            modalities=build_modalities({name: options[name] for name in names}),
            gt_seg_map=place,
            seg_fields=['gt_seg_map'],
            img_shape=(H, W),
            ori_shape=(H, W),
            **{'img' if name == main else name: arrays[name] for name in names},
        )

    return coordinates
