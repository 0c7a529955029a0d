import pytest

from mmseg_cen.datasets import MUSESDataset


def groups(*stems):
    data = MUSESDataset(lazy_init=True)
    return data.load_groups(stems)


def test_folders_tell_weather_and_time():
    assert groups('train/fog/night/REC0075_frame_000247', 'clear/day/a') == [
        dict(weather='fog', time='night'),
        dict(weather='clear', time='day'),
    ]


def test_a_sample_outside_the_official_folders_is_named():
    with pytest.raises(ValueError, match="every sample must have a group in 'weather'"):
        groups('train/sunny/day/a')


def test_pixels_beyond_the_image_are_pixels_without_a_point():
    known = MUSESDataset.build_modalities()
    for name in ('lidar', 'radar'):
        assert known[name].pad_value * 150 * known[name].scale == 100
        assert known[name].interpolation == 'nearest'
