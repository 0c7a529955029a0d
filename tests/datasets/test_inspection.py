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


def test_files_that_are_not_as_said_are_refused_before_a_run(build):
    with pytest.raises(ValueError, match=r'depth/0\.png must hold uint16, got uint8'):
        build(20, stored=np.uint8, dtype='uint16')
