import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.transforms.label_files import decode_labels

H, W = 6, 8
LABELS = (np.arange(H * W).reshape(H, W) % 4).astype(np.uint8)


def encode(array, suffix='.png'):
    done, content = cv2.imencode(suffix, array)
    assert done
    return content.tobytes()


def save(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def tiff(array, **options):
    file = io.BytesIO()
    pytest.importorskip('tifffile').imwrite(file, array, **options)
    return file.getvalue()


def to_npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def gray_png(labels, bits):
    """A gray PNG file of 1, 2 or 4 bits, by the specification of the format."""

    def chunk(kind, data):
        head = struct.pack('>I', len(data)) + kind + data
        return head + struct.pack('>I', zlib.crc32(kind + data))

    values = (labels[..., None] >> np.arange(bits)[::-1]) & 1
    rows = b''.join(b'\0' + np.packbits(row).tobytes() for row in values.astype(bool))
    head = struct.pack('>IIBBBBB', W, H, bits, 0, 0, 0, 0)
    chunks = chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows))
    return b'\x89PNG\r\n\x1a\n' + chunks + chunk(b'IEND', b'')


def palette_image(labels):
    image = Image.fromarray(labels)
    image.putpalette([200, 100, 50] * 256)
    return image


WIDE = LABELS.astype(np.int32) + 300

STORED = {
    'png': ('a.png', encode(LABELS), LABELS),
    'png of 16 bits': ('a.png', encode(WIDE.astype(np.uint16)), WIDE),
    'png of 2 bits': ('a.png', gray_png(LABELS, 2), LABELS),
    'png of 4 bits': ('a.png', gray_png(LABELS * 5, 4), LABELS * 5),
    'png of 1 bit': ('a.png', gray_png(LABELS % 2, 1), LABELS % 2),
    'palette': ('a.png', save(palette_image(LABELS), 'PNG'), LABELS),
    'gif': ('a.gif', save(palette_image(LABELS), 'GIF'), LABELS),
    'bmp': ('a.bmp', encode(LABELS, '.bmp'), LABELS),
    'pgm up to 3': ('a.pgm', b'P5 8 6 3\n' + LABELS.tobytes(), LABELS),
    'pgm of 16 bits': ('a.pgm', b'P5 8 6 999\n' + WIDE.astype('>u2').tobytes(), WIDE),
    'tiff of 16 bits': ('a.tif', encode(WIDE.astype(np.uint16), '.tif'), WIDE),
    'tiff of 32 bits': ('a.tif', save(Image.fromarray(WIDE - 301), 'TIFF'), WIDE - 301),
    'npy': ('a.npy', to_npy(WIDE.astype(np.int64)), WIDE),
    'npy of one channel': ('a.npy', to_npy(LABELS[..., None]), LABELS),
    'npy of truth values': ('a.npy', to_npy(LABELS > 1), LABELS > 1),
}


@pytest.mark.parametrize('what', STORED)
def test_labels_are_the_integers_that_the_file_stores(what):
    name, content, expected = STORED[what]
    found = decode_labels(content, name)
    assert found.dtype.kind in 'ui'
    np.testing.assert_array_equal(found, expected)


def test_a_tiff_of_unsigned_32_bits_keeps_its_highest_values():
    content = save(Image.fromarray(np.array([[-1, 1]], np.int32)), 'TIFF')
    tag = struct.pack('<HHI', 339, 3, 1)  # the format of samples: 2 is signed
    unsigned = content.replace(tag + b'\2', tag + b'\1')
    assert decode_labels(content, 'a.tif').tolist() == [[-1, 1]]
    assert decode_labels(unsigned, 'a.tif').tolist() == [[2**32 - 1, 1]]


@pytest.mark.parametrize('dtype', ['int64', 'uint64', 'int8', '>u4'])
def test_a_tiff_of_any_integers_comes_back(dtype):
    labels = LABELS.astype(dtype)
    found = decode_labels(tiff(labels, photometric='minisblack'), 'a.tif')
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize('dtype', ['int16', 'int32', 'uint16'])
def test_a_compressed_tiff_of_any_byte_order_comes_back(dtype):
    labels = LABELS.astype(dtype)
    options = dict(photometric='minisblack', compression='zlib')
    for order in '<>':
        found = decode_labels(tiff(labels, byteorder=order, **options), 'a.tif')
        np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize('dtype', [bool, 'uint8'])
def test_a_tiff_whose_zero_is_white_is_refused(dtype):
    content = tiff(LABELS.astype(dtype), photometric='miniswhite')
    with pytest.raises(ValueError, match=r'got 0 as white in a\.tif.* as PNG'):
        decode_labels(content, 'a.tif')


REFUSED = {
    'jpeg': ('a.jpg', encode(LABELS, '.jpg'), 'without loss, got JPEG'),
    'jpeg of another name': ('a.png', encode(LABELS, '.jpg'), 'got JPEG'),
    'webp': ('a.webp', encode(np.dstack([LABELS] * 3), '.webp'), 'got WEBP'),
    'rgb': ('a.png', encode(np.dstack([LABELS] * 3)), 'got 3 channels'),
    'alpha': ('a.png', encode(np.dstack([LABELS] * 4)), 'got 4 channels'),
    'channels of npy': ('a.npy', to_npy(np.dstack([LABELS] * 5)), 'got 5 channels'),
    'floats': ('a.tif', encode(LABELS.astype(np.float32), '.tif'), 'got float32'),
    'floats of npy': ('a.npy', to_npy(LABELS / 2), 'must be integers, got float64'),
    'pages': (
        'a.tif',
        save(
            Image.fromarray(LABELS),
            'TIFF',
            save_all=True,
            append_images=[Image.fromarray(LABELS)],
        ),
        'got 2 pages',
    ),
    'half': ('a.png', encode(LABELS)[:60], 'complete file, got a damaged one'),
    'a bit': (
        'a.png',
        encode(LABELS)[:-20] + bytes([encode(LABELS)[-20] ^ 1]) + encode(LABELS)[-19:],
        'got a damaged one',
    ),
    'empty': ('a.png', b'', 'got an empty one'),
    'empty npy': ('a.npy', b'', 'got an empty one'),
    'text': ('a.png', b'hello', 'one of an unknown format'),
    'no array': ('a.npy', b'version https://git-lfs', 'does not begin as'),
    'objects': ('a.npy', to_npy(np.array([None])), 'got one of objects, .*nothing was'),
}


@pytest.mark.parametrize('what', REFUSED)
def test_what_is_no_map_of_labels_is_refused_in_one_line_that_names_the_file(what):
    name, content, reason = REFUSED[what]
    with pytest.raises(ValueError, match=reason) as error:
        decode_labels(content, f'data/{name}')
    message = str(error.value)
    assert f'data/{name}' in message
    assert '\n' not in message
    assert 'BytesIO' not in message
