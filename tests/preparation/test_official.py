import numpy as np
import pytest
from PIL import Image

from mmseg_cen.preparation import (
    check_labels,
    read_image,
    read_indices,
    three_channels,
)


def test_labels_with_a_palette_are_read_as_indices(tmp_path):
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    image = Image.fromarray(labels).convert('P')
    image.putdata(labels.ravel().tolist())
    image.putpalette(list(range(255, 255 - 36, -1)))
    image.save(tmp_path / 'label.png')
    np.testing.assert_array_equal(read_indices(tmp_path / 'label.png'), labels)


def test_indices_are_the_stored_integers_or_refused_with_the_file(tmp_path):
    labels = np.arange(12, dtype=np.uint16).reshape(3, 4) + 300
    Image.fromarray(labels).save(tmp_path / 'label.png')
    np.testing.assert_array_equal(read_indices(tmp_path / 'label.png'), labels)
    Image.fromarray(labels.astype(np.uint8)).save(tmp_path / 'label.jpg')
    with pytest.raises(ValueError, match=r'without loss, got JPEG in .*label\.jpg'):
        read_indices(tmp_path / 'label.jpg')


@pytest.mark.parametrize('dtype', ['uint8', 'int32', 'uint32', 'int64'])
def test_indices_in_tiff_files_may_have_any_type(tmp_path, dtype):
    tifffile = pytest.importorskip('tifffile')
    labels = np.arange(12).reshape(3, 4).astype(dtype)
    path = tmp_path / 'label.tif'
    tifffile.imwrite(path, labels, photometric='minisblack')
    np.testing.assert_array_equal(read_indices(path), labels)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r'label\.tif must be a complete image file'):
        read_indices(path)


@pytest.mark.parametrize('read', [read_image, read_indices])
def test_a_damaged_file_is_named(tmp_path, read):
    path = tmp_path / 'label.png'
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r'label\.png must be a complete image file'):
        read(path)


def test_labels_are_within_the_classes_or_void():
    labels = np.array([[1, 2, 255]])
    check_labels('a.png', labels, 1, 2, 255)
    with pytest.raises(ValueError, match=r'a\.png: labels must be 1\.\.2, got \[255\]'):
        check_labels('a.png', labels, 1, 2)
    with pytest.raises(ValueError, match=r'must be 2\.\.2 or 255, got \[1\]'):
        check_labels('a.png', labels, 2, 2, 255)


@pytest.mark.parametrize('channels', [None, 1, 2, 3, 4])
def test_an_image_has_three_channels_and_no_opacity(channels):
    shape = (4, 5) if channels is None else (4, 5, channels)
    image = np.arange(np.prod(shape)).reshape(shape)
    result = three_channels(image)
    assert result.shape == (4, 5, 3)
    first = image if channels is None else image[..., 0]
    np.testing.assert_array_equal(result[..., 0], first)
    expected = image[..., 2] if channels in (3, 4) else first
    np.testing.assert_array_equal(result[..., 2], expected)
