import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.preparation.files import (
    check_image,
    decode_complete,
    encode_png,
    has_orientation,
)

IMAGES = {
    'gray': ((7, 5), np.uint8),
    'depth': ((7, 5), np.uint16),
    'color': ((7, 5, 3), np.uint8),
    'opacity': ((7, 5, 4), np.uint16),
}


def encoded(name, suffix='.png'):
    shape, dtype = IMAGES[name]
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    return image, cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize('name', IMAGES)
def test_a_complete_png_is_decoded_and_any_shorter_one_is_refused(name):
    image, content = encoded(name)
    np.testing.assert_array_equal(decode_complete(content), image)
    np.testing.assert_array_equal(decode_complete(content + b'more'), image)
    for length in range(len(content)):
        with pytest.raises(ValueError, match='must be a complete image file'):
            check_image(content[:length])


def test_any_flipped_bit_of_a_png_is_noticed():
    content = encoded('color')[1]
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match='must be a complete image file'):
            check_image(bytes(flipped))


def test_a_truncated_jpeg_is_refused():
    image, content = encoded('color', '.jpg')
    assert decode_complete(content).shape == image.shape
    for length in (5, 40, len(content) // 2, len(content) - 3):
        with pytest.raises(ValueError, match='must be a complete image file'):
            decode_complete(content[:length])


def test_a_file_that_is_no_image_gets_the_same_message_each_time():
    for content, what in [(b'', 'an empty one'), (b'<html>', 'one of an unknown form')]:
        with pytest.raises(ValueError, match=f'must be a complete .*, got {what}'):
            decode_complete(content)


def test_an_image_of_too_many_pixels_is_refused_like_a_damaged_one(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    with pytest.raises(ValueError, match=r'got a damaged one \(.*exceeds limit'):
        decode_complete(encoded('gray')[1])


def test_color_is_three_channels_of_any_image():
    image, content = encoded('depth')
    expected = np.repeat(image[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode_complete(content, color=True), expected)


def test_a_tiff_file_of_bands_is_decoded_and_a_part_of_it_refused():
    tifffile = pytest.importorskip('tifffile')
    bands = np.arange(7 * 5 * 6, dtype=np.uint16).reshape(7, 5, 6)
    file = io.BytesIO()
    tifffile.imwrite(file, bands, photometric='minisblack', planarconfig='contig')
    np.testing.assert_array_equal(decode_complete(file.getvalue()), bands)
    with pytest.raises(ValueError, match=r'damaged|must be complete'):
        decode_complete(file.getvalue()[:-50])


@pytest.mark.parametrize(
    ('dtype', 'channels'), [('float64', 1), ('float32', 3), ('int16', 3), ('int32', 4)]
)
def test_tiff_files_of_types_that_pillow_does_not_know_are_read(dtype, channels):
    tifffile = pytest.importorskip('tifffile')
    image = np.arange(20 * 30 * channels).reshape(20, 30, channels).astype(dtype)
    image = image[..., 0] if channels == 1 else image
    file = io.BytesIO()
    kind = 'minisblack' if channels == 1 else 'rgb'
    tifffile.imwrite(file, image, photometric=kind)
    bgr = image if channels == 1 else image[..., [2, 1, 0, 3][:channels]]
    for content in (file.getvalue(), cv2.imencode('.tif', bgr)[1].tobytes()):
        decoded = decode_complete(content)
        assert decoded.dtype == dtype
        np.testing.assert_array_equal(decoded, bgr)
    with pytest.raises(ValueError, match='the end is missing'):
        decode_complete(file.getvalue()[:-50])


@pytest.mark.parametrize('dtype', ['uint8', '>u2', '<u2', 'int16', 'int32', 'float32'])
def test_tiff_files_whose_zero_is_white_are_read_as_they_are_stored(dtype):
    tifffile = pytest.importorskip('tifffile')
    image, file = np.arange(600).reshape(20, 30).astype(dtype), io.BytesIO()
    order = '>' if dtype[0] == '>' else '<'
    tifffile.imwrite(file, image, photometric='miniswhite', byteorder=order)
    np.testing.assert_array_equal(decode_complete(file.getvalue()), image)
    with pytest.raises(ValueError, match='must be a complete image file'):
        decode_complete(file.getvalue()[:-50])


def test_exr_is_refused_by_name():
    with pytest.raises(ValueError, match='must be of another format than OpenEXR'):
        decode_complete(b'v/1\x01\x02\0\0\0')


@pytest.mark.parametrize('dtype', ['float32', 'int16', 'int32'])
def test_what_png_cannot_hold_is_refused(dtype):
    with pytest.raises(ValueError, match='must be uint8 or uint16'):
        encode_png(np.full((4, 5, 3), 0.5).astype(dtype))


@pytest.mark.parametrize('tag', [1, 6])
def test_a_tag_is_found_behind_the_pixels(tmp_path, tag):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(noise).save(
        tmp_path / 'a.webp', lossless=True, quality=0, method=0, exif=exif
    )
    assert has_orientation(tmp_path / 'a.webp') == (tag == 6)
