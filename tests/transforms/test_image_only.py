import numpy as np
import pytest


def test_photometric_distortion_changes_rgb_only(build, coordinates):
    np.random.seed(0)
    before = coordinates()
    arrays = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}
    after = build(dict(type='PhotoMetricDistortion'))(before)
    assert not np.array_equal(after['img'], arrays['img'])
    for key in ('depth', 'flow', 'spectrum', 'gt_seg_map'):
        np.testing.assert_array_equal(after[key], arrays[key])


def test_photometric_distortion_without_rgb_is_an_error(build, coordinates):
    with pytest.raises(ValueError, match=r"must include 'rgb', got \['depth'"):
        build(dict(type='PhotoMetricDistortion'))(coordinates(('depth', 'flow')))


@pytest.mark.parametrize('name', ['PhotoMetricDistortion', 'RandomRotFlip'])
def test_samples_without_modalities_are_treated_as_by_the_parent(name, build, plain):
    transform = build(dict(type=name))
    replaced = next(
        base for base in type(transform).__mro__ if base.__module__.startswith('mmseg.')
    )
    np.random.seed(1)
    got = transform(plain())
    np.random.seed(1)
    expected = replaced()(plain())
    for key in ('img', 'gt_seg_map'):
        np.testing.assert_array_equal(got[key], expected[key])


@pytest.mark.parametrize(
    'move',
    [
        dict(type='RandomRotFlip'),
        dict(type='RandomMosaic', prob=1, img_scale=(9, 9)),
    ],
)
def test_transforms_that_would_move_one_modality_only_are_refused(
    move, build, coordinates
):
    with pytest.raises(ValueError, match='moves `img` only'):
        build(move)(coordinates())
