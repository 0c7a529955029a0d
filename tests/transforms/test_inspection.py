import cv2
import numpy as np
import pytest

from mmseg_cen.modality import Modality
from mmseg_cen.transforms.inspection import inspect_depth, is_depth


@pytest.mark.parametrize(
    ('name', 'options', 'expected'),
    [
        ('depth', {}, True),
        ('raw_depth', {}, True),
        ('depth_left', {}, True),
        ('depth', dict(channels=3), False),  # a picture of depth, such as HHA
        ('inverse_depth', {}, False),
        ('thermal', {}, False),
        ('lidar', dict(plausible=(4, 100)), True),
    ],
)
def test_a_modality_is_depth_by_its_name_or_by_what_it_says(name, options, expected):
    assert is_depth(name, Modality(**options)) is expected


def test_the_example_of_doubtful_depth_is_a_file_that_exists(tmp_path, warned):
    path = f'{tmp_path}/1.png'
    assert cv2.imwrite(path, np.full((4, 6), 2000, np.uint16))
    modalities = dict(depth=Modality())
    samples = [
        dict(modalities=modalities, modality_paths=dict(depth=one), absent=absent)
        for one, absent in ((f'{tmp_path}/0.png', ('depth',)), (path, ()))
    ]
    inspect_depth(samples, {})
    assert f'of 1 samples, such as {path}, is taken for depth' in warned[0]
