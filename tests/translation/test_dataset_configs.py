"""The data sets of the configs, with choices of the paper's tables."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_cen.transforms.surface import NYUDV2_CAMERA
from mmseg_cen.translation import build_domains
from mmseg_cen.translation.depth_maps import normals_from_depth
from mmseg_cen.translation.taskonomy import DOMAINS

ROOT = Path(__file__).parents[2] / 'configs' / 'translation' / '_base_' / 'datasets'
TRANSLATIONS = [  # every domain, and targets of one channel and of three
    (('depth', 'normal', 'texture', 'shade'), 'rgb'),
    (('rgb', 'normal'), 'shade'),
    (('rgb', 'edge'), 'depth'),
]
RNG = np.random.default_rng(0)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def nyudv2_half(tmp_path):
    """A wall, seen at an angle, in three samples."""
    x, y = NYUDV2_CAMERA.resized(240, 320).rays()
    depth = 2 / (1 - 0.5 * x + 0 * y)
    for stem in '012':
        write(tmp_path / f'depth/{stem}.png', (depth * 5000).astype(np.uint16))
        write(
            tmp_path / f'rgb/{stem}.jpg', RNG.integers(0, 256, (240, 320, 3), np.uint8)
        )
    return tmp_path


@pytest.fixture
def taskonomy(tmp_path):
    for name, domain in build_domains(DOMAINS).items():
        channels = domain.stored_channels or domain.channels
        shape = (320, 320) if channels == 1 else (320, 320, channels)
        high = 60000 if domain.dtype == 'uint16' else 256
        for view in range(3):
            path = tmp_path / name / f'point_0_view_{view}_domain_{name}.png'
            write(path, RNG.integers(0, high, shape, domain.dtype))
    return tmp_path


@pytest.fixture
def synthetic(tmp_path):
    return tmp_path


@pytest.mark.parametrize(('sources', 'target'), TRANSLATIONS)
@pytest.mark.parametrize('name', ['synthetic', 'nyudv2_half', 'taskonomy'])
def test_a_config_chooses_sources_and_target_alone(name, sources, target, request):
    root = request.getfixturevalue(name)
    cfg = Config.fromfile(ROOT / f'{name}.py')
    stems = '0\n1\n2' if name == 'nyudv2_half' else 'point_0_view_1\n'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        options = dict(loader.dataset, sources=sources, target=target)
        options['serialize_data'] = False  # it collects garbage, slowly
        if name == 'synthetic':
            options['num_samples'] = 2
        else:
            (root / options['ann_file']).write_text(stems)
            options['data_root'] = str(root)
        sample = DATASETS.build(options)[0]
        side = 128 if name == 'synthetic' else 256
        data, meta = sample['data_samples'], sample['data_samples'].metainfo
        channels = [3 if source in ('rgb', 'normal') else 1 for source in sources]
        assert meta['sources'] == dict(zip(sources, channels, strict=True))
        assert sample['inputs'].shape == (sum(channels), side, side)
        channels = 3 if target in ('rgb', 'normal') else 1
        assert data.gt_image.data.shape == (channels, side, side)
        assert max(sample['inputs'].abs().max(), data.gt_image.data.abs().max()) <= 1


@pytest.mark.parametrize('name', ['synthetic', 'nyudv2_half', 'taskonomy'])
def test_workers_of_a_training_begin_anew_with_each_epoch(name):
    """Else a training that resumes draws other crops, see ResumableRandomnessHook."""
    loader = Config.fromfile(ROOT / f'{name}.py').train_dataloader
    assert loader.worker_init_fn.type == 'seed_worker'
    assert not loader.get('persistent_workers')


def test_normals_of_a_wall_of_nyudv2_are_those_of_the_wall(nyudv2_half):
    """Through files of whole fifths of a millimeter, smoothing, crop and resizing."""
    cfg = Config.fromfile(ROOT / 'nyudv2_half.py').val_dataloader.dataset
    (nyudv2_half / 'val.txt').write_text('0\n')
    options = dict(
        cfg, data_root=str(nyudv2_half), sources=('rgb', 'shade'), target='normal'
    )
    normals = DATASETS.build(options)[0]['data_samples'].gt_image.data.numpy()
    wall = np.array([0.5, 0, 1]) / np.hypot(0.5, 1)
    # 1 / depth = (1 - 0.5 x) / 2 falls to the right: the wall faces it.
    camera = NYUDV2_CAMERA.resized(240, 320)
    x, y = camera.rays()
    exact = normals_from_depth(2 / (1 - 0.5 * x + 0 * y), camera)
    np.testing.assert_allclose(exact, np.broadcast_to(wall, exact.shape), atol=1e-3)
    assert np.abs(normals - wall[:, None, None]).max() < 0.05
