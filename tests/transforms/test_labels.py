import io

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations as LoadAnnotationsOfMMSeg
from PIL import Image

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import LoadAnnotations
from mmseg_cen.transforms.labels import to_classes

H, W = 6, 8
LABELS = (np.arange(H * W).reshape(H, W) % 4).astype(np.uint8)


def encode(array):
    done, content = cv2.imencode('.png', array)
    assert done
    return content.tobytes()


@pytest.mark.parametrize('value', [256, 257, 511, 65535, -1, 2**31, 10**12])
def test_labels_of_any_width_are_checked_before_they_are_cast(value):
    with pytest.raises(ValueError, match=rf'0\.\.3 or 255 \(ignored\), got {value} in'):
        to_classes(np.array([[0, value]], np.int64), 'a.png', 4)


@pytest.mark.parametrize(
    ('stored', 'num_classes', 'ignore_index', 'dtype'),
    [
        ([0, 3, 255], 4, 255, np.uint8),
        ([0, 255, 299, 65535], 300, 65535, np.int32),
        ([0, 3, -1], 4, -1, np.int32),
        ([0, 3, 65535], 4, 65535, np.int32),
        ([0, 254, 255], 255, 255, np.uint8),
    ],
)
def test_classes_of_any_number_and_any_ignored_label_are_kept(
    stored, num_classes, ignore_index, dtype
):
    labels = to_classes(np.array([stored]), 'a.png', num_classes, ignore_index)
    assert labels.tolist() == [stored]
    assert labels.dtype == dtype


def test_a_map_turns_stored_labels_to_classes_at_once():
    stored = np.array([[0, 255, 7, 26001]], np.uint16)
    table = {0: 7, 255: 0, 7: 1, 26001: 255}
    assert to_classes(stored, 'a.png', 8, 255, table).tolist() == [[7, 0, 1, 255]]


def test_a_label_that_the_map_does_not_name_is_refused():
    with pytest.raises(ValueError, match=r'got 1 in a\.png: add .*`label_map`'):
        to_classes(np.array([[0, 1, 255]]), 'a.png', 3, 255, {0: 0, 7: 1})


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize('ignore_index', [255, 65535])
def test_zero_may_stand_for_void(dtype, ignore_index):
    labels = np.array([[0, 1, 4, min(ignore_index, np.iinfo(dtype).max)]], dtype)
    if labels[0, 3] != ignore_index:
        labels[0, 3] = 0
    found = to_classes(labels, 'a.png', 4, ignore_index, reduce_zero_label=True)
    assert found.tolist() == [[ignore_index, 0, 3, ignore_index]]


@pytest.fixture
def sample(tmp_path):
    """A function that makes a loaded sample with a label file."""

    def sample(content=None, shape=(H, W), **info):
        path = tmp_path / 'label.png'
        path.write_bytes(encode(LABELS) if content is None else content)
        return dict(
            modalities=build_modalities(('rgb', 'depth')),
            img=np.zeros((*shape, 3), np.uint8),
            depth=np.zeros(shape, np.float32),
            img_path='rgb.png',
            seg_map_path=str(path),
            ori_shape=shape,
            seg_fields=[],
            reduce_zero_label=False,
            **info,
        )

    return sample


@pytest.mark.parametrize('reduce_zero_label', [False, True])
@pytest.mark.parametrize('label_map', [None, {0: 1, 1: 0, 2: 255, 3: 2, 255: 255}])
def test_labels_of_8_bits_are_as_the_toolbox_reads_them(
    sample, reduce_zero_label, label_map
):
    labels = LABELS.copy()
    labels[0] = 255
    own = sample(encode(labels), label_map=label_map)
    own['reduce_zero_label'] = reduce_zero_label
    theirs = LoadAnnotationsOfMMSeg()({**own, 'seg_fields': []})
    loaded = LoadAnnotations()(own)
    np.testing.assert_array_equal(loaded['gt_seg_map'], theirs['gt_seg_map'])
    assert loaded['gt_seg_map'].dtype == theirs['gt_seg_map'].dtype
    assert loaded['seg_fields'] == theirs['seg_fields'] == ['gt_seg_map']


def test_another_decoder_may_be_chosen(sample):
    for backend in ('pillow', 'cv2'):
        loaded = LoadAnnotations(imdecode_backend=backend)(sample())
        np.testing.assert_array_equal(loaded['gt_seg_map'], LABELS)
    with pytest.raises(ValueError, match=r'damaged one .*label\.png'):
        LoadAnnotations(imdecode_backend='cv2')(sample(encode(LABELS)[:50]))


def test_labels_of_another_size_are_an_error_that_names_both_files(sample):
    with pytest.raises(ValueError, match='labels and modalities') as error:
        LoadAnnotations()(sample(shape=(H, W + 2)))
    for part in ('label.png', f'{(H, W)}', 'rgb.png', f'{(H, W + 2)}'):
        assert part in str(error.value)


def test_labels_want_modalities_to_be_loaded(sample):
    results = sample()
    del results['depth']
    with pytest.raises(ValueError, match=r"no \['depth'\] of rgb\.png.*LoadModalities"):
        LoadAnnotations()(results)


def test_a_sample_without_a_label_file_is_named(sample):
    results = sample()
    del results['seg_map_path']
    with pytest.raises(ValueError, match=r'got none for rgb\.png: .*column of labels'):
        LoadAnnotations()(results)


def test_the_transform_and_the_data_set_cannot_disagree_about_zero(sample):
    with pytest.warns(UserWarning, match='deprecated'):
        transform = LoadAnnotations(reduce_zero_label=True)
    with pytest.raises(ValueError, match='must be that of the data set, False, got Tr'):
        transform(sample())


@pytest.mark.parametrize('tag', [1, 3])
def test_labels_that_viewers_turn_are_read_as_stored_and_warned_of(sample, warned, tag):
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(LABELS).save(file, 'PNG', exif=exif)
    loaded = LoadAnnotations()(sample(file.getvalue()))
    np.testing.assert_array_equal(loaded['gt_seg_map'], LABELS)
    assert len(warned) == (tag == 3)
    assert all('label.png has an orientation tag' in text for text in warned)
