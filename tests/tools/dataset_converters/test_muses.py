import re

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import MUSESDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

SIZE = (6, 8)
STEMS = (
    'train/clear/day/REC0006_frame_040876',
    'train/fog/night/REC0075_frame_000247',
    'val/rain/day/REC0121_frame_101010',
    'test/snow/night/REC0124_frame_208369',
)


def points(stem, offset=0):
    """What the SDK projects of a sensor: range, intensity, height; 0 without point."""
    rng = np.random.default_rng(STEMS.index(stem) + offset)
    image = rng.uniform([2, 0, -5], [200, 255, 20], (*SIZE, 3)).astype(np.float32)
    image[rng.random(SIZE) < 0.5] = 0
    return image


def stored(image):
    """``rescale_and_shift_image`` of the SDK."""
    return ((image + np.float32(100)) * np.float32(150)).astype(np.uint16)


def official(root, folder, stem, end):
    split, name = stem.split('/', 1)
    path = root / folder / split / f'{name}_{end}'
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def arrays():
    """Images (BGR), events and labels of Cityscapes by stem."""
    rng = np.random.default_rng(0)
    return {
        stem: (
            rng.integers(0, 256, (*SIZE, 3), np.uint8),
            np.dstack([rng.integers(0, 9, (*SIZE, 2), np.uint8), np.zeros(SIZE)]),
            rng.choice([0, 10, 18, 255], SIZE).astype(np.uint8),
        )
        for stem in STEMS
    }


@pytest.fixture
def download(tmp_path, arrays):
    """The official layout behind the projection of the SDK, without test labels."""
    root = tmp_path / 'muses'
    for stem, (image, events, label) in arrays.items():
        images = {
            ('frame_camera', 'frame_camera.png'): image,
            ('projected_to_rgb/lidar', 'lidar.png'): stored(points(stem)),
            ('projected_to_rgb/radar', 'radar.png'): stored(points(stem, 9)),
            ('projected_to_rgb/event_camera', 'event_camera.png'): events,
        }
        if not stem.startswith('test'):
            images['gt_semantic', 'gt_labelTrainIds.png'] = label
            images['gt_semantic', 'gt_labelIds.png'] = label  # not read
        for (folder, end), array in images.items():
            assert cv2.imwrite(str(official(root, folder, stem, end)), array)
    return root


def dataset(out, split):
    return MUSESDataset(
        data_root=str(out),
        ann_file=f'{split}.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )


def test_sensors_are_read_as_what_they_measured_plus_100(
    convert, download, tmp_path, arrays
):
    out = tmp_path / 'out'
    status, report = convert(download, out)
    assert status == 0
    assert 'weather: clear 1, fog 1, rain 1, snow 1' in report
    assert 'train has 2 samples, the official list 1500' in report
    assert convert(out, '--check')[0] == 0
    data = dataset(out, 'train')
    for sample, stem in zip(data, STEMS, strict=False):
        image, events, label = arrays[stem]
        np.testing.assert_array_equal(sample['img'], image)
        np.testing.assert_array_equal(sample['event'], events)
        np.testing.assert_array_equal(sample['gt_seg_map'], label)
        for name, offset in dict(lidar=0, radar=9).items():
            height_first = points(stem, offset)[..., ::-1]
            np.testing.assert_allclose(
                sample[name] - 100, height_first, atol=1 / 150 + 1e-3
            )
    assert data.get_data_info(1)['groups'] == dict(weather='fog', time='night')


def test_labels_of_the_test_are_void_until_they_are_at_hand(
    convert, download, tmp_path, arrays
):
    stem = STEMS[3]
    report = convert(download, tmp_path / 'out')[1]
    assert 'no labels of the test are at hand' in report
    assert (dataset(tmp_path / 'out', 'test')[0]['gt_seg_map'] == 255).all()
    path = official(download, 'gt_semantic', stem, 'gt_labelTrainIds.png')
    assert cv2.imwrite(str(path), arrays[stem][2])
    assert convert(download, tmp_path / 'out')[0] == 0
    sample = dataset(tmp_path / 'out', 'test')[0]
    np.testing.assert_array_equal(sample['gt_seg_map'], arrays[stem][2])


@pytest.mark.parametrize('end', ['.npz', '.npy'])
def test_arrays_of_the_sdk_become_its_png_files(convert, download, tmp_path, tree, end):
    assert convert(download, tmp_path / 'png')[0] == 0
    save = np.savez_compressed if end == '.npz' else np.save
    for path in [*(download / 'projected_to_rgb').rglob('*.png')]:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image.dtype == np.uint16:
            offset = 9 if path.stem.endswith('radar') else 0
            name = re.sub('_(lidar|radar)$', '', path.stem)
            image = points(next(s for s in STEMS if s.endswith(name)), offset)
        save(path.with_suffix(end), image)
        path.unlink()
    assert convert(download, tmp_path / 'arrays')[0] == 0
    written = (tree(tmp_path / name) for name in ('png', 'arrays'))
    a, b = (
        {path: content for path, content in files.items() if '/' in path}
        for files in written
    )
    assert a == b


DAMAGE = {
    r'_lidar\.png is missing': lambda path: path.unlink(),
    r'_lidar\.png must hold uint16 or floats, got uint8': lambda path: cv2.imwrite(
        str(path), np.zeros((*SIZE, 3), np.uint8)
    ),
    r'_lidar\.png must have 3 channels': lambda path: cv2.imwrite(
        str(path), np.zeros(SIZE, np.uint16)
    ),
    'folders must be one of clear, fog, rain, snow': lambda path: (
        path.parents[1].rename(path.parents[1].with_name('sunny'))
    ),
}  # fmt: skip


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named(convert, download, tmp_path, message):
    lidar = official(download, 'projected_to_rgb/lidar', STEMS[1], 'lidar.png')
    DAMAGE[message](lidar)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)
