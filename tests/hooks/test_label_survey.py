import logging

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset

from mmseg_cen.hooks import label_survey
from mmseg_cen.hooks.label_survey import (
    check_some_labels,
    multimodal_sets,
    survey_labels,
)

MIXED = [[0, 1, 2, 255], [0, 1, 2, 2]]


@pytest.fixture
def said(monkeypatch):
    """What is logged as a warning."""
    lines = []

    def note(message, logger=None, level=logging.INFO):
        if level == logging.WARNING:
            lines.append(message)

    monkeypatch.setattr(label_survey, 'print_log', note)
    return lines


def test_data_sets_are_found_within_wrappers(labeled):
    one = labeled([MIXED])
    assert list(multimodal_sets(ConcatDataset([one, one]))) == [one, one]
    assert list(multimodal_sets(RepeatDataset(one, 3))) == [one]
    assert list(multimodal_sets(range(3))) == []
    one.dataset = 'NYUDv2'  # of a data set, which is no wrapper
    assert list(multimodal_sets(one)) == [one]


def test_labels_of_all_classes_pass_without_a_word(labeled, said):
    survey_labels([labeled([MIXED] * 3)], weighted=False)
    assert not said


def test_masks_of_0_and_255_are_refused_with_the_map_that_mends_them(labeled):
    masks = [[[0, 255]], [[255, 255]]]
    what = (
        r"got only 0 \('wall'\) and 255, which is ignored, in 2 of 2 label files, such "
        r'as .*label/000\.png: .*label_map=\{0: 0, 255: 1\}'
    )
    with pytest.raises(ValueError, match=what):
        survey_labels([labeled(masks, ('wall', 'floor'))], weighted=False)
    survey_labels(
        [labeled(masks, ('wall', 'floor'), label_map={0: 0, 255: 1})], weighted=False
    )


def test_one_file_with_a_second_class_is_found_among_many(labeled, monkeypatch):
    monkeypatch.setattr(label_survey, 'FEW', 2)
    monkeypatch.setattr(label_survey, 'MANY', 3)
    labels = [[[0, 255]]] * 9
    labels[4] = [[0, 1]]
    survey_labels([labeled(labels, ('a', 'b'))], weighted=False)


def test_classes_that_never_occur_are_named(labeled, said):
    survey_labels([labeled([[[0, 2]], [[2, 0]]])], weighted=False)
    assert len(said) == 1
    assert '1 of 3 classes do not occur (floor)' in said[0]
    assert 'In 2 of 2 label files' in said[0]


def test_a_class_that_outnumbers_the_others_is_said_with_weights(labeled, said):
    labels = np.zeros((10, 10))
    labels[0, :2] = 1, 2
    survey_labels([labeled([labels])], weighted=False)
    assert len(said) == 1
    assert 'wall has 98.0% of the pixels' in said[0]
    assert 'class_weight=[1.44, 33.8, 33.8]' in said[0]
    said.clear()
    survey_labels([labeled([labels])], weighted=True)
    assert not said


def test_a_data_set_of_one_class_and_no_void_is_said(labeled, said):
    survey_labels([labeled([[[1, 1]]])], weighted=False)
    assert len(said) == 2
    assert '2 of 3 classes do not occur (wall, chair)' in said[0]
    assert 'all pixels have the class floor' in said[1]


def test_parts_of_one_training_are_counted_together(labeled, said):
    data = labeled([[[0, 255]], [[1, 2]]])
    parts = [data.get_subset([0]), data.get_subset([1])]
    survey_labels(parts, weighted=False)
    assert not said


@pytest.mark.parametrize('check', [check_some_labels, lambda d: survey_labels([d], 0)])
def test_wrong_labels_are_found_before_the_first_epoch(labeled, check):
    labels = [np.array(MIXED, np.uint16)] * 3
    labels[2] = labels[2] + 256
    with pytest.raises(ValueError, match=r'got 256, 257, 258, 511 in .*label/002\.png'):
        check(labeled(labels))
    (file,) = (info['seg_map_path'] for info in [labeled([MIXED]).get_data_info(0)])
    with open(file, 'r+b') as damaged:
        damaged.truncate(50)
    with pytest.raises(ValueError, match=r'damaged one .*label/000\.png'):
        check(labeled([]))


def test_data_without_label_files_pass(labeled):
    data = labeled([MIXED])
    data.pipeline.transforms.pop(1)
    survey_labels([data], weighted=False)
    check_some_labels(data)


def test_not_all_files_of_a_large_data_set_are_read(labeled, monkeypatch):
    data = labeled([MIXED])
    read = []
    loader = data.pipeline.transforms[1]
    monkeypatch.setattr(
        loader, 'read', lambda info: read.append(info) or np.array([[0, 1, 2]])
    )
    monkeypatch.setattr(type(data), '__len__', lambda self: 1000)
    monkeypatch.setattr(data, 'get_data_info', lambda i: dict(seg_map_path=i))
    survey_labels([data], weighted=False)
    assert len(read) == label_survey.FEW
    places = sorted(info['seg_map_path'] for info in read)
    assert (places[0], places[-1]) == (0, 999)
    assert max(np.diff(places)) < 20


def test_labels_of_each_data_set_are_read(labeled, monkeypatch):
    """A first part of all classes does not stand for the others."""
    monkeypatch.setattr(label_survey, 'FEW', 2)
    good = labeled([MIXED] * 9)
    survey_labels([good, good], weighted=False)
    bad = labeled([np.array(MIXED, np.uint16) + 256] * 2)
    with pytest.raises(ValueError, match='got 256, 257, 258, 511'):
        survey_labels([good, bad], weighted=False)
