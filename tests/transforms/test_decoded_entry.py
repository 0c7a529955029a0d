import numpy as np
import pytest

from mmseg_cen.transforms.decoded_entry import Decoded, read_entry, to_entry

STATE = bytes(range(16))


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'entry.npy'


@pytest.mark.parametrize('dtype', ['bool', 'uint8', '>u2', 'int64', 'float16', 'f8'])
@pytest.mark.parametrize('shape', [(3, 5), (3, 5, 2), (1, 1, 1)])
def test_an_array_of_any_type_comes_back(path, dtype, shape):
    array = (np.arange(np.prod(shape)).reshape(shape) % 3).astype(dtype)
    path.write_bytes(to_entry(Decoded(array, 6), STATE))
    found = read_entry(path, STATE)
    np.testing.assert_array_equal(found.array, array, strict=True)
    assert found.orientation == 6
    assert not found.array.flags.writeable


def test_channels_keep_their_order_in_memory(path):
    """Pictures of OpenCV need no copy to become blue, green, red again."""
    array = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)[..., ::-1]
    path.write_bytes(to_entry(Decoded(array), STATE))
    found = read_entry(path, STATE).array
    np.testing.assert_array_equal(found, array)
    assert found[..., ::-1].flags.c_contiguous


def test_an_entry_is_of_one_state_of_a_file(path):
    path.write_bytes(to_entry(Decoded(np.zeros((2, 2))), STATE))
    assert read_entry(path, bytes(16)) is None


@pytest.mark.parametrize('length', [0, 3, 20, 100, -1])
def test_a_part_of_an_entry_is_refused(path, length):
    path.write_bytes(to_entry(Decoded(np.zeros((9, 9))), STATE)[:length])
    with pytest.raises(ValueError, match=r'empty file|too short|another check sum'):
        read_entry(path, STATE)


def test_a_missing_entry_is_none_that_is_damaged(path):
    with pytest.raises(FileNotFoundError):
        read_entry(path, STATE)
