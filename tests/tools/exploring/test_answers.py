"""Every question has an answer: pictures, or what is wrong."""

import cv2
import numpy as np
import pytest
from exploring.questions import NO_SAMPLE, Asked, Stored

NOTHING = ('', '', False)


@pytest.fixture
def uploaded(tmp_path, samples):
    """Files of a sample in folders of the page: depth in millimeters."""
    items, paths = samples[0].given.items, {}
    depth = (1000 * items['depth']).astype(np.uint16)
    for name, image in dict(rgb=items['rgb'], depth=depth).items():
        paths[name] = tmp_path / 'a1b2c3' / f'{name}.png'
        paths[name].parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(paths[name]), image)
    return {name: str(path) for name, path in paths.items()}


def test_the_values_of_the_page_are_a_question(desk):
    stored = (*NOTHING, '0.001', '65535, 60000..61000', True)
    asked = desk.read([1, ['depth'], 0.1, None, 'd.png', *stored])
    assert asked[:4] == (1, ['depth'], 0.1, dict(depth='d.png'))
    assert asked.stored['rgb'].options('rgb') == {}
    assert asked.stored['depth'].options('depth') == dict(
        scale=0.001, invalid=['65535', '60000..61000'], resize=True
    )


def test_a_sample_is_answered_by_all_pictures(desk):
    values = [0, ['rgb', 'depth'], 0.02, None, None, *NOTHING * 2]
    answer = desk.answer(desk.read(values))
    assert 'The ensemble is right in' in answer.status
    assert {*answer.pictures} == {key for row in desk.rows for key in row}
    captions = [caption for _, caption in answer.pictures.values()]
    assert not any('none' in caption for caption in captions)
    assert any(c.startswith('Depth: ') and c.endswith(' m') for c in captions)
    assert '100.0 %' in answer.legend  # random weights: one class
    assert 'RGB' in answer.alpha
    assert 'layer4' in answer.shares


def test_a_modality_that_is_off_leaves_its_pictures_empty(desk):
    answer = desk.answer(Asked(0, ['rgb'], 0.02, {}, {}))
    assert 'Predicted without depth. One stream alone' in answer.status
    for key in ('depth', 'stream/depth', 'disagreement'):
        picture, caption = answer.pictures[key]
        assert caption.endswith(': none')
        assert picture.std() == 0


def test_uploaded_files_are_answered_or_the_unit_is_asked_for(desk, uploaded):
    asked = Asked(NO_SAMPLE, ['rgb', 'depth'], None, uploaded, {})
    answer = desk.answer(asked)
    assert not answer.pictures
    assert 'depth: depth.png must hold float32' in answer.status
    assert '--depth-unit 0.001' in answer.status
    for unit, said in (('0.001', 'rgb, 48x32 pixels'), ('mm', 'must be a number')):
        answer = desk.answer(asked._replace(stored=dict(depth=Stored(unit))))
        assert said in answer.status
        assert bool(answer.pictures) == (unit == '0.001')


def test_a_doubt_is_shown_each_time_it_is_there(desk, uploaded, tmp_path):
    """Here: a depth map without a valid pixel; on the terminal it is said once."""
    path = tmp_path / 'c0ffee' / 'none.png'
    path.parent.mkdir()
    cv2.imwrite(str(path), np.zeros((32, 48), np.uint16))
    stored = dict(depth=Stored('0.001', '0'))
    asked = Asked(NO_SAMPLE, ['rgb', 'depth'], None, uploaded, stored)
    for depth, doubtful in ((path, True), (uploaded['depth'], False), (path, True)):
        answer = desk.answer(asked._replace(files={**uploaded, 'depth': str(depth)}))
        assert answer.pictures, answer.status
        assert ('has no valid pixel' in answer.status) == doubtful
        assert str(tmp_path) not in answer.status


def test_files_to_download_are_those_of_the_question(desk, uploaded, tmp_path):
    stored = dict(depth=Stored('0.001'))
    asked = Asked(NO_SAMPLE, ['rgb', 'depth'], None, uploaded, stored)
    status, paths = desk.write(asked, tmp_path)
    assert status == ''
    labels = cv2.imread(str(paths[0]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, desk.view(asked).prediction.labels)
    status, paths = desk.write(asked._replace(present=[]), tmp_path)
    assert 'at least one modality must be on' in status
    assert paths == []


@pytest.mark.parametrize('name', ['notes.png', 'notes.txt', 'notes.tiff', 'notes.npy'])
def test_a_file_that_is_no_picture_is_refused_in_one_line(desk, tmp_path, name):
    path = tmp_path / 'c0ffee' / name
    path.parent.mkdir()
    path.write_text('no picture')
    answer = desk.answer(Asked(NO_SAMPLE, ['rgb'], None, dict(rgb=str(path)), {}))
    assert not answer.pictures
    assert name in answer.status
    assert ' must ' in answer.status
    assert str(tmp_path) not in answer.status
    assert 'unexpected' not in answer.status


def test_a_mistake_of_the_program_is_told_on_the_terminal(desk, monkeypatch, capsys):
    monkeypatch.setattr(desk, 'view', lambda _: {}['no such key'])
    answer = desk.answer(Asked(0, ['rgb'], None, {}, {}))
    assert 'unexpected: report the traceback on the terminal' in answer.status
    assert 'Traceback' in capsys.readouterr().err
