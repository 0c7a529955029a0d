import pytest

from mmseg_cen.modality import Modality
from mmseg_cen.transforms.inspection import is_depth


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
