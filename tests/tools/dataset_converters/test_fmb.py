import re

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import FMBDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

SIZE = (6, 8)
STEMS = dict(train=('00001', '00003'), test=('00001',))  # names may meet


def drawn(split, stem):
    """Visible (BGR), infrared and labels 0..14 of one sample."""
    rng = np.random.default_rng([len(split), int(stem)])
    return (
        rng.integers(0, 256, (*SIZE, 3), np.uint8),
        rng.integers(0, 256, SIZE, np.uint8),
        rng.integers(0, 15, SIZE, np.uint8),
    )


@pytest.fixture
def download(tmp_path):
    """The official layout; infrared images have one channel, or it three times."""
    root = tmp_path / 'FMB'
    for split, stems in STEMS.items():
        for folder in ('Visible', 'Infrared', 'Label'):
            (root / split / folder).mkdir(parents=True)
        for stem in stems:
            visible, infrared, label = drawn(split, stem)
            if stem == '00003':
                infrared = np.dstack([infrared] * 3)
            for folder, image in dict(
                Visible=visible, Infrared=infrared, Label=label
            ).items():
                assert cv2.imwrite(f'{root}/{split}/{folder}/{stem}.png', image)
    return root


def test_the_classes_count_from_zero_and_unlabeled_is_void(convert, download, tmp_path):
    out = tmp_path / 'out'
    status, report = convert(download.parent, out)  # finds FMB in it
    assert status == 0
    assert 'train has 2 samples, the official list 1220' in report
    assert convert(out, '--check')[0] == 0
    for split, stems in STEMS.items():
        data = FMBDataset(
            data_root=str(out),
            ann_file=f'{split}.txt',
            pipeline=[LoadModalities(), LoadAnnotations()],
        )
        assert len(data) == len(stems)
        for sample, stem in zip(data, stems, strict=True):
            visible, infrared, label = drawn(split, stem)
            np.testing.assert_array_equal(sample['img'], visible)
            np.testing.assert_array_equal(sample['thermal'], infrared)
            expected = np.where(label == 0, 255, label - 1.0)
            np.testing.assert_array_equal(sample['gt_seg_map'], expected)


def test_ends_in_capitals_are_those_of_files_too(convert, download, tmp_path):
    for path in [*download.glob('*/Visible/*.png')]:
        path.rename(path.with_suffix('.PNG'))
    status, report = convert(download, tmp_path / 'out')
    assert status == 0
    assert 'train: 2 samples' in report


def write(path, array):
    assert cv2.imwrite(str(path), array)


COLORFUL = np.arange(144, dtype=np.uint8).reshape(*SIZE, 3)
DAMAGE = {
    r'Infrared/00003\.png is missing': lambda d: (
        d / 'train/Infrared/00003.png'
    ).unlink(),
    r'Visible/00009\.png is missing': lambda d: write(
        d / 'test/Label/00009.png', np.ones(SIZE, np.uint8)
    ),
    r'Infrared/00003\.png must have one channel, or equal ones': lambda d: write(
        d / 'train/Infrared/00003.png', COLORFUL
    ),
    r'Label/00003\.png: labels must be 0\.\.14 or 255, got \[15\]': lambda d: write(
        d / 'train/Label/00003.png', np.full(SIZE, 15, np.uint8)
    ),
    r'Label/00003\.png must have 1 channel': lambda d: write(
        d / 'train/Label/00003.png', COLORFUL
    ),
    'train/00003: its files must agree in size': lambda d: write(
        d / 'train/Visible/00003.png', np.zeros((5, 8, 3), np.uint8)
    ),
    'the folder .*test/Label is missing': lambda d: (d / 'test/Label').rename(
        d / 'test/labels'
    ),
}


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named_and_the_folder_stays_unfinished(
    convert, download, tmp_path, message
):
    DAMAGE[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)
    assert not (tmp_path / 'out/meta.json').exists()
