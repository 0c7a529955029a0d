"""A small multimodal data set with label files."""

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import MultimodalSegDataset

LOADING = [dict(type='LoadModalities'), dict(type='LoadAnnotations')]
PACKING = dict(type='PackMultimodalInputs')


@pytest.fixture
def labeled(tmp_path):
    """A function that makes a data set of rgb and thermal images with given labels."""

    def labeled(labels, classes=('wall', 'floor', 'chair'), between=(), **options):
        for i, label in enumerate(labels):
            label = np.asarray(label)
            images = dict(
                rgb=np.zeros((*label.shape, 3), np.uint8),
                thermal=np.zeros(label.shape, np.uint8),
                label=label if label.dtype == np.uint16 else label.astype(np.uint8),
            )
            for name, image in images.items():
                (tmp_path / name).mkdir(exist_ok=True)
                assert cv2.imwrite(str(tmp_path / name / f'{i:03d}.png'), image)
        return MultimodalSegDataset(
            ('rgb', 'thermal'),
            data_root=str(tmp_path),
            data_prefix=dict(seg_map_path='label'),
            metainfo=None if classes is None else dict(classes=classes),
            pipeline=[*LOADING, *between, PACKING],
            **options,
        )

    return labeled
