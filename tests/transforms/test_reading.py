import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmseg_cen.modality import Modality, build_modalities
from mmseg_cen.transforms import LoadModalities
from mmseg_cen.transforms.reading import Loaded, check_channels, fit_sizes, load

H, W = 8, 12


def store(path, array):
    if path.suffix == '.npy':
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array)
    return str(path)


def depth(invalid=65535):
    """Millimeters, with one pixel each of no depth and of another number."""
    array = np.full((H, W), 2000, np.uint16)
    array[0, 0], array[4, 4] = 0, invalid
    return array


@pytest.mark.parametrize('fill', ['nearest', 'inpaint', 7.0])
def test_a_sentinel_is_filled_and_not_spread(tmp_path, fill):
    path = store(tmp_path / '1.png', depth())
    modality = Modality(scale=1e-3, invalid=65535, fill=fill)
    loaded = load('depth', modality, path)
    assert loaded.image.max() == (7 if fill == 7.0 else 2)
    assert loaded.image[4, 4] == loaded.image[0, 0] == loaded.image.flat[1 - 1]
    np.testing.assert_array_equal(loaded.valid, (depth() > 0) & (depth() < 65535))


def test_without_fill_a_sentinel_is_zero_and_zeros_are_values(tmp_path):
    path = store(tmp_path / '1.png', depth())
    loaded = load('depth', Modality(scale=1e-3, invalid='3000..65535'), path)
    assert loaded.image[4, 4] == 0
    np.testing.assert_array_equal(loaded.valid, depth() != 65535)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'int16', 'int64'])
def test_any_type_has_sentinels(tmp_path, dtype):
    array = depth(1).astype(dtype)
    array[4, 4] = -1
    path = store(tmp_path / '1.npy', array)
    loaded = load('depth', Modality(invalid=-1, fill='nearest'), path)
    assert loaded.image.dtype == np.float32
    assert (loaded.image == 2000).all()


def test_nan_may_be_no_measurement(tmp_path):
    array = np.ones((H, W))
    array[2, 3], array[5, 5] = np.nan, 1e300  # beyond float32
    path = store(tmp_path / '1.npy', array)
    loaded = load('heat', Modality(invalid='nan'), path)
    np.testing.assert_array_equal(loaded.image, np.where(array == 1, 1, 0))
    np.testing.assert_array_equal(loaded.valid, array == 1)
    with pytest.raises(ValueError, match="or invalid='nan' to make them 0"):
        load('heat', Modality(), path)


@pytest.mark.parametrize('suffix', ['.png', '.tif', '.npy'])
def test_pictures_are_bgr_and_other_bands_as_in_the_file(tmp_path, suffix):
    rgb = np.arange(H * W * 3, dtype=np.uint8).reshape(H, W, 3)
    picture = rgb if suffix == '.npy' else rgb[..., ::-1]
    path = store(tmp_path / f'1{suffix}', picture)
    for name in ('rgb', 'hha'):
        loaded = load(name, Modality(channels=3), path).image
        np.testing.assert_array_equal(loaded, rgb[..., ::-1])
        assert loaded.flags.c_contiguous
    path = store(tmp_path / f'2{suffix}', picture.astype(np.uint16))
    bands = load('bands', Modality(channels=3), path).image
    np.testing.assert_array_equal(bands, rgb)
    image = load('rgb', Modality(channels=3, dtype='uint16'), path).image
    np.testing.assert_array_equal(image, rgb[..., ::-1])


def tagged(path, array, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(array).save(path, exif=exif)
    return str(path)


def test_an_orientation_tag_is_named_once_and_turns_on_request(tmp_path, warned):
    upright = np.arange(H * W * 3, dtype=np.uint8).reshape(H, W, 3)
    path = tagged(tmp_path / '1.png', np.rot90(upright), 6)
    for _ in range(2):
        stored = load('rgb', Modality(channels=3), path).image
    np.testing.assert_array_equal(stored[..., ::-1], np.rot90(upright))
    assert len(warned) == 1
    assert '1.png has an orientation tag (EXIF)' in warned[0]
    load('hha', Modality(channels=3, orientation='ignore'), path)
    turned = load('hha', Modality(channels=3, orientation='apply'), path).image
    np.testing.assert_array_equal(turned[..., ::-1], upright)
    assert len(warned) == 1


@pytest.mark.parametrize('text', ['-9999', '-3.4028234663852886e+38', '-9999.0 \0'])
def test_what_a_file_calls_no_measurement_is_warned_of(tmp_path, warned, text):
    array = np.ones((H, W), np.float32)
    tags = ImageFileDirectory_v2()
    tags[42113] = text
    path = str(tmp_path / '1.tif')
    Image.fromarray(array).save(path, tiffinfo=tags)
    load('dsm', Modality(), path)
    assert not warned  # all pixels are measured
    array[0, :3] = lowest = float(text.strip(' \0'))
    Image.fromarray(array).save(path, tiffinfo=tags)
    loaded = load('dsm', Modality(invalid=lowest, fill='nearest'), path)
    assert (loaded.image == 1).all()
    assert not warned
    assert load('dsm', Modality(), path).image.min() == np.float32(lowest)
    (warning,) = warned
    assert '1.tif has -' in warning
    assert 'in 3.1% of its pixels, which are read as measured: set invalid=-' in warning


def sample(tmp_path, size, **options):
    modalities = build_modalities(dict(rgb={}, depth=dict(scale=1.0, **options)))
    y, x = np.indices(size)
    array = (100 + y * size[1] + x).astype(np.uint16)
    paths = dict(
        rgb=store(tmp_path / 'rgb.png', np.zeros((H, W, 3), np.uint8)),
        depth=store(tmp_path / 'depth.png', array),
    )
    return dict(modalities=modalities, modality_paths=paths), array


@pytest.mark.parametrize('size', [(4, 6), (16, 24), (5, 8)])
def test_another_size_is_resized_to_the_nearest_center_on_request(tmp_path, size):
    results, array = sample(tmp_path, size, resize=True)
    results = LoadModalities()(results)
    y = ((np.arange(H) + 0.5) * size[0] / H).astype(int)
    x = ((np.arange(W) + 0.5) * size[1] / W).astype(int)
    got = results['depth']
    offset = np.abs(got - array[y][:, x])
    assert results['img_shape'] == got.shape == (H, W)
    assert (offset == 0).mean() > 0.8  # others are centers on an edge


def test_another_size_without_request_is_refused_with_the_option(tmp_path):
    results, _ = sample(tmp_path, (4, 6))
    with pytest.raises(ValueError, match=r"set resize=True of modality 'depth'"):
        LoadModalities()(results)


def test_another_ratio_is_no_other_size(tmp_path):
    results, _ = sample(tmp_path, (6, 6), resize=True)
    with pytest.raises(ValueError, match='views of two ratios of width and height'):
        LoadModalities()(results)


def test_a_turned_image_is_told_from_one_of_another_size(tmp_path, warned):
    results, _ = sample(tmp_path, (H, W))
    turned = np.zeros((W, H, 3), np.uint8)
    tagged(results['modality_paths']['rgb'], turned, 6)
    with pytest.raises(ValueError, match=r'orientation tag \(EXIF\): set orientation='):
        LoadModalities()(results)
    options = dict(rgb=dict(orientation='apply'), depth={})
    results['modalities'] = build_modalities(options)
    assert LoadModalities()(results)['img'].shape == (H, W, 3)


@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic', 'area', 'lanczos'])
def test_resizing_does_not_spread_invalid_pixels(interpolation):
    image = np.full((4, 6), 5, np.float32)
    image[1, 2] = 0
    loaded = dict(
        depth=Loaded(image, image > 0),
        rgb=Loaded(np.zeros((12, 18)), np.ones((12, 18), bool)),
    )
    modalities = dict(
        depth=Modality(resize=True, interpolation=interpolation), rgb=Modality()
    )
    fitted = fit_sizes(loaded, modalities, dict(depth='d', rgb='r'), 'rgb')['depth']
    assert fitted.valid.sum() == 9 * image.size - 9
    np.testing.assert_allclose(fitted.image[fitted.valid], 5, rtol=1e-6)
    assert (fitted.image[~fitted.valid] == 0).all()


def test_the_number_of_channels_that_a_file_must_have_is_named():
    """Of three stored channels, the modality takes two."""
    with pytest.raises(ValueError, match=r'must have 3 channel\(s\), got 2 in'):
        check_channels('x', np.zeros((4, 5, 2)), Modality(channels=2), {3})
