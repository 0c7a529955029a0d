import numpy as np
import pytest

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import (
    EncodeDepth,
    PackMultimodalInputs,
    encode_depth,
    fill_inpaint,
    fill_invalid,
    fill_nearest,
)
from mmseg_cen.transforms.encodings import ENCODINGS
from mmseg_cen.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomFlip,
    RandomRotate,
)
from mmseg_cen.transforms.reading import Loaded
from mmseg_cen.transforms.resizing import Resize
from mmseg_cen.transforms.surface import build_camera

H, W = 48, 64
INTRINSICS = dict(fx=60.0, fy=61.0, cx=31.0, cy=23.0, width=W, height=H)


def sample(**options):
    rng = np.random.default_rng(0)
    depth = 2 + rng.random((H, W), np.float32)
    depth[:4, :9] = 0
    return dict(
        modalities=build_modalities(dict(rgb={}, depth=dict(pad_value=9.0, **options))),
        img=rng.integers(0, 256, (H, W, 3), np.uint8),
        depth=depth,
        img_shape=(H, W),
        ori_shape=(H, W),
        img_path='1.png',
    )


def loaded_sample(fill=None):
    """As LoadModalities makes it."""
    results = sample(fill=fill)
    depth, valid = results['depth'], results['depth'] > 0
    if fill is not None:
        results['depth'] = fill_invalid(depth, valid, fill)
    return results | dict(loaded=dict(depth=Loaded(results['depth'], valid)))


@pytest.mark.parametrize('validity', [False, True])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_the_modality_follows_its_encoding(encoding, validity):
    results = sample(interpolation='bilinear')
    before = results['modalities']
    encode = EncodeDepth(encoding, intrinsics=INTRINSICS, validity=validity)
    results = encode(results)
    modality = results['modalities']['depth']
    channels = ENCODINGS[encoding] + validity
    assert modality.channels == np.atleast_3d(results['depth']).shape[2] == channels
    assert modality.pad_value == 0
    assert modality.interpolation == 'bilinear'
    assert list(results['modalities']) == ['rgb', 'depth']
    assert before['depth'].channels == 1  # the data set's own
    results = Resize(scale=(80, 60))(results)
    results = Pad(size=(90, 70))(results)
    packed = PackMultimodalInputs()(results)
    assert packed['data_samples'].modalities == dict(rgb=3, depth=channels)
    assert packed['inputs'].shape == (3 + channels, 70, 90)
    assert (packed['inputs'][3:, 60:] == 0).all()


def test_pictures_are_bgr_as_those_from_files():
    results = EncodeDepth('hha', intrinsics=INTRINSICS)(sample())
    expected = encode_depth(sample()['depth'], 'hha', build_camera(INTRINSICS))
    np.testing.assert_array_equal(results['depth'], expected[..., ::-1])
    assert results['depth'].dtype == np.uint8
    assert results['depth'].flags.c_contiguous


def test_gravity_may_be_known():
    options = dict(intrinsics=INTRINSICS, gravity=(0, 0.8, 0.6))
    results = EncodeDepth('hha', **options)(sample())
    expected = encode_depth(
        sample()['depth'], 'hha', build_camera(INTRINSICS), gravity=(0, 0.8, 0.6)
    )
    np.testing.assert_array_equal(results['depth'], expected[..., ::-1])


def test_validity_is_what_was_measured_before_the_filling():
    results = EncodeDepth('jet', missing='nearest', validity=True)(sample())
    np.testing.assert_array_equal(
        results['depth'][..., 3], np.where(sample()['depth'] > 0, 255, 0)
    )
    assert results['depth'][..., :3].any(axis=-1).all()
    results = EncodeDepth('metric', validity=True)(sample())
    np.testing.assert_array_equal(results['depth'][..., 1], sample()['depth'] > 0)


def test_missing_depth_is_filled():
    depth = sample()['depth']
    filled = {
        'nearest': fill_nearest(depth, depth > 0),
        'inpaint': fill_inpaint(depth, depth > 0),
        7.0: np.where(depth > 0, depth, 7),
        None: depth,
    }
    for missing, expected in filled.items():
        got = EncodeDepth('metric', missing=missing)(sample())['depth']
        np.testing.assert_array_equal(got, expected)


def test_units_become_meters():
    results = sample()
    results['depth'] *= 1000
    got = EncodeDepth('inverse', scale=0.001)(results)['depth']
    expected = EncodeDepth('inverse')(sample())['depth']
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_flipped_normals_are_those_of_the_flipped_depth(direction):
    """With the optical axis in the center."""
    camera = dict(INTRINSICS, cx=(W - 1) / 2, cy=(H - 1) / 2)
    encode, flip = EncodeDepth('normals', intrinsics=camera), RandomFlip(1.0, direction)
    after = flip(encode(sample()))['depth']
    flipped = flip(sample())['depth']
    before = encode_depth(flipped, 'normals', build_camera(camera))[..., ::-1]
    assert np.abs(after.astype(int) - before).max() <= 1
    assert (after[:4, -9:] == 0).all() == (direction == 'horizontal')


@pytest.mark.parametrize('encoding', ['normals', 'hha'])
@pytest.mark.parametrize(
    'move',
    [
        CenterCrop(crop_size=(30, 40)),
        RandomFlip(1.0),
        RandomRotate(prob=1.0, degree=(5, 5)),
        Resize(scale=(W, H - 9), keep_ratio=False),
        lambda results: results | dict(depth=results['depth'][::-1].copy()),
    ],
)
def test_what_needs_the_camera_is_refused_behind_a_move(encoding, move):
    encode = EncodeDepth(encoding, intrinsics=INTRINSICS)
    with pytest.raises(ValueError, match='place EncodeDepth right behind the loading'):
        encode(move(loaded_sample()))
    assert encode(loaded_sample())['depth'].shape == (H, W, 3)


def test_a_crop_of_a_sample_that_was_not_loaded_is_refused_by_its_shape():
    encode = EncodeDepth('normals', intrinsics=INTRINSICS)
    for move in (CenterCrop(crop_size=(30, 40)), RandomFlip(1.0)):
        with pytest.raises(ValueError, match='got depth that was cropped, flipped'):
            encode(move(sample()))


def test_depth_files_of_another_ratio_are_no_images_of_the_camera():
    with pytest.raises(ValueError, match='64 x 48, got 64 x 40: encode it before'):
        encode_depth(sample()['depth'][:40], 'hha', build_camera(INTRINSICS))
    small = encode_depth(sample()['depth'][::2, ::2], 'hha', build_camera(INTRINSICS))
    assert small.shape == (H // 2, W // 2, 3)


@pytest.mark.parametrize('fill', [None, 'nearest', 'inpaint', 3.0])
def test_validity_is_that_of_the_file_whatever_fills(fill):
    results = EncodeDepth('log', missing='nearest', validity=True)(loaded_sample(fill))
    np.testing.assert_array_equal(results['depth'][..., 1], sample()['depth'] > 0)
    assert results['depth'][..., 0].all()


def test_validity_of_moved_and_filled_depth_is_refused():
    encode, flip = EncodeDepth('log', validity=True), RandomFlip(1.0)
    with pytest.raises(ValueError, match=r'`fill` of modality .* must be None'):
        encode(flip(loaded_sample('nearest')))
    moved = encode(flip(loaded_sample()))['depth'][..., 1]
    np.testing.assert_array_equal(moved, sample()['depth'][:, ::-1] > 0)


def test_an_absent_depth_is_valid_nowhere():
    results = loaded_sample()
    blank = np.full((H, W), 9, np.float32)
    results['depth'] = blank
    results['loaded'] = dict(depth=Loaded(blank, np.zeros((H, W), bool)))
    encoded = EncodeDepth('metric', validity=True)(results)['depth']
    assert not encoded[..., 1].any()


def test_depth_that_no_scene_has_is_warned_of_once(warned):
    encode = EncodeDepth('log')
    for _ in range(2):
        encode(sample())
    assert not warned
    encode = EncodeDepth('log')
    for factor in (0, 1000, 1000):  # the first one has none
        results = sample()
        results['depth'] *= factor
        encode(results)
    assert len(warned) == 1
    assert "EncodeDepth takes 'depth' for meters" in warned[0]


def test_depth_alone_is_encoded_as_the_image():
    results = sample()
    results['img'] = results.pop('depth')
    results['modalities'] = build_modalities(dict(depth={}))
    results = EncodeDepth('turbo')(results)
    assert results['img'].shape == (H, W, 3)


def test_an_absent_depth_is_zero_in_all_encodings():
    for encoding in ENCODINGS:
        results = sample()
        results['depth'][:] = 0
        encode = EncodeDepth(encoding, intrinsics=INTRINSICS, missing='nearest')
        assert not encode(results)['depth'].any()


def test_in_painting_continues_a_slope():
    depth = np.broadcast_to(np.linspace(1, 2, 40, dtype=np.float32), (30, 40)).copy()
    valid = np.ones(depth.shape, bool)
    valid[10:14, 15:20] = False
    holes = np.where(valid, depth, np.nan)
    filled = fill_inpaint(holes, valid)
    assert np.abs(filled - depth).max() < 0.05
    np.testing.assert_array_equal(filled[valid], depth[valid])
    several = fill_inpaint(np.dstack([holes, 2 * holes]), valid)
    np.testing.assert_array_equal(several[..., 0], filled)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(encoding='hha'), 'needs the camera'),
        (dict(encoding='depth'), "got 'depth'"),
        (dict(encoding='log', missing='median'), "got 'median'"),
        (dict(encoding='log', scale=0), '`scale` must be positive'),
        (dict(encoding='hha', intrinsics=dict(fx=1)), 'width and height'),
        (dict(encoding='jet', depth_range=[3, 1]), 'in meters'),
        (
            dict(encoding='jet', gravity=[0, 1, 0]),
            "'hha' to have .* got 'jet'",
        ),
        (
            dict(encoding='jet', depth_range=3),
            r'must be \(near, far\) in meters, got 3',
        ),
    ],
)
def test_options_without_meaning_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        EncodeDepth(**kwargs)


def test_what_is_no_depth_is_refused():
    with pytest.raises(ValueError, match=r"one of the modalities .* got 'lidar'"):
        EncodeDepth('log', modality='lidar')(sample())
    results = EncodeDepth('jet')(sample())
    with pytest.raises(ValueError, match='encode it once only'):
        EncodeDepth('jet')(results)
