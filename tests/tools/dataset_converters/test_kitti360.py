import re

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import KITTI360Dataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

HEIGHT, WIDTH = 6, 10
DRIVE = '2013_05_28_drive_0000_sync'
FRAMES = dict(train=('0000000250', '0000000251'), val=('0000000400',))
#: The scanner looks along x, with y to the left and z up; the camera along z, with x to
#: the right and y down, 10 cm before it.
FROM_SCANNER = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, -0.1], [0, 0, 0, 1]])
PROJECT = np.array([[10, 0, 5, 0], [0, 10, 3, 0], [0, 0, 1, 0]])


def numbers(matrix):
    return ' '.join(str(value) for value in np.ravel(matrix))


def official(root, frame):
    """Paths of the image, the scan and the labels of a frame."""
    left = f'{DRIVE}/image_00'
    return (
        root / 'data_2d_raw' / left / 'data_rect' / f'{frame}.png',
        root / 'data_3d_raw' / DRIVE / 'velodyne_points/data' / f'{frame}.bin',
        root / 'data_2d_semantics/train' / left / 'semantic' / f'{frame}.png',
    )


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'KITTI-360'
    calibration = root / 'calibration'
    calibration.mkdir(parents=True)
    to_scanner = np.linalg.inv(FROM_SCANNER)[:3]
    (calibration / 'calib_cam_to_velo.txt').write_text(numbers(to_scanner))
    (calibration / 'perspective.txt').write_text(
        f'S_rect_00: {WIDTH} {HEIGHT}\nR_rect_00: {numbers(np.eye(3))}\n'
        f'P_rect_00: {numbers(PROJECT)}\nR_rect_01: 1\n'
    )
    rng = np.random.default_rng(0)
    for split, frames in FRAMES.items():
        lines = []
        for frame in frames:
            paths = official(root, frame)
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
            image, scan, label = paths
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            assert cv2.imwrite(str(image), pixels)
            ids = rng.choice([0, 7, 13, 34, 35, 37, 44, 255], (HEIGHT, WIDTH))
            assert cv2.imwrite(str(label), ids.astype(np.uint8))
            # On one ray at 20.1 m and 10.1 m, beside the image, behind the car, and
            # nearer to the center of another pixel than to that on its upper left.
            xyz = [(20.1, -4.1, 1.9), (10.1, -2.05, 0.95), (10.1, 90, 0), (-10, 0, 0)]
            xyz.append((10.1, 1.3, 1.4))
            np.c_[xyz, np.ones(5)].astype(np.float32).tofile(scan)
            both = (path.relative_to(root).as_posix() for path in (image, label))
            lines.append(' '.join(both))
        path = root / f'data_2d_semantics/train/2013_05_28_drive_{split}_frames.txt'
        path.write_text('\n'.join(lines))
    return root


def test_points_are_projected_and_the_nearest_one_of_a_pixel_stays(
    convert, download, tmp_path, read
):
    out = tmp_path / 'out'
    status, report = convert(download, out)
    assert status == 0
    assert 'drive: 0000 3' in report
    assert 'val has 1 samples, the official list 12276' in report
    assert convert(out, '--check')[0] == 0
    expected = np.zeros((HEIGHT, WIDTH))
    # 10 m ahead: 5 + 10 * 2.05 / 10 = 7.05, 3 - 10 * 0.95 / 10 = 2.05.
    expected[2, 7] = 10
    # 5 - 10 * 1.3 / 10 = 3.7, 3 - 10 * 1.4 / 10 = 1.6: the center of a pixel is 0.
    expected[2, 4] = 10
    data = KITTI360Dataset(
        data_root=str(out),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    for sample, frame in zip(data, FRAMES['train'], strict=True):
        np.testing.assert_allclose(sample['depth'], expected, atol=0.006)
        image, _, label = official(download, frame)
        np.testing.assert_array_equal(sample['img'], read(image))
        classes = np.full(256, 255)
        classes[[7, 13, 34, 35, 37]] = 0, 4, 2, 4, 5
        np.testing.assert_array_equal(sample['gt_seg_map'], classes[read(label)])
    assert data.get_data_info(0)['groups'] == dict(drive='0000')


DAMAGE = {
    r'velodyne_points/data/0000000250\.bin is missing': lambda d: (
        official(d, '0000000250')[1].unlink()
    ),
    r'0000000250\.bin must hold four float32 for each point, got 3': lambda d: (
        np.zeros(3, np.float32).tofile(official(d, '0000000250')[1])
    ),
    r'semantic/0000000250\.png: labels must be 0\.\.44 or 255, got \[77\]': lambda d: (
        cv2.imwrite(
            str(official(d, '0000000250')[2]), np.full((HEIGHT, WIDTH), 77, np.uint8)
        )
    ),
    r'calib_cam_to_velo\.txt is missing': lambda d: (
        d / 'calibration/calib_cam_to_velo.txt'
    ).unlink(),
    r'_val_frames\.txt: lines must begin with data_2d_raw/DRIVE': lambda d: (
        d / 'data_2d_semantics/train/2013_05_28_drive_val_frames.txt'
    ).write_text('a.png'),
}  # fmt: skip


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named(convert, download, tmp_path, message):
    DAMAGE[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)


def test_a_damaged_calibration_ends_the_tool(convert, download, tmp_path):
    (download / 'calibration/perspective.txt').write_text('P_rect_00: 1 2\n')
    with pytest.raises(SystemExit, match='must have 3x3 numbers in the line R_rect_00'):
        convert(download, tmp_path / 'out')
