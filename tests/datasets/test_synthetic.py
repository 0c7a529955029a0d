import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from mmseg_cen.datasets import SyntheticRGBDDataset
from mmseg_cen.rooms import CLASSES
from mmseg_cen.transforms import LoadSyntheticRoom

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


@pytest.mark.parametrize('cache', [True, False])
def test_samples_depend_on_seed_and_index_only(cache):
    forwards = build([dict(LOAD, cache=cache)])
    first = [forwards[index] for index in range(4)]
    backwards = build([dict(LOAD, cache=cache)], num_samples=9)
    for index in (3, 2, 1, 0, 3):
        assert_equal(backwards[index], first[index])
        assert_equal(forwards[index], first[index])


def test_seeds_have_no_room_in_common():
    images = {
        dataset[index]['img'].tobytes()
        for dataset in (build(seed=0), build(seed=1))
        for index in range(4)
    }
    assert len(images) == 8


def test_a_transform_that_writes_into_a_sample_leaves_the_next_epoch_alone():
    dataset = build()
    sample = dataset[0]
    before = [array.copy() for array in arrays(sample)]
    for array in arrays(sample):
        array[:] = 0
    for array, expected in zip(arrays(dataset[0]), before, strict=True):
        np.testing.assert_array_equal(array, expected)


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


def test_image_is_bgr():
    """A podium and a rug are red."""
    sample = build(image_size=(64, 64))[0]
    red = np.isin(sample['gt_seg_map'], [CLASSES.index('podium'), CLASSES.index('rug')])
    blue, green, red = sample['img'][red].mean(axis=0)
    assert red > 1.5 * max(blue, green)


def test_depth_alone_is_the_image_of_its_sample():
    sample = build(modalities=dict(depth={}))[0]
    np.testing.assert_array_equal(sample['img'], build()[0]['depth'])
    assert 'depth' not in sample


def test_order_of_the_modalities_is_that_of_the_streams():
    pack = dict(type='PackMultimodalInputs')
    rgbd = build([LOAD, pack])[0]['inputs']
    swapped = build([LOAD, pack], modalities=dict(depth={}, rgb={}))[0]['inputs']
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


def test_holes_are_zero_unless_the_modality_has_a_fill():
    load = [dict(LOAD, hole_rate=0.1)]
    holes = build(load)[0]['depth'] == 0
    assert 0.02 < holes.mean() < 0.5
    filled = build(load, modalities=dict(rgb={}, depth=dict(fill='nearest')))[0]
    assert filled['depth'].min() > 0
    constant = build(load, modalities=dict(rgb={}, depth=dict(fill=9.0)))[0]
    np.testing.assert_array_equal(constant['depth'] == 9, holes)


def test_a_subset_of_the_classes_is_relabelled():
    names = ('floor', 'wall')
    full = build()[0]['gt_seg_map']
    label = build(metainfo=dict(classes=names))[0]['gt_seg_map']
    for new, name in enumerate(names):
        np.testing.assert_array_equal(label == new, full == CLASSES.index(name))
    np.testing.assert_array_equal(label == 255, full > 1)


def test_dataset_survives_pickling_to_a_worker():
    dataset = build(serialize_data=True)
    sample = dataset[0]
    assert_equal(pickle.loads(pickle.dumps(dataset))[0], sample)


def test_every_class_has_a_colour_of_its_own():
    metainfo = build().metainfo
    assert len({tuple(colour) for colour in metainfo['palette']}) == len(CLASSES)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_samples=0), 'num_samples'),
        (dict(seed=-1), 'seed'),
        (dict(image_size=(64,)), 'image_size'),
        (dict(image_size=(0, 64)), 'image_size'),
        (dict(modalities=dict(rgb={}, thermal={})), 'thermal'),
        (dict(pipeline=[dict(LOAD, noise=-1)]), 'noise'),
        (dict(pipeline=[dict(LOAD, hole_rate=2)]), 'hole_rate'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_images_and_labels_can_be_loaded_apart():
    """Test-time augmentation resizes the images alone."""
    info = SyntheticRGBDDataset(num_samples=1, image_size=(16, 24)).get_data_info(0)
    together = LoadSyntheticRoom()(copy.deepcopy(info))
    images = LoadSyntheticRoom(labels=False)(copy.deepcopy(info))
    assert 'gt_seg_map' not in images
    apart = LoadSyntheticRoom(images=False)(images)
    for key in ('img', 'depth', 'gt_seg_map'):
        np.testing.assert_array_equal(apart[key], together[key])
    assert apart['seg_fields'] == ['gt_seg_map']
