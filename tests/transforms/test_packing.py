import numpy as np
import pytest
import torch
from mmseg.datasets.transforms import PackSegInputs

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import PackMultimodalInputs

RNG = np.random.default_rng(0)


def sample(**arrays):
    results = dict(
        modalities=build_modalities(
            dict(depth={}, rgb={}, normal=dict(channels=2), thermal={})
        ),
        img=RNG.integers(0, 256, (4, 6, 3), np.uint8),
        depth=RNG.random((4, 6), np.float32),
        normal=RNG.random((4, 6, 2), np.float32),
        thermal=RNG.integers(0, 256, (4, 6), np.uint8),
        gt_seg_map=RNG.integers(0, 9, (4, 6), np.uint8),
        img_path='1.jpg',
        ori_shape=(4, 6),
    )
    return {**results, **arrays}


def test_modalities_lie_side_by_side_in_their_order():
    results = sample()
    packed = PackMultimodalInputs()(results)
    inputs, metainfo = packed['inputs'], packed['data_samples'].metainfo
    assert inputs.dtype == torch.float32
    assert inputs.is_contiguous()
    assert metainfo['modalities'] == dict(depth=1, rgb=3, normal=2, thermal=1)
    parts = dict(zip(metainfo['modalities'], inputs.split([1, 3, 2, 1]), strict=True))
    np.testing.assert_array_equal(parts['depth'][0], results['depth'])
    np.testing.assert_array_equal(parts['rgb'], results['img'].transpose(2, 0, 1))
    np.testing.assert_array_equal(parts['normal'], results['normal'].transpose(2, 0, 1))
    np.testing.assert_array_equal(parts['thermal'][0], results['thermal'])


def test_labels_and_meta_keys_are_those_of_the_parent():
    results = sample()
    expected = PackSegInputs()(results)['data_samples']
    got = PackMultimodalInputs()(results)['data_samples']
    assert torch.equal(got.gt_sem_seg.data, expected.gt_sem_seg.data)
    assert {k: v for k, v in got.metainfo.items() if k != 'modalities'} == dict(
        expected.metainfo
    )
    keys = PackMultimodalInputs(meta_keys=('img_path',))(results)['data_samples']
    assert set(keys.metainfo) == {'img_path', 'modalities'}


def test_the_groups_of_a_sample_are_kept():
    packed = PackMultimodalInputs()(sample(groups=dict(camera='kv2')))
    assert packed['data_samples'].groups == dict(camera='kv2')


def test_flipped_views_are_packed():
    results = sample()
    views = {k: results[k][:, ::-1] for k in ('img', 'depth', 'normal', 'thermal')}
    flipped = PackMultimodalInputs()({**results, **views})['inputs']
    assert torch.equal(flipped, PackMultimodalInputs()(results)['inputs'].flip(-1))


def test_modalities_of_different_size_are_an_error():
    with pytest.raises(ValueError, match=r"'depth': \(2, 6\).*that has moved some"):
        PackMultimodalInputs()(sample(depth=np.zeros((2, 6))))


def test_a_sample_without_modalities_is_an_error():
    with pytest.raises(ValueError, match='or pack them with PackSegInputs'):
        PackMultimodalInputs()(dict(img=np.zeros((2, 6, 3))))


def test_what_is_absent_is_told():
    packed = PackMultimodalInputs()(sample(absent=('depth',)))
    assert packed['data_samples'].absent == ('depth',)
