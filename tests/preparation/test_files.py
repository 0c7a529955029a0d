import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.preparation.files import check_image, decode_complete

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


def test_exr_is_refused_by_name():
    with pytest.raises(ValueError, match='must be of another format than OpenEXR'):
        decode_complete(b'v/1\x01\x02\0\0\0')
