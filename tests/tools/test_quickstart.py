"""The picture of the quickstart."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from numpy.testing import assert_array_equal

ROOT = Path(__file__).parents[2]
TITLES = ['RGB', 'Depth', 'Ground truth', 'Without exchange', 'With exchange']


@pytest.fixture
def quickstart():
    path = ROOT / 'tools/quickstart.py'
    spec = importlib.util.spec_from_file_location('quickstart', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tested(tmp_path):
    """What both tests leave: all is right with exchange, all is wall without."""
    config = Config.fromfile(ROOT / 'configs/demo/cen_synthetic.py')
    config.test_dataloader.dataset.update(num_samples=3, image_size=(24, 32))
    (tmp_path / 'cen_synthetic/test').mkdir(parents=True)
    config.dump(tmp_path / 'cen_synthetic/test/cen_synthetic.py')
    for sample in DATASETS.build(config.test_dataloader.dataset):
        truth = sample['data_samples'].gt_sem_seg.data[0].numpy().astype(np.uint8)
        for name, labels in [('cen', truth), ('no_exchange', 0 * truth)]:
            folder = tmp_path / f'{name}_synthetic/predictions'
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / Path(sample['data_samples'].img_path).name
            assert cv2.imwrite(str(file), labels)
    return tmp_path


def test_a_room_stands_beside_what_both_networks_predict(
    quickstart, tested, monkeypatch
):
    drawn = {}

    def draw_grid(rows, legend):
        drawn.update(rows=rows, legend=legend)
        return np.zeros((2, 3, 3), np.uint8)

    monkeypatch.setattr(quickstart, 'draw_grid', draw_grid)
    quickstart.draw_rooms(tested)
    for row in drawn['rows']:
        assert [panel.title for panel in row] == TITLES
        rgb, depth, truth, without, with_exchange = row
        assert len(np.unique(rgb.picture)) > 20
        assert depth.caption.endswith(' m')
        assert_array_equal(with_exchange.picture, truth.picture)
        assert with_exchange.caption == 'mIoU 100.0, accuracy 100.0'
        assert (without.picture == without.picture[0, 0]).all()
        assert not without.caption.endswith('100.0')
    first, second = drawn['rows']
    assert not np.array_equal(first[0].picture, second[0].picture)
    colors = {
        tuple(pixel)
        for row in drawn['rows']
        for panel in row[2:]
        for pixel in panel.picture.reshape(-1, 3).tolist()
    }
    assert colors == {tuple(color) for _, color in drawn['legend']}


def test_the_picture_is_written_in_the_work_directory(quickstart, tested):
    path = quickstart.draw_rooms(tested)
    assert path == tested / 'exchange.png'
    height, width, _ = cv2.imread(str(path)).shape
    assert width > 2 * height
