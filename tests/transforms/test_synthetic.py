import copy
from typing import Any

import numpy as np
import pytest
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


def test_a_transform_that_writes_into_a_sample_leaves_the_next_epoch_alone():
    dataset = build()
    sample = dataset[0]
    before = [array.copy() for array in arrays(sample)]
    for array in arrays(sample):
        array[:] = 0
    for array, expected in zip(arrays(dataset[0]), before, strict=True):
        np.testing.assert_array_equal(array, expected)


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


def test_holes_are_zero_unless_the_modality_has_a_fill():
    load = [dict(LOAD, hole_rate=0.1)]
    holes = build(load)[0]['depth'] == 0
    assert 0.02 < holes.mean() < 0.5
    filled = build(load, modalities=dict(rgb={}, depth=dict(fill='nearest')))[0]
    assert filled['depth'].min() > 0
    constant = build(load, modalities=dict(rgb={}, depth=dict(fill=9.0)))[0]
    np.testing.assert_array_equal(constant['depth'] == 9, holes)


def test_a_subset_of_the_classes_is_relabeled():
    names = ('floor', 'wall')
    full = build()[0]['gt_seg_map']
    label = build(metainfo=dict(classes=names))[0]['gt_seg_map']
    for new, name in enumerate(names):
        np.testing.assert_array_equal(label == new, full == CLASSES.index(name))
    np.testing.assert_array_equal(label == 255, full > 1)


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


def test_solid_rooms_have_no_pictures():
    names = [CLASSES.index(name) for name in ('picture', 'rug')]
    for index in range(4):
        labels = build([dict(LOAD, solid=True)])[index]['gt_seg_map']
        assert not np.isin(labels, names).any()


def test_noise_is_in_the_depth_only():
    noisy, exact = build()[0], build([dict(LOAD, noise=0.0)])[0]
    assert not np.array_equal(noisy['depth'], exact['depth'])
    np.testing.assert_allclose(noisy['depth'], exact['depth'], atol=0.3)
    for key in ('img', 'gt_seg_map'):
        np.testing.assert_array_equal(noisy[key], exact[key])


@pytest.mark.parametrize(
    'options', [dict(noise=-1), dict(hole_rate=2), dict(hole_rate=-0.1)]
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match='`noise` must be at least 0 and `hole_rate`'):
        LoadSyntheticRoom(**options)
