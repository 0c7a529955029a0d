import builtins
import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.transforms.decoding import decode
from mmseg_cen.transforms.orientation import TAG

BANDS = np.arange(5 * 6 * 4, dtype=np.uint16).reshape(5, 6, 4) * 11


def tiff(array, **kwargs):
    """A file as tifffile writes it."""
    tifffile = pytest.importorskip('tifffile')
    file = io.BytesIO()
    tifffile.imwrite(file, array, **kwargs)
    return file.getvalue()


def pages(arrays):
    file = io.BytesIO()
    first, *others = [Image.fromarray(array) for array in arrays]
    first.save(file, 'TIFF', save_all=True, append_images=others)
    return file.getvalue()


@pytest.mark.parametrize('photometric', ['minisblack', 'rgb'])
@pytest.mark.parametrize('channels', [1, 2, 3, 4, 10])
@pytest.mark.parametrize('planar', ['contig', 'separate'])
def test_bands_come_in_the_order_of_the_file(photometric, channels, planar):
    if photometric == 'rgb' and channels < 3:
        pytest.skip('three colors at least')
    bands = np.tile(BANDS, 3)[..., :channels] + np.arange(channels, dtype=np.uint16)
    stored = bands[..., 0] if channels == 1 else bands
    options = dict(photometric=photometric)
    if channels > 1:
        options['planarconfig'] = planar
        stored = np.moveaxis(stored, -1, 0) if planar == 'separate' else stored
    decoded = decode(tiff(stored, **options), '.tif')
    np.testing.assert_array_equal(np.atleast_3d(decoded), bands)


@pytest.mark.parametrize(
    'dtype', ['uint8', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64']
)
def test_values_of_any_type_come_back(dtype):
    stored = (BANDS[..., 0] % 99).astype(dtype)
    decoded = decode(tiff(stored, photometric='minisblack'), '.tiff')
    np.testing.assert_array_equal(decoded, stored)
    assert decoded.dtype == dtype


def test_a_file_that_is_compressed_or_large_comes_back():
    for options in (dict(compression='zlib'), dict(bigtiff=True), dict(tile=(16, 16))):
        content = tiff(
            BANDS, photometric='minisblack', planarconfig='contig', **options
        )
        np.testing.assert_array_equal(decode(content, '.tif'), BANDS)


@pytest.mark.parametrize('options', [dict(tile=(16, 16)), dict(compression='lzma')])
def test_what_opencv_cannot_read_is_not_called_damaged(options):
    gray = BANDS[..., 0].astype(np.uint8)
    content = tiff(gray, photometric='minisblack', **options)
    np.testing.assert_array_equal(decode(content, '.tif'), gray)


@pytest.mark.parametrize('dtype', ['uint8', 'int8', 'uint16', 'float32'])
@pytest.mark.parametrize('channels', [2, 3, 5])
def test_an_array_that_tifffile_has_written_as_it_is_comes_back(dtype, channels):
    bands = np.tile(BANDS, (2, 2, 2))[..., :channels].astype(dtype)
    np.testing.assert_array_equal(decode(tiff(bands), '.tif'), bands)


@pytest.mark.parametrize('opacity', ['unspecified', 'assocalpha', 'unassalpha'])
def test_colors_are_not_multiplied_by_a_fourth_band(opacity):
    bands = BANDS.astype(np.uint8)
    content = tiff(bands, photometric='rgb', extrasamples=[opacity])
    np.testing.assert_array_equal(decode(content, '.tif'), bands)
    picture = decode(content, '.tif', color=True)
    np.testing.assert_array_equal(picture, bands[..., :3])
    if opacity == 'unassalpha':
        with pytest.raises(ValueError, match='damaged'):
            decode(content[:-60], '.tif')


@pytest.mark.parametrize('dtype', ['uint8', 'int8', 'uint16'])
def test_values_are_as_stored_where_zero_is_white(dtype):
    gray = BANDS[..., 0].astype(dtype)
    content = tiff(gray, photometric='miniswhite')
    np.testing.assert_array_equal(decode(content, '.tif'), gray)
    picture = decode(content, '.tif', color=True)
    np.testing.assert_array_equal(picture, np.repeat(~gray[..., None], 3, -1))


def test_pages_of_one_band_are_bands():
    stored = [BANDS[..., c] for c in range(4)]
    np.testing.assert_array_equal(decode(pages(stored), '.tif'), BANDS)


def test_pages_that_differ_are_refused_by_number():
    stored = [BANDS[..., 0], BANDS[:3, :3, 1]]
    with pytest.raises(ValueError, match='got 2 pages of'):
        decode(pages(stored), '.tif')
    color = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r'got 2 pages of \[3, 3\] bands'):
        decode(pages([color, color]), '.tif')


@pytest.mark.parametrize('orientation', range(1, 9))
def test_pixels_are_as_stored_whatever_the_tag(orientation):
    file = io.BytesIO()
    tag = {TAG: orientation}
    Image.fromarray(BANDS[..., 0]).save(file, 'TIFF', tiffinfo=tag)
    np.testing.assert_array_equal(decode(file.getvalue(), '.tif'), BANDS[..., 0])


@pytest.mark.parametrize(('shape', 'expected'), [((), 3), ((3,), 3), ((4,), 3)])
def test_rgb_has_three_channels_of_a_gray_or_colored_file(shape, expected):
    picture = np.arange(5 * 6 * 4, dtype=np.uint8).reshape(5, 6, 4)
    picture = picture[..., : shape[0]] if shape else picture[..., 0]
    bgr = picture if not shape else picture[..., [2, 1, 0, 3][: shape[0]]]
    content = cv2.imencode('.tif', bgr)[1].tobytes()
    decoded = decode(content, '.tif', color=True)
    assert decoded.shape == (5, 6, expected)
    np.testing.assert_array_equal(
        decoded, np.atleast_3d(picture)[..., :3] + 0 * decoded
    )


def test_bands_without_tifffile_are_refused_by_number(monkeypatch):
    content = tiff(BANDS, photometric='minisblack', planarconfig='contig')
    imports = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'tifffile':
            raise ImportError(name)
        return imports(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ValueError, match=r'tifffile must be .* 4 band\(s\) of 16 bits'):
        decode(content, '.tif')


@pytest.mark.parametrize('length', [4, 8, 20, 150])
def test_a_damaged_file_is_called_so(length):
    content = pages([BANDS[..., 0]])
    with pytest.raises(ValueError, match=r'damaged|have a page'):
        decode(content[:length], '.tif')


def with_tag(content, tag, kind, value):
    """A file of which a tag has another type (3: short, 4: long), and a value."""
    start = content.index(struct.pack('<H', tag), 8)
    entry = struct.pack('<HHII', tag, kind, 1, value)
    return content[:start] + entry + content[start + 12 :]


def test_a_file_with_a_damaged_tag_is_called_so():
    content = with_tag(pages([BANDS[..., 0]]), 256, 4, 2**31 - 1)  # a width
    with pytest.raises(ValueError, match='complete TIFF file, got a damaged one'):
        decode(content, '.tif')
    content = with_tag(tiff(BANDS[..., 0]), 270, 3, 7)  # a description
    with pytest.raises(ValueError, match='complete TIFF file, got a damaged one'):
        decode(content, '.tif')


def test_damaged_pixels_that_tifffile_reads_are_called_so():
    options = dict(photometric='minisblack', planarconfig='contig')
    content = tiff(BANDS, compression='zlib', **options)
    start = content.index(b'\x78\x9c')  # the header of the compressed pixels
    damaged = content[: start + 2] + b'\xff' + content[start + 3 :]
    with pytest.raises(ValueError, match='must be complete'):
        decode(damaged, '.tif')
