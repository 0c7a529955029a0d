import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from mmseg_cen.transforms.orientation import (
    BACK,
    TAG,
    TURNS,
    read_orientation,
    turn,
)

IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def stored(orientation, format='PNG'):
    exif = Image.Exif()
    exif[TAG] = orientation
    file = io.BytesIO()
    Image.fromarray(IMAGE).save(file, format, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize('orientation', TURNS)
def test_pixels_turn_as_a_viewer_turns_them(orientation):
    with Image.open(io.BytesIO(stored(orientation))) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    turned = turn(IMAGE, orientation)
    np.testing.assert_array_equal(turned, expected)
    back = turn(turned, BACK.get(orientation, orientation))
    np.testing.assert_array_equal(back, IMAGE)


@pytest.mark.parametrize('format', ['JPEG', 'PNG', 'WEBP'])
def test_tags_are_found_in_every_format(format):
    assert read_orientation(stored(6, format)) == 6
    assert read_orientation(stored(1, format)) == 1
    assert read_orientation(stored(9, format)) == 1  # no orientation


def test_what_is_no_image_has_no_tag():
    assert read_orientation(b'') == 1
    assert read_orientation(b'Exif\0\0 nonsense') == 1


def test_a_damaged_header_has_no_tag(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)  # less than half of the pixels
    assert read_orientation(stored(6, 'WEBP')) == 1
