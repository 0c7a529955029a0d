import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

PIPELINE = [
    dict(type='LoadSyntheticRoom'),
    dict(type='LoadRoomTargets'),
    dict(type='PackMultitaskInputs'),
]


def packed(size=(24, 32), index=0):
    dataset = DATASETS.build(
        dict(
            type='SyntheticRGBDDataset',
            num_samples=2,
            image_size=size,
            modalities=('rgb',),
            pipeline=PIPELINE,
        )
    )
    return dataset[index]


def test_targets_are_packed_beside_the_labels():
    sample = packed()['data_samples']
    assert sample.gt_sem_seg.shape == (24, 32)
    assert sample.gt_depth_map.data.shape == (1, 24, 32)
    assert sample.gt_normals.data.shape == (3, 24, 32)
    assert sample.gt_depth_map.data.dtype == torch.float32
    assert sample.gt_normals.data.norm(dim=0).numpy() == pytest.approx(
        np.ones((24, 32)), abs=1e-5
    )
    assert sample.modalities == dict(rgb=3)


def test_samples_without_targets_are_packed_as_ever():
    pipeline = Compose([TRANSFORMS.build(t) for t in (PIPELINE[0], PIPELINE[2])])
    dataset = DATASETS.build(
        dict(type='SyntheticRGBDDataset', num_samples=1, image_size=(8, 8), pipeline=[])
    )
    sample = pipeline(dataset.get_data_info(0))['data_samples']
    assert 'gt_sem_seg' in sample
    assert 'gt_depth_map' not in sample


@pytest.mark.parametrize('training', [True, False])
def test_images_are_padded_with_pixels_without_a_target(training):
    preprocessor = MODELS.build(
        dict(
            type='MultitaskPreprocessor',
            modalities=dict(rgb=dict(channels=3)),
            size=(32, 40),
        )
    )
    one = packed()
    target = one['data_samples'].gt_depth_map.data.clone()
    batch = preprocessor(
        dict(inputs=[one['inputs']], data_samples=[one['data_samples']]), training
    )
    sample = batch['data_samples'][0]
    depth, normals = sample.gt_depth_map.data, sample.gt_normals.data
    size = (32, 40) if training else (24, 32)
    assert tuple(batch['inputs'].shape[-2:]) == size
    assert depth.shape[-2:] == normals.shape[-2:] == size
    assert torch.equal(depth[:, :24, :32], target)
    assert (depth > 0).sum() == 24 * 32 == normals.any(0).sum()
