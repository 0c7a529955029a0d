from mmseg_cen.datasets import KITTI360Dataset


def test_the_number_of_the_drive_is_a_group():
    data = KITTI360Dataset(lazy_init=True)
    stem = '2013_05_28_drive_0010_sync/0000000250'
    assert data.load_groups([stem]) == [dict(drive='0010')]
