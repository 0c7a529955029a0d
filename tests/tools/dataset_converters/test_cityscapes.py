import json
import shutil

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import CityscapesRGBDDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

BASELINE, FX = 0.222126, 2268.36
H, W = 16, 32
NAMES = dict(
    train=['aachen/aachen_000000_000019', 'bochum/bochum_000000_000313'],
    val=['lindau/lindau_000001_000019'],
    test=['berlin/berlin_000000_000019'],
)
# As the documentation of the data set lists them: name, id, id for training.
IDS = [
    ('road', 7, 0), ('sidewalk', 8, 1), ('building', 11, 2), ('wall', 12, 3),
    ('fence', 13, 4), ('pole', 17, 5), ('traffic light', 19, 6),
    ('traffic sign', 20, 7), ('vegetation', 21, 8), ('terrain', 22, 9), ('sky', 23, 10),
    ('person', 24, 11), ('rider', 25, 12), ('car', 26, 13), ('truck', 27, 14),
    ('bus', 28, 15), ('train', 31, 16), ('motorcycle', 32, 17), ('bicycle', 33, 18),
]  # fmt: skip


def draw(name):
    rng = np.random.default_rng(len(name))
    disparity = rng.integers(0, 2**15, (H, W)).astype(np.uint16)
    disparity[0, :4] = [0, 1, 2, 65535]
    return dict(
        leftImg8bit=rng.integers(0, 256, (H, W, 3), np.uint8),
        disparity=disparity,
        gtFine=rng.integers(0, 34, (H, W), np.uint8),
    )


def path_of(root, folder, split, name):
    suffix = dict(gtFine='_gtFine_labelIds.png', camera='_camera.json')
    suffix = suffix.get(folder, f'_{folder}.png')
    return root / folder / split / f'{name}{suffix}'


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'download'
    for split, names in NAMES.items():
        for name in names:
            for folder, image in draw(name).items():
                path = path_of(root, folder, split, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image)
            path = path_of(root, 'camera', split, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            camera = dict(
                extrinsic=dict(baseline=BASELINE, pitch=0.05),
                intrinsic=dict(fx=FX, fy=2225.5, u0=1048.6, v0=519.3),
            )
            path.write_text(json.dumps(camera))
    return root


def test_every_pixel_is_that_of_the_download(convert, download, tmp_path, read):
    out = tmp_path / 'out'
    status, report = convert(download, out, '--inverse-depth')
    assert status == 0
    assert 'WARNING: val has 1 samples, the official list 500' in report
    for split in ('train', 'val'):
        assert (out / f'{split}.txt').read_text().split() == NAMES[split]
        for name in NAMES[split]:
            rgb = path_of(download, 'leftImg8bit', split, name).read_bytes()
            assert (out / f'rgb/{name}.png').read_bytes() == rgb
            images = draw(name)
            depth = read(out / f'depth/{name}.png')
            inverse = read(out / f'inverse_depth/{name}.png')
            label = read(out / f'label/{name}.png')
            for y, x in np.ndindex(H, W):
                p = int(images['disparity'][y, x])
                meters = BASELINE * FX / ((p - 1) / 256) if p > 1 else np.inf
                wanted = (
                    0 if p == 0 else min(round(meters * 100), 65535) if p > 1 else 65535
                )
                assert depth[y, x] == wanted
                wanted = min(round(1e5 / meters), 65535) if p > 1 else 0
                assert inverse[y, x] == wanted
                k = {i: t for _, i, t in IDS}.get(int(images['gtFine'][y, x]), 255)
                assert label[y, x] == k


def test_the_classes_are_those_of_the_official_table():
    assert CityscapesRGBDDataset.METAINFO['classes'] == tuple(n for n, _, _ in IDS)


def test_the_data_set_loads_meters_and_keeps_unknown_depth_zero(
    convert, download, tmp_path
):
    convert(download, tmp_path / 'out')
    assert not (tmp_path / 'out/inverse_depth').exists()
    data = CityscapesRGBDDataset(
        data_root=str(tmp_path / 'out'),
        ann_file='val.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    disparity = draw(NAMES['val'][0])['disparity'].astype(float)
    with np.errstate(divide='ignore'):
        meters = BASELINE * FX * 256 / (disparity - 1)
    expected = np.where(disparity > 0, meters.clip(0, 655.35), 0)
    np.testing.assert_allclose(data[0]['depth'], expected, atol=5.1e-3)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FIRST = 'train', NAMES['train'][0]
CORRUPT = {
    'disparity is missing: unpack': lambda r: shutil.rmtree(r / 'disparity'),
    'aachen_000000_000019_disparity.png must be a complete': lambda r: truncate(
        path_of(r, 'disparity', *FIRST)
    ),
    'aachen_000000_000019_leftImg8bit.png must be a complete': lambda r: truncate(
        path_of(r, 'leftImg8bit', *FIRST)
    ),
    'aachen_000000_000019_leftImg8bit.png is missing': lambda r: path_of(
        r, 'leftImg8bit', *FIRST
    ).unlink(),
    'aachen_000000_000019_camera.json is missing': lambda r: path_of(
        r, 'camera', *FIRST
    ).unlink(),
    'camera.json must hold extrinsic.baseline': lambda r: truncate(
        path_of(r, 'camera', *FIRST)
    ),
    'baseline and fx must be positive': lambda r: path_of(
        r, 'camera', *FIRST
    ).write_text('{"extrinsic": {"baseline": 0}, "intrinsic": {"fx": 1}}'),
    'label ids must be 0..33': lambda r: cv2.imwrite(
        str(path_of(r, 'gtFine', *FIRST)), np.full((H, W), 34, np.uint8)
    ),
    'must agree in size': lambda r: cv2.imwrite(
        str(path_of(r, 'gtFine', *FIRST)), np.zeros((H, W + 1), np.uint8)
    ),
    'disparity.png must be uint16': lambda r: cv2.imwrite(
        str(path_of(r, 'disparity', *FIRST)), np.zeros((H, W), np.uint8)
    ),
}


# Of the whole, of one file, and of two that do not fit.
REPAIRED = [*list(CORRUPT)[:2], 'must agree in size']


@pytest.mark.parametrize('message', CORRUPT)
def test_a_corrupt_download_is_named_and_the_folder_stays_unfinished(
    convert, download, tmp_path, message
):
    CORRUPT[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert 'PROBLEM' in report
    assert message in report
    assert not (tmp_path / 'out/meta.json').exists()
    assert not (tmp_path / 'out/train.txt').exists()


@pytest.mark.parametrize('message', REPAIRED)
def test_a_repaired_download_ends_as_if_it_had_been_sound(
    convert, download, tmp_path, tree, message
):
    shutil.copytree(download, tmp_path / 'sound')
    CORRUPT[message](download)
    assert convert(download, tmp_path / 'out')[0] == 1
    for name in ('out', 'other'):
        assert convert(tmp_path / 'sound', tmp_path / name)[0] == 0
    assert tree(tmp_path / 'out') == tree(tmp_path / 'other')
