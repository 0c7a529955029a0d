import cv2
import mmcv
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import LoadModalities
from mmseg_cen.transforms.reading import load as load_file

RNG = np.random.default_rng(0)
H, W = 5, 7


def write(path, image):
    path.parent.mkdir(exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, image)
    elif path.suffix == '.npz':
        np.savez(path, **image)
    else:
        assert cv2.imwrite(str(path), image)
    return str(path)


def load(tmp_path, config, images, **kwargs):
    """Store one image per modality, under its name, and load them again."""
    modalities = build_modalities(config)
    paths = {
        name: write(tmp_path / name / f'1{modalities[name].suffix}', image)
        for name, image in images.items()
    }
    results = dict(modalities=modalities, modality_paths=paths, seg_fields=[])
    return LoadModalities(**kwargs)(results)


def integers(dtype, *channels):
    return RNG.integers(1, np.iinfo(dtype).max, (H, W, *channels), dtype)


def test_rgb_is_read_as_the_toolbox_reads_it(tmp_path):
    image = integers(np.uint8, 3)
    results = load(tmp_path, dict(rgb=dict(suffix='.jpg')), dict(rgb=image))
    expected = mmcv.imread(results['modality_paths']['rgb'])
    np.testing.assert_array_equal(results['img'], expected)
    assert results['img'].dtype == np.uint8
    assert results['img_shape'] == results['ori_shape'] == (H, W)


def test_a_gray_file_of_modality_rgb_has_three_equal_channels(tmp_path):
    image = integers(np.uint8)
    img = load(tmp_path, dict(rgb={}), dict(rgb=image))['img']
    np.testing.assert_array_equal(img, np.stack([image] * 3, axis=-1))


def test_orientation_tags_turn_no_modality(tmp_path):
    image = Image.fromarray(integers(np.uint8, 3))
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    image.save(tmp_path / 'plain.jpg')
    image.save(tmp_path / 'tagged.jpg', exif=exif)
    rgb = build_modalities(dict(rgb={}))['rgb']
    plain, tagged = (
        load_file('rgb', rgb, str(tmp_path / f'{name}.jpg')).image
        for name in ('plain', 'tagged')
    )
    np.testing.assert_array_equal(tagged, plain)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('suffix', ['.png', '.tif', '.npy'])
def test_integers_of_any_depth_come_back(tmp_path, dtype, suffix):
    image = integers(dtype)
    config = dict(x=dict(suffix=suffix, dtype=np.dtype(dtype).name))
    loaded = load(tmp_path, config, dict(x=image))['img']
    np.testing.assert_array_equal(loaded, image)
    assert loaded.dtype == (np.uint8 if dtype == np.uint8 else np.float32)


@pytest.mark.parametrize('suffix', ['.tif', '.npy'])
def test_floats_come_back(tmp_path, suffix):
    image = RNG.random((H, W), np.float32)
    loaded = load(tmp_path, dict(depth=dict(suffix=suffix)), dict(depth=image))['img']
    np.testing.assert_array_equal(loaded, image)


def test_an_array_with_many_channels_comes_back(tmp_path):
    image = RNG.random((H, W, 9))
    config = dict(spectrum=dict(suffix='.npy', channels=9))
    loaded = load(tmp_path, config, dict(spectrum=image))['img']
    np.testing.assert_array_equal(loaded, image.astype(np.float32))


def test_a_single_channel_axis_is_dropped(tmp_path):
    image = RNG.random((H, W, 1), np.float32)
    loaded = load(tmp_path, dict(depth=dict(suffix='.npy')), dict(depth=image))['img']
    np.testing.assert_array_equal(loaded, image[..., 0])


def test_an_npz_file_is_read_by_key_or_holds_one_array(tmp_path):
    a, b = RNG.random((2, H, W), np.float32)
    config = dict(depth=dict(suffix='.npz', key='b'))
    loaded = load(tmp_path, config, dict(depth=dict(a=a, b=b)))['img']
    np.testing.assert_array_equal(loaded, b)
    config['depth'].pop('key')
    loaded = load(tmp_path, config, dict(depth=dict(a=a)))['img']
    np.testing.assert_array_equal(loaded, a)
    with pytest.raises(
        ValueError, match=r"`key` must be one of the arrays \['a', 'b'\]"
    ):
        load(tmp_path, config, dict(depth=dict(a=a, b=b)))


def test_scale_gives_physical_units(tmp_path):
    image = integers(np.uint16)
    config = dict(depth=dict(dtype='uint16', scale=1 / 5000))
    loaded = load(tmp_path, config, dict(depth=image))['img']
    np.testing.assert_allclose(loaded, image / 5000, rtol=1e-6)
    assert loaded.dtype == np.float32


def test_zeros_nan_and_infinite_values_are_filled_in_physical_units(tmp_path):
    image = np.full((H, W), 3.0, np.float32)
    image[0, :3] = 0, np.nan, -np.inf
    for fill, expected in ((9.0, 9.0), ('nearest', 6.0)):
        config = dict(depth=dict(suffix='.npy', scale=2, fill=fill))
        loaded = load(tmp_path, config, dict(depth=image))['img']
        np.testing.assert_array_equal(loaded[0, :3], expected)
        np.testing.assert_array_equal(loaded[1:], 6.0)


def test_images_of_eight_bits_are_filled_as_floats(tmp_path):
    image = np.full((H, W), 3, np.uint8)
    image[0, 0] = 0
    loaded = load(tmp_path, dict(depth=dict(fill=0.5)), dict(depth=image))['img']
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, np.where(image == 0, 0.5, 3))


def test_zeros_are_values_where_no_fill_is_set(tmp_path):
    loaded = load(tmp_path, dict(depth={}), dict(depth=np.zeros((H, W), np.uint16)))
    np.testing.assert_array_equal(loaded['img'], 0)


@pytest.mark.parametrize('fill', [9.0, 'nearest'])
def test_images_without_valid_pixels_are_zero_with_one_warning(tmp_path, fill, warned):
    config = dict(depth=dict(suffix='.npy', fill=fill))
    image = np.full((H, W), np.nan)
    for _ in range(2):
        loaded = load(tmp_path, config, dict(depth=image))['img']
        np.testing.assert_array_equal(loaded, 0)
    assert warned == [f'depth: {tmp_path}/depth/1.npy has no valid pixel: 0 everywhere']


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_what_is_not_finite_is_an_error_without_a_fill(tmp_path, value):
    image = np.ones((H, W))
    image[2, 3] = value
    with pytest.raises(ValueError, match=r'depth/1\.npy must be finite.*set `fill`'):
        load(tmp_path, dict(depth=dict(suffix='.npy')), dict(depth=image))


def test_another_type_than_expected_is_an_error(tmp_path):
    config = dict(depth=dict(dtype='uint16'))
    with pytest.raises(ValueError, match=r'depth/1\.png must hold uint16, got uint8'):
        load(tmp_path, config, dict(depth=integers(np.uint8)))
    with pytest.raises(ValueError, match=r'rgb/1\.png must hold uint8, got uint16'):
        load(tmp_path, dict(rgb={}), dict(rgb=integers(np.uint16, 3)))


def test_another_number_of_channels_than_expected_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r'depth/1\.png must have 1 channel.* 3\)'):
        load(tmp_path, dict(depth={}), dict(depth=integers(np.uint8, 3)))
    with pytest.raises(ValueError, match=r'hha/1\.png must have 3 channel'):
        load(tmp_path, dict(hha=dict(channels=3)), dict(hha=integers(np.uint8)))
    with pytest.raises(ValueError, match=r'depth/1\.npy must have 1 channel'):
        load(tmp_path, dict(depth=dict(suffix='.npy')), dict(depth=np.ones(3)))


def test_modalities_of_different_size_are_an_error_that_names_both_files(tmp_path):
    images = dict(rgb=integers(np.uint8, 3), depth=np.ones((H, W + 1), np.uint16))
    with pytest.raises(ValueError, match='must have one size') as error:
        load(tmp_path, dict(rgb={}, depth={}), images)
    for part in ('rgb/1.png', f'{(H, W)}', 'depth/1.png', f'{(H, W + 1)}'):
        assert part in str(error.value)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.npy', '.npz'])
@pytest.mark.parametrize('content', [b'', b'nonsense', None])
def test_a_damaged_file_is_named(tmp_path, suffix, content):
    image = integers(np.uint8, 3)
    images = dict(rgb=dict(a=image) if suffix == '.npz' else image)
    config = dict(rgb=dict(suffix=suffix))
    results = load(tmp_path, config, images)
    path = tmp_path / 'rgb' / f'1{suffix}'
    path.write_bytes(path.read_bytes()[:30] if content is None else content)
    with pytest.raises(ValueError, match=rf'rgb: .*1\{suffix}: '):
        LoadModalities()(results)


def test_the_file_backend_is_respected(tmp_path):
    image = integers(np.uint8)
    config, images = dict(depth={}), dict(depth=image)
    args = dict(backend='local')
    loaded = load(tmp_path, config, images, backend_args=args)['img']
    np.testing.assert_array_equal(loaded, image)
    with pytest.raises(KeyError, match='nowhere'):
        load(tmp_path, config, images, backend_args=dict(backend='nowhere'))


def test_an_absent_modality_is_its_padding_value(tmp_path):
    config = dict(
        rgb=dict(suffix='.png'),
        depth=dict(scale=0.001, pad_value=9.0),
        normal=dict(channels=3, pad_value=(1.0, 2.0, 3.0)),
    )
    modalities = build_modalities(config)
    path = write(tmp_path / 'rgb/1.png', integers(np.uint8, 3))
    paths = dict(rgb=path, depth='no/such.png', normal='no/such.png')
    results = LoadModalities()(
        dict(modalities=modalities, modality_paths=paths, absent=('depth', 'normal'))
    )
    np.testing.assert_array_equal(results['depth'], np.full((H, W), 9.0))
    assert results['depth'].dtype == np.float32
    assert (results['normal'] == (1, 2, 3)).all()
    assert results['normal'].shape == (H, W, 3)


def test_rgb_may_be_absent(tmp_path):
    modalities = build_modalities(dict(rgb={}, depth={}))
    path = write(tmp_path / 'depth/1.png', integers(np.uint16))
    results = LoadModalities()(
        dict(
            modalities=modalities,
            modality_paths=dict(rgb='no', depth=path),
            absent=('rgb',),
        )
    )
    assert (results['img'] == 0).all()
    assert results['img'].shape == (H, W, 3)
    assert results['ori_shape'] == (H, W)


def test_an_absent_modality_has_the_type_that_its_files_have(tmp_path):
    kinds = dict(
        rgb=(dict(pad_value=(124.0, 116.0, 104.0)), np.uint8),
        thermal=(dict(dtype='uint8', scale=0.1), np.float32),
        near=(dict(dtype='uint8', invalid=255), np.float32),
        any=({}, np.float32),
    )
    modalities = build_modalities(
        {**{k: v for k, (v, _) in kinds.items()}, 'depth': {}}
    )
    path = write(tmp_path / 'depth/1.png', integers(np.uint16))
    sample = dict(
        modalities=modalities,
        modality_paths=dict.fromkeys(modalities, path),
        absent=tuple(kinds),
    )
    results = LoadModalities()(sample)
    for name, (_, dtype) in kinds.items():
        assert results['img' if name == 'rgb' else name].dtype == dtype, name
    assert (results['img'] == (124, 116, 104)).all()
