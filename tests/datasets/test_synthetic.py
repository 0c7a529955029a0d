import pickle
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from mmseg_cen.rooms import CLASSES

LOAD = dict(type='LoadSyntheticRoom')


def build(pipeline=(LOAD,), **kwargs: Any):
    # Serializing collects garbage, which takes longer than to render.
    options = dict(num_samples=4, image_size=(24, 32), serialize_data=False) | kwargs
    return DATASETS.build(
        dict(type='SyntheticRGBDDataset', pipeline=list(pipeline), **options)
    )


def arrays(sample: dict[str, Any]) -> list[np.ndarray]:
    return [sample['img'], sample['depth'], sample['gt_seg_map']]


def assert_equal(sample: dict[str, Any], other: dict[str, Any]) -> None:
    for one, two in zip(arrays(sample), arrays(other), strict=True):
        np.testing.assert_array_equal(one, two)


def test_seeds_have_no_room_in_common():
    images = {
        dataset[index]['img'].tobytes()
        for dataset in (build(seed=0), build(seed=1))
        for index in range(4)
    }
    assert len(images) == 8


def test_sample_has_the_types_and_keys_of_the_data_contract():
    sample = build()[1]
    image, depth, label = arrays(sample)
    assert (image.shape, image.dtype) == ((24, 32, 3), np.uint8)
    assert (depth.shape, depth.dtype) == ((24, 32), np.float32)
    assert (label.shape, label.dtype) == ((24, 32), np.uint8)
    assert sample['seg_fields'] == ['gt_seg_map']
    assert sample['img_shape'] == sample['ori_shape'] == (24, 32)
    assert list(sample['modalities']) == ['rgb', 'depth']
    assert 0.3 < depth.min() < depth.max() < 8
    assert label.max() < len(CLASSES)


def test_order_of_the_modalities_is_that_of_the_streams():
    pack = dict(type='PackMultimodalInputs')
    rgbd = build([LOAD, pack])[0]['inputs']
    for modalities in (dict(depth={}, rgb={}), ('depth', 'rgb')):
        swapped = build([LOAD, pack], modalities=modalities)[0]['inputs']
        assert torch.equal(swapped, rgbd[[3, 0, 1, 2]])


def test_samples_pass_through_geometry_and_packing():
    pipeline = [
        LOAD,
        dict(type='RandomCrop', crop_size=(16, 16)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackMultimodalInputs'),
    ]
    packed = build(pipeline)[2]
    assert packed['inputs'].shape == (4, 16, 16)
    assert packed['data_samples'].gt_sem_seg.data.shape == (1, 16, 16)
    assert packed['data_samples'].modalities == {'rgb': 3, 'depth': 1}
    assert packed['data_samples'].img_path


def test_dataset_survives_pickling_to_a_worker():
    dataset = build(serialize_data=True)
    sample = dataset[0]
    assert_equal(pickle.loads(pickle.dumps(dataset))[0], sample)


def test_every_class_has_a_color_of_its_own():
    metainfo = build().metainfo
    assert len({tuple(color) for color in metainfo['palette']}) == len(CLASSES)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_samples=0), 'num_samples'),
        (dict(seed=-1), 'seed'),
        (dict(image_size=(64,)), 'image_size'),
        (dict(image_size=(0, 64)), 'image_size'),
        (dict(modalities=('rgb', 'thermal')), 'thermal'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
