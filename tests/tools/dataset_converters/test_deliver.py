import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from mmseg_cen.datasets import DELIVERDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

ROOT = Path(__file__).parents[3]
SIZE = (8, 12)
SCENES = (
    'cloud/train/MAP_10_point102',
    'fog/train/MAP_1_point2_eventlowres',
    'night/val/MAP_1_point2_lidarjitter',
    'sun/test/MAP_2_point1',
)
STEMS = [f'{scene}/045050_front' for scene in SCENES]


def official(root, folder, kind, stem):
    return root / folder / f'{stem.replace("_front", "")}_{kind}_front.png'


def drawn(number, folder):
    """The array (H, W[, C]) of an official file, in the order RGB."""
    rng = np.random.default_rng(1000 * number + len(folder))
    height, width = SIZE
    if folder == 'event' and number == 1:
        height, width = height // 2, width // 2
    shape = (height, width) if folder == 'lidar' else (height, width, 4)
    image = rng.integers(0, 256, shape, np.uint8)
    if folder == 'semantic':
        image[..., 0] = rng.choice([0, 1, 2, 13, 25, 255], shape[:2])
    return image


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'DELIVER'
    kinds = dict(
        img='rgb', hha='depth', depth='depth', event='event', lidar='lidar',
        semantic='semantic',
    )  # fmt: skip
    for folder, kind in kinds.items():
        for number, stem in enumerate(STEMS):
            path = official(root, folder, kind, stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(drawn(number, folder)).save(path)
    return root


@pytest.fixture
def written(read):
    """An array that was written, in the order RGB."""

    def array(out, folder, stem):
        image = read(f'{out}/{folder}/{stem}.png')
        return image[..., ::-1] if image.ndim == 3 else image

    return array


def test_the_values_are_the_ones_that_the_official_code_trains_with(
    convert, download, tmp_path, written
):
    out = tmp_path / 'out'
    assert convert(download, out)[0] == 0
    for number, stem in enumerate(STEMS):
        for folder, source in [('rgb', 'img'), ('depth', 'hha'), ('event', 'event')]:
            expected = drawn(number, source)[..., :3]
            if expected.shape[:2] != SIZE:  # twice the size, nearest
                expected = expected.repeat(2, axis=0).repeat(2, axis=1)
            np.testing.assert_array_equal(written(out, folder, stem), expected)
        lidar = drawn(number, 'lidar')[..., None].repeat(3, axis=2)
        np.testing.assert_array_equal(written(out, 'lidar', stem), lidar)
        red = drawn(number, 'semantic')[..., 0].astype(int)
        expected = np.where((red == 0) | (red == 255), 255, red - 1)
        np.testing.assert_array_equal(written(out, 'label', stem), expected)
    assert convert(out, '--check')[0] == 0


def test_the_result_is_a_data_set_with_conditions_and_cases(
    convert, download, tmp_path
):
    out = tmp_path / 'out'
    report = convert(download.parent, out)[1]  # finds DELIVER in it
    assert 'case: eventlowres 1, lidarjitter 1, normal 2' in report
    assert 'train has 2 samples, the official list 3983' in report
    data = DELIVERDataset(
        data_root=str(out),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    assert [data.get_data_info(i)['groups'] for i in range(len(data))] == [
        dict(condition='cloud', case='normal'),
        dict(condition='fog', case='eventlowres'),
    ]
    assert data[1]['event'].shape == (*SIZE, 3)
    assert (out / 'val.txt').read_text().split() == [STEMS[2]]
    assert (out / 'test.txt').read_text().split() == [STEMS[3]]


def test_depth_of_carlas_camera_is_decoded_to_meters(
    convert, download, tmp_path, written
):
    digits = np.zeros((*SIZE, 3), np.uint8)
    digits[:4] = (10, 20, 2)  # red, green, blue
    digits[7] = 255
    Image.fromarray(digits).save(official(download, 'depth', 'depth', STEMS[0]))
    out = tmp_path / 'out'
    assert convert(download, out, '--depth', 'carla')[0] == 0
    depth = written(out, 'depth', STEMS[0]) / 64
    meters = (10 + 20 * 256 + 2 * 256**2) / (2**24 - 1) * 1000
    np.testing.assert_allclose(depth[:4], meters, atol=1 / 128)
    np.testing.assert_allclose(depth[7], 1000, atol=1 / 128)
    assert (depth[4:7] == 0).all()


def test_the_config_on_the_page_reads_depth_of_carlas_camera(tmp_path):
    page = (ROOT / 'docs' / 'datasets.md').read_text()
    code = re.search(r'```python\n(_base_ = .*?)```', page, re.DOTALL)[1]
    path = tmp_path / 'carla.py'
    path.write_text(code.replace('mmseg_cen::', f'{ROOT / "configs"}/'))
    cfg = Config.fromfile(path)
    for split in ('train', 'val', 'test'):
        options = cfg[f'{split}_dataloader'].dataset.modalities
        depth = DELIVERDataset.build_modalities(options)['depth']
        assert (depth.channels, depth.dtype, depth.scale) == (1, 'uint16', 1 / 64)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    assert preprocessor.modalities == dict(rgb=3, depth=1, event=3, lidar=3)


def test_depth_of_sixteen_bits_is_kept(convert, download, tmp_path, written):
    stored = np.arange(96, dtype=np.uint16).reshape(SIZE) * 600
    for stem in STEMS:
        cv2.imwrite(str(official(download, 'depth', 'depth', stem)), stored)
    out = tmp_path / 'out'
    assert convert(download, out, '--depth', 'depth')[0] == 0
    np.testing.assert_array_equal(written(out, 'depth', STEMS[2]), stored)


def test_without_hha_depth_is_taken_as_it_is(convert, download, tmp_path, written):
    (download / 'hha').rename(download / 'unused')
    out = tmp_path / 'out'
    status, report = convert(download, out)
    assert status == 0
    assert 'no folder hha/: depth/ is taken as it is' in report
    expected = drawn(3, 'depth')[..., :3]
    np.testing.assert_array_equal(written(out, 'depth', STEMS[3]), expected)


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def save(path, array):
    Image.fromarray(array).save(path)


DAMAGE = {
    r'lidar/sun/.*045050_lidar_front\.png is missing': lambda d: official(
        d, 'lidar', 'lidar', STEMS[3]
    ).unlink(),
    r'img/sun/.*045050_rgb_front\.png is missing': lambda d: official(
        d, 'img', 'rgb', STEMS[3]
    ).unlink(),
    r'hha/sun/.*_depth_front\.png must be a complete': lambda d: cut(
        official(d, 'hha', 'depth', STEMS[3])
    ),
    r'semantic_front\.png: labels must be 0\.\.25 or 255, got \[77\]': lambda d: save(
        official(d, 'semantic', 'semantic', STEMS[3]), np.full(SIZE, 77, np.uint8)
    ),
    'must agree in size': lambda d: save(
        official(d, 'lidar', 'lidar', STEMS[3]), np.zeros((4, 6), np.uint8)
    ),
    r'the folder .*event is missing': lambda d: (d / 'event').rename(d / 'x'),
    'got snow/test/': lambda d: (d / 'img' / 'sun').rename(d / 'img' / 'snow'),
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


def test_samples_that_cannot_be_converted_can_be_left_out(convert, download, tmp_path):
    cut(official(download, 'img', 'rgb', STEMS[1]))
    out = tmp_path / 'out'
    assert convert(download, out, '--skip-bad')[0] == 0
    assert (out / 'train.txt').read_text().split() == [STEMS[0]]
