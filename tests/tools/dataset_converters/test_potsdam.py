import re

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import PotsdamDSMDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

SIZE = (20, 30)
TILES = ('2_10', '7_9', '3_13')  # the last one is of the validation
# Colors (RGB) of the classes in the label files, and black for void.
COLORS = np.array(
    [
        [255, 255, 255], [0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0],
        [255, 0, 0], [0, 0, 0],
    ],
    np.uint8,
)  # fmt: skip


def official(root, tile):
    """Paths of the image, the surface model and the labels of a tile."""
    x, y = map(int, tile.split('_'))
    return (
        root / '4_Ortho_RGBIR' / f'top_potsdam_{tile}_RGBIR.tif',
        root / '1_DSM' / f'dsm_potsdam_{x:02}_{y:02}.tif',
        root / '5_Labels_all' / f'top_potsdam_{tile}_label.tif',
    )


@pytest.fixture
def arrays():
    """Image (BGR, infrared), heights in meters and classes (6 is void) by tile."""
    rng = np.random.default_rng(0)
    return {
        tile: (
            rng.integers(0, 256, (*SIZE, 4), np.uint8),
            rng.uniform(30, 80, SIZE).astype(np.float32),
            rng.integers(0, 7, SIZE),
        )
        for tile in TILES
    }


@pytest.fixture
def download(tmp_path, arrays):
    root = tmp_path / 'Potsdam'
    for tile, (image, heights, classes) in arrays.items():
        contents = image, heights, COLORS[classes][..., ::-1]
        for path, array in zip(official(root, tile), contents, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), array)
    return root


@pytest.fixture
def convert(convert, load_tool):
    """Tiles are kept in memory between the tests of one process."""
    load_tool('isprs_tiles').read_tile.cache_clear()
    return convert


def test_every_pixel_of_a_tile_is_in_one_part(convert, download, tmp_path, arrays):
    out = tmp_path / 'out'
    status, report = convert(download, out, '--clip', 16)
    assert status == 0
    assert '35 of 38 tiles are missing: 2_11, ' in report
    assert 'tile: 2_10 4, 3_13 4, 7_9 4' in report
    assert convert(out, '--check')[0] == 0
    parts = {}
    for split in ('train', 'val'):
        data = PotsdamDSMDataset(
            data_root=str(out),
            ann_file=f'{split}.txt',
            pipeline=[LoadModalities(), LoadAnnotations()],
        )
        parts |= {sample['img_path']: sample for sample in data}
    for tile, (image, heights, classes) in arrays.items():

        def whole(key, tile=tile):
            grid = [
                [parts[f'{out}/rgb/{tile}/{y:02}_{x:02}.png'][key] for x in range(2)]
                for y in range(2)
            ]
            return np.concatenate([np.concatenate(row, axis=1) for row in grid])

        np.testing.assert_array_equal(whole('img'), image[..., :3])
        np.testing.assert_array_equal(whole('ir'), image[..., 3])
        above = heights - heights.min()
        np.testing.assert_allclose(whole('dsm'), above, atol=0.0051)
        labels = np.where(classes == 6, 255, classes)
        np.testing.assert_array_equal(whole('gt_seg_map'), labels)


def test_colors_that_are_nearly_those_of_a_class_are_it(
    convert, download, tmp_path, read
):
    """As (252, 255, 0) of an official file."""
    path = official(download, '2_10')[2]
    assert cv2.imwrite(str(path), np.full((*SIZE, 3), (0, 255, 252), np.uint8))
    assert convert(download, tmp_path / 'out')[0] == 0
    assert (read(tmp_path / 'out/label/2_10/00_00.png') == 4).all()


def write(path, array):
    assert cv2.imwrite(str(path), array)


def test_labels_without_boundaries_are_read_where_there_are_no_others(
    convert, download, tmp_path, read
):
    folder = download / '5_Labels_all_noBoundary'
    folder.mkdir()
    for tile in TILES:
        plain = official(download, tile)[2]
        black = np.zeros((*SIZE, 3), np.uint8)
        write(folder / f'{plain.stem}_noBoundary.TIF', black)
    official(download, '7_9')[2].unlink()
    status, report = convert(download, tmp_path / 'out')
    assert status == 0
    assert 'labels of 1 tiles are without their boundaries: 7_9' in report
    assert (read(tmp_path / 'out/label/7_9/00_00.png') == 255).all()
    assert (read(tmp_path / 'out/label/2_10/00_00.png') < 6).any()


DAMAGE = {
    r'dsm_potsdam_07_09\.tif must hold heights within 655 m': lambda d: write(
        official(d, '7_9')[1], np.float32([[-9999.0] + [30.0] * 29] * 20)
    ),
    'tile 7_9 has no file of dsm': lambda d: official(d, '7_9')[1].unlink(),
    'must have 4 channels, red, green, blue and infrared': lambda d: write(
        official(d, '7_9')[0], np.zeros((*SIZE, 3), np.uint8)
    ),
    r'7_09\.tif must hold heights \(H, W\), floats, got uint8': lambda d: write(
        official(d, '7_9')[1], np.zeros(SIZE, np.uint8)
    ),
    r'label\.tif must hold the colors .* got \[255, 0, 255\]': lambda d: write(
        official(d, '7_9')[2], np.full((*SIZE, 3), (255, 0, 255), np.uint8)
    ),
    r'label\.tif must hold the colors .* got \[128, 0, 0\]': lambda d: write(
        official(d, '7_9')[2], np.full((*SIZE, 3), (0, 0, 128), np.uint8)
    ),
    'tile 7_9: cannot identify image file': lambda d: official(d, '7_9')[0].write_text(
        'no image'
    ),
    'tile 7_9: its files must agree in size': lambda d: write(
        official(d, '7_9')[1], np.zeros((20, 29), np.float32)
    ),
}


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named(convert, download, tmp_path, message):
    DAMAGE[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)


def test_parts_have_a_size(convert, download, tmp_path, capsys):
    with pytest.raises(SystemExit):
        convert(download, tmp_path / 'out', '--clip', 0)
    assert "--clip: must be a positive integer, got '0'" in capsys.readouterr().err
