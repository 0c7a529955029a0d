import io

import cv2
import numpy as np
import pytest

from mmseg_cen.transforms.decoding import decode, orientation_of

RNG = np.random.default_rng(0)


def encoded(array, suffix):
    """A file with the channels in this order: red, green, blue."""
    file = io.BytesIO()
    if suffix == '.npy':
        np.save(file, array)
        return file.getvalue()
    order = [2, 1, 0, 3] if array.ndim == 3 else []
    stored = array[..., order[: array.shape[2]]] if order else array
    return cv2.imencode(suffix, stored)[1].tobytes()


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('suffix', ['.png', '.tif', '.npy'])
def test_channels_are_in_the_order_of_the_file_in_all_formats(suffix, channels, dtype):
    shape = (5, 6) if channels == 1 else (5, 6, channels)
    array = RNG.integers(0, np.iinfo(dtype).max, shape, dtype)
    np.testing.assert_array_equal(decode(encoded(array, suffix), suffix), array)
    assert orientation_of(encoded(array, suffix), suffix) == 1


@pytest.mark.parametrize('suffix', ['.pgm', '.pfm'])
def test_portable_maps_come_back(suffix):
    dtype = np.float32 if suffix == '.pfm' else np.uint16
    array = RNG.integers(0, 60000, (5, 6)).astype(dtype)
    np.testing.assert_array_equal(decode(encoded(array, suffix), suffix), array)


@pytest.mark.parametrize('array', [np.array([['a']]), np.ones((2, 3), complex)])
def test_what_is_no_number_is_refused(array):
    with pytest.raises(ValueError, match='one array of numbers, got'):
        decode(encoded(array, '.npy'), '.npy')


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
def test_another_file_is_not_called_a_pickle(suffix):
    with pytest.raises(ValueError, match=rf'not begin as \{suffix} files do') as error:
        decode(b'version https://git-lfs.github.com/spec/v1', suffix)
    assert 'pickle' not in str(error.value)


def test_objects_are_not_called_damaged():
    objects = io.BytesIO()
    np.save(objects, np.array([None]), allow_pickle=True)
    archive = io.BytesIO()
    np.savez(archive, np.array([None]))
    for content, suffix in ((objects, '.npy'), (archive, '.npz')):
        with pytest.raises(ValueError, match=r'one of objects, .*nothing was run'):
            decode(content.getvalue(), suffix)


def test_exr_is_refused_by_name():
    with pytest.raises(ValueError, match=r'OpenEXR.*store it as \.npy'):
        decode(b'v/1\x01\x02\0\0\0', '.exr')


def test_the_byte_order_of_a_file_is_no_part_of_its_type():
    array = np.arange(6, dtype='>u2').reshape(2, 3)
    decoded = decode(encoded(array, '.npy'), '.npy')
    np.testing.assert_array_equal(decoded, array)
    assert decoded.dtype == 'uint16'


def test_an_array_whose_header_is_damaged_is_called_so():
    content = encoded(np.ones((2, 3)), '.npy').replace(b'(2, 3)', b'(2, 3,')
    with pytest.raises(ValueError, match='must hold an array, got a damaged one'):
        decode(content, '.npy')
