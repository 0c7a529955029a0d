import numpy as np
import pytest

from mmseg_cen.modality import build_modalities

H, W = 37, 53


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


def test_twelve_bits_of_sixteen_are_warned_of_until_white_is_named(build, warned):
    rng = np.random.default_rng(0)
    levels = rng.random((H, W, 3), np.float32) * 255
    modalities = build_modalities(dict(rgb=dict(dtype='uint16')))
    seen = []
    for white, image in ((4080, levels * 16), (255, levels), (None, levels * 16)):
        np.random.seed(3)
        distort = build(dict(type='PhotoMetricDistortion', white=white))
        seen.append(distort(dict(modalities=modalities, img=image.copy()))['img'])
        assert len(warned) == (white is None)
    np.testing.assert_allclose(seen[0], seen[1] * 16, rtol=1e-4, atol=1e-2)
    assert 'give it `white`, such as 4095 for 12 bits' in warned[0]


def colors(dtype, scale, build):
    """A sample of random colors of 'rgb', and the same of 0..255."""
    rng = np.random.default_rng(0)
    levels = rng.random((H, W, 3), np.float32)
    white = 1 if dtype == 'float32' else np.iinfo(dtype).max
    options = dict(rgb=dict(dtype=dtype, scale=scale))
    image = (levels * white * (scale or 1)).astype(np.float32)
    return dict(modalities=build_modalities(options), img=image), 255 * levels


@pytest.mark.parametrize(
    ('dtype', 'scale'),
    [('uint16', None), ('uint16', 1 / 65535), ('float32', None), ('float32', 255.0)],
)
def test_colors_of_any_range_are_distorted_as_those_of_eight_bits(dtype, scale, build):
    for seed in range(12):
        sample, levels = colors(dtype, scale, build)
        white = sample['img'].max() / levels.max() * 255
        distort = build(dict(type='PhotoMetricDistortion'))
        np.random.seed(seed)
        got = distort(sample)['img'] / white * 255
        np.random.seed(seed)
        expected = distort(dict(img=np.rint(levels).astype(np.uint8)))['img']
        assert np.abs(got - expected.astype(float)).mean() < 2
        assert len(np.unique(got)) > 2000


def test_colors_beyond_their_range_are_refused(build):
    sample, _ = colors('float32', None, build)
    sample['img'] *= 300
    with pytest.raises(ValueError, match=r"'rgb' must be within 0\.\.1 to have"):
        build(dict(type='PhotoMetricDistortion'))(sample)


@pytest.mark.parametrize(
    'change',
    [dict(type='CLAHE'), dict(type='AdjustGamma'), dict(type='RandomGrayscale')],
)
def test_changes_of_colors_of_eight_bits_refuse_others(change, build):
    transform = build(change)
    with pytest.raises(ValueError, match=r"'rgb' must be uint8 for .*, got float32"):
        transform(colors('uint16', None, build)[0])


@pytest.mark.parametrize('name', ['CLAHE', 'AdjustGamma', 'Rerange', 'RGB2Gray'])
def test_changes_of_colors_are_for_rgb_only(name, build, coordinates):
    with pytest.raises(ValueError, match=r"must include 'rgb', got \['depth'"):
        build(dict(type=name))(coordinates(('depth', 'flow')))
    before = coordinates()
    depth = before['depth'].copy()
    after = build(dict(type=name))(before)
    np.testing.assert_array_equal(after['depth'], depth)


@pytest.mark.parametrize(
    'change',
    [
        dict(type='Normalize', mean=[0.0] * 3, std=[1.0] * 3),
        dict(type='BioMedicalGaussianNoise'),
    ],
)
def test_transforms_of_other_arrays_are_refused(change, build, coordinates):
    with pytest.raises(ValueError, match='`img` only, must have no modalities'):
        build(change)(coordinates())
