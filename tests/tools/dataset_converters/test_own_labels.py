"""Labels of own data become classes, or are refused by name."""

import cv2
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def labels(load_tool):
    return load_tool('own_labels')


def written(folder, *values):
    """Files of labels that hold these values."""
    paths = []
    for k, of_file in enumerate(values):
        paths.append(folder / f'{k}.png')
        dtype = np.uint8 if max(of_file) < 256 else np.uint16
        image = np.resize(np.array(of_file, dtype), (4, 6))
        assert cv2.imwrite(str(paths[-1]), image)
    return paths


def read(labels, path, label_map=None, **options):
    settings = dict(reduce_zero_label=False, ignore=None) | options
    reader = labels.LabelReader(label_map=labels.parse_label_map(label_map), **settings)
    return reader, reader.read(str(path))


def test_masks_of_0_and_255_are_refused_with_the_map_that_helps(labels, tmp_path):
    paths = written(tmp_path, [0, 255], [0])
    reader, _ = read(labels, paths[0])
    with pytest.raises(ValueError, match='--label-map 0:0,255:1'):
        labels.class_names(None, None, reader, paths)
    reader, mask = read(labels, paths[0], '0:0,255:1')
    assert labels.class_names(None, None, reader, paths)[0] == ['class_0', 'class_1']
    assert {*mask.flat} == {0, 1}


@pytest.mark.parametrize('values', [[0], [4], [255]])
def test_labels_of_one_class_are_refused(labels, tmp_path, values):
    paths = written(tmp_path, values)
    reader, _ = read(labels, paths[0])
    with pytest.raises(ValueError, match='must be of two classes at least, got'):
        labels.class_names(None, None, reader, paths)


def test_a_map_chooses_classes_and_the_rest_may_be_void(labels, tmp_path):
    (path,) = written(tmp_path, [0, 7, 11, 255])
    with pytest.raises(ValueError, match=r'0.png: labels must be in .* got \[0\]'):
        read(labels, path, '7:0,11:1')
    _, mapped = read(labels, path, '7:0,11:1,*:void')
    expected = np.resize(np.array([255, 0, 1, 255], np.uint8), (4, 6))
    np.testing.assert_array_equal(mapped, expected)


@pytest.mark.parametrize('text', ['0', '0:x', '0:65535', '0:0,0:1', 'a:0', '0:0;255:1'])
def test_a_wrong_map_is_refused(labels, text):
    with pytest.raises(ValueError, match='`--label-map` must be STORED:CLASS'):
        labels.parse_label_map(text)


def test_gaps_are_warned_of_with_the_map_that_closes_them(labels, tmp_path):
    paths = written(tmp_path, [0, 7, 26])
    reader, _ = read(labels, paths[0])
    classes, (warning,) = labels.class_names(None, None, reader, paths)
    assert len(classes) == 27
    assert '--label-map 0:0,7:1,26:2' in warning
    reader, _ = read(labels, paths[0], '0:0,7:1,26:2')
    assert labels.class_names(None, None, reader, paths) == (
        ['class_0', 'class_1', 'class_2'],
        [],
    )


def test_of_more_than_255_classes_255_is_one_and_65535_is_void(labels, tmp_path):
    (path,) = written(tmp_path, [0, 255, 299, 65535])
    _, found = read(labels, path, num_classes=300)
    assert found.dtype == np.uint16
    assert {*found.flat} == {0, 255, 299, 65535}
    with pytest.raises(ValueError, match=r'0.png: labels must be 0..298 or 65535, got'):
        read(labels, path, num_classes=299)
    _, found = read(labels, path, num_classes=300, ignore=299, label_map='0:0,*:299')
    assert {*found.flat} == {0, 299, 65535}


@pytest.mark.parametrize('values', [[0, 300], [0, 65535]])
def test_labels_beyond_255_are_not_counted_as_classes(labels, tmp_path, values):
    paths = written(tmp_path, [0, 1], values)
    reader, _ = read(labels, paths[0])
    with pytest.raises(
        ValueError, match=f'1.png: labels .* --ignore-label {values[1]}'
    ):
        labels.class_names(None, None, reader, paths)
    reader, _ = read(labels, paths[0], ignore=values[1])
    assert len(labels.class_names(None, None, reader, paths)[0]) == 2


def test_labels_that_count_from_1_are_said(labels, tmp_path):
    paths = written(tmp_path, [1, 2, 3])
    reader, _ = read(labels, paths[0])
    (warning,) = labels.class_names(None, None, reader, paths)[1]
    assert '--reduce-zero-label' in warning
    reader, _ = read(labels, paths[0], reduce_zero_label=True)
    names = ['class_0', 'class_1', 'class_2']
    assert labels.class_names(None, None, reader, paths) == (names, [])


def test_each_line_of_a_file_is_a_name(labels, tmp_path):
    path = tmp_path / 'names.txt'
    for text in ('\ufeffwall\r\nfloor, tiled\r\n\r\n', '0 wall\n1 floor, tiled'):
        path.write_bytes(text.encode())
        assert labels.read_names(str(path)) == ['wall', 'floor, tiled']
    path.write_text('wall,floor\n')
    assert labels.read_names(str(path)) == ['wall', 'floor']


@pytest.mark.parametrize('given', ['nowhere.txt', 'wall,floor,wall'])
def test_names_that_are_one_or_repeated_are_refused(labels, given):
    with pytest.raises(
        ValueError, match='`--classes` must be two names at least, each'
    ):
        labels.read_names(given)


def test_names_may_be_longer_than_those_of_files(labels):
    names = [f'class of number {k}' for k in range(40)]
    assert labels.read_names(','.join(names)) == names


def test_a_map_has_no_class_beyond_the_named_ones(labels, tmp_path):
    reader, _ = read(labels, *written(tmp_path, [0, 7]), '0:0,7:3')
    with pytest.raises(ValueError, match=r'`--label-map` must be 0..2, got 3'):
        labels.class_names(None, 3, reader, [])


@pytest.mark.parametrize(('orientation', 'step'), [(None, 1), ('apply', -1)])
def test_labels_are_turned_where_images_are(labels, tmp_path, orientation, step):
    stored, exif = np.arange(24, dtype=np.uint8).reshape(4, 6), Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(stored).save(tmp_path / 'a.png', exif=exif)
    _, found = read(labels, tmp_path / 'a.png', orientation=orientation)
    np.testing.assert_array_equal(found, stored[::step, ::step])
