import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import PST900Dataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

SIZE = (6, 8)
STEMS = dict(
    train=('17_bag20_rect_rgb_frame0000000032', '31_bag1a_rect_rgb_frame0000000007'),
    test=('17_bag21_rect_rgb_frame0000000001',),
)
TYPES = dict(
    rgb=(np.uint8, 3), thermal=(np.uint8, 1), thermal_raw=(np.uint16, 1),
    depth=(np.uint16, 1), labels=(np.uint8, 1),
)  # fmt: skip


@pytest.fixture
def download(tmp_path):
    """The official layout, and the arrays in it by split, folder and stem."""
    root, arrays = tmp_path / 'PST900_RGBT_Dataset', {}
    rng = np.random.default_rng(0)
    for split, stems in STEMS.items():
        for folder, (dtype, channels) in TYPES.items():
            (root / split / folder).mkdir(parents=True)
            for stem in stems:
                shape = SIZE if channels == 1 else (*SIZE, channels)
                high = 5 if folder == 'labels' else 20000 if dtype == np.uint16 else 256
                array = rng.integers(1, high, shape).astype(dtype)
                arrays[split, folder, stem] = array
                assert cv2.imwrite(f'{root}/{split}/{folder}/{stem}.png', array)
    return root, arrays


def test_all_five_folders_arrive_and_depth_is_in_meters(convert, download, tmp_path):
    root, arrays = download
    out = tmp_path / 'out'
    status, report = convert(root, out)
    assert status == 0
    assert 'test has 1 samples, the official list 288' in report
    assert 'train has 2 samples, the official list 597' in report
    assert convert(out, '--check')[0] == 0
    data = PST900Dataset(
        ('rgb', 'thermal', 'thermal_raw', 'depth'),
        data_root=str(out),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    for sample, stem in zip(data, STEMS['train'], strict=True):
        for folder, key in [
            ('rgb', 'img'), ('thermal', 'thermal'), ('thermal_raw', 'thermal_raw'),
            ('labels', 'gt_seg_map'),
        ]:  # fmt: skip
            np.testing.assert_array_equal(sample[key], arrays['train', folder, stem])
        meters = arrays['train', 'depth', stem] / 2560
        np.testing.assert_allclose(sample['depth'], meters, rtol=1e-6)


def test_holes_of_the_thermal_images_stay_in_the_files_and_are_filled_when_read(
    convert, download, tmp_path, read
):
    root, _ = download
    stem, thermal = STEMS['test'][0], np.full(SIZE, 90, np.uint8)
    thermal[2:4, 3:5] = 0
    assert cv2.imwrite(f'{root}/test/thermal/{stem}.png', thermal)
    out = tmp_path / 'out'
    assert convert(root, out)[0] == 0
    np.testing.assert_array_equal(read(out / f'thermal/test/{stem}.png'), thermal)
    data = PST900Dataset(
        ('rgb', 'thermal'),
        data_root=str(out),
        ann_file='test.txt',
        pipeline=[LoadModalities()],
    )
    np.testing.assert_allclose(data[0]['thermal'], 90, atol=1)
