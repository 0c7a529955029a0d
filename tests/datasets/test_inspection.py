import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import MultimodalSegDataset

LOAD = dict(type='LoadModalities')


@pytest.fixture
def build(tmp_path):
    """A function that builds a data set of ten samples, with a value of all depth."""

    def build(value, pipeline=(LOAD,), stored=np.uint16, **options):
        for name, image in dict(
            rgb=np.zeros((4, 6, 3), np.uint8), depth=np.full((4, 6), value, stored)
        ).items():
            (tmp_path / name).mkdir(exist_ok=True)
            for i in range(10):
                assert cv2.imwrite(f'{tmp_path}/{name}/{i}.png', image)
        return MultimodalSegDataset(
            dict(rgb={}, depth=options), data_root=str(tmp_path), pipeline=[*pipeline]
        )

    return build


def test_depth_in_its_unit_is_not_spoken_of(build, warned):
    build(2000, scale=1e-3)
    build(12000, scale=1e-3, plausible=(4, 100))
    build(2000, [LOAD, dict(type='EncodeDepth', encoding='log', scale=1e-3)])
    assert not warned


def test_another_unit_is_doubted_once_when_a_data_set_is_built(build, warned):
    for _ in range(2):
        build(2000)
    assert len(warned) == 1
    assert "Modality 'depth' of 4 samples" in warned[0]
    assert 'a unit of 0.001 m would make it 2 m' in warned[0]


def test_a_sentinel_is_doubted_until_it_is_named(build, warned):
    build(65535, scale=1e-3)
    assert any('say so (invalid=65535' in text for text in warned)
    warned.clear()
    build(65535, scale=1e-3, invalid=65535, fill='nearest')
    assert not any('65535' in text for text in warned)


def test_an_encoding_without_a_unit_has_none_to_be_doubted(build, warned):
    build(200, [LOAD, dict(type='EncodeDepth', encoding='jet')], np.uint8)
    assert not warned
    build(65535, [LOAD, dict(type='EncodeDepth', encoding='minmax')])
    assert len(warned) == 1
    assert 'invalid=65535' in warned[0]


def test_directions_that_a_flip_would_not_turn_are_warned_of(tmp_path, warned):
    (tmp_path / 'normal').mkdir()
    cv2.imwrite(f'{tmp_path}/normal/0.png', np.full((4, 6, 3), 90, np.uint8))
    for flips, said in ((0.0, 0), (0.5, 1)):
        pipeline = [LOAD, dict(type='RandomFlip', prob=flips)]
        normal = dict(normal=dict(channels=3))
        MultimodalSegDataset(normal, data_root=str(tmp_path), pipeline=pipeline)
        assert len(warned) == said
    assert 'RandomFlip moves its pixels without turning them' in warned[0]


def test_files_that_are_not_as_said_are_refused_before_a_run(build):
    with pytest.raises(ValueError, match=r'depth/0\.png must hold uint16, got uint8'):
        build(20, stored=np.uint8, dtype='uint16')
