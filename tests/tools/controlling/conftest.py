"""Shared by the tests of controls."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope


@pytest.fixture
def demo():
    return Config.fromfile('configs/demo/cen_synthetic.py')


@pytest.fixture
def folders(tmp_path):
    """A data set of one's own, of RGB and depth, that names its folders."""
    init_default_scope('mmseg')
    for name, channels in dict(rgb=3, depth=1, label=1).items():
        (tmp_path / name).mkdir()
        image = np.ones((6, 8, channels), np.uint8)
        assert cv2.imwrite(str(tmp_path / name / '0.png'), image)
    return dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        modalities=dict(rgb=dict(), depth=dict(plausible=None)),
        data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
        metainfo=dict(classes=('a', 'b')),
        pipeline=[
            dict(type='LoadModalities'),
            dict(type='LoadAnnotations'),
            dict(type='PackMultimodalInputs'),
        ],
    )
