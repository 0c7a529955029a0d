"""Configs of translations train two iterations and test, on tiny files."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_cen.hooks.gamma_recorder import read_record
from mmseg_cen.translation import build_domains
from mmseg_cen.translation.taskonomy import DOMAINS

ROOT = Path(__file__).parents[2] / 'configs'
# Those of cyclic fusion are run by cyclic/test_leaf_configs.py.
LEAVES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / 'translation').rglob('*.py')
    if not {'_base_', 'cyclic'} & {*path.parts}
)


@cache
def load(leaf):
    return Config.fromfile(ROOT / leaf)


def type_of_model(leaf):
    model = load(leaf).model
    generator = model.generator
    return (
        len(model.sources),
        bool(generator.exchange_threshold),
        generator.get('fusion', {}).get('type'),
        generator.get('norms'),
    )


def type_of_test(leaf):
    cfg = load(leaf)
    dataset = cfg.test_dataloader.dataset
    several = isinstance(cfg.test_evaluator, list) and len(cfg.test_evaluator)
    return (dataset.type, dataset.target, several, 'nyud' in leaf)


# Rows of the paper's tables are written from one table, see tools/paper, whose tests
# build them: here is one of each type.
TRAINED = sorted(
    {
        *{type_of_model(leaf): leaf for leaf in LEAVES}.values(),
        *{type_of_test(leaf): leaf for leaf in LEAVES}.values(),
    }
)
STEMS = ('point_0_view_0', 'point_0_view_1')


def write_tiny_data(dataset, root):
    """Two samples in the layout that the config of a data set describes."""
    rng = np.random.default_rng(0)
    is_taskonomy = dataset.type == 'TaskonomyDataset'
    domains = build_domains(DOMAINS if is_taskonomy else dataset.domains)
    for name, domain in domains.items():
        if domain.derive:
            continue
        channels = domain.stored_channels or domain.channels
        shape = (240, 320) if channels == 1 else (240, 320, channels)
        high = 256 if domain.dtype == 'uint8' else 40000
        for stem in STEMS:
            file = f'{stem}_domain_{name}.png' if is_taskonomy else stem + domain.suffix
            (root / name).mkdir(parents=True, exist_ok=True)
            image = rng.integers(1, high, shape, domain.dtype)
            assert cv2.imwrite(str(root / name / file), image)
    (root / dataset.ann_file).write_text('\n'.join(STEMS))


def tiny(leaf, tmp_path):
    """The config, with narrow networks and two samples."""
    cfg = deepcopy(load(leaf))
    cfg.model.generator.base_channels = cfg.model.discriminator.base_channels = 4
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        if 'image_size' in loader.dataset:
            loader.dataset.num_samples = 2
        else:
            loader.dataset.data_root = str(tmp_path / 'data')
            write_tiny_data(loader.dataset, tmp_path / 'data')
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.log_level = 'ERROR'
    cfg.visualizer.name = str(tmp_path)  # otherwise the one of an earlier test serves
    return cfg


@pytest.fixture
def unformatted(monkeypatch):
    """Most of the time of these tests, mmengine would format the configs it dumps."""
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: cfg.text))


@pytest.mark.slow
@pytest.mark.usefixtures('unformatted')
@pytest.mark.parametrize('leaf', TRAINED)
def test_config_trains_two_iterations_and_tests(leaf, tmp_path):
    cfg = tiny(leaf, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 2
    exchanges = len(cfg.model.sources) > 1 and cfg.model.generator.exchange_threshold
    if exchanges:
        names = read_record(tmp_path / 'work/gamma.npz').modalities
        assert names == cfg.model.sources
    metrics = runner.test()
    sources = cfg.model.sources
    assert set(metrics) >= {'MAE', 'SSIM', *(f'{source}/MAE' for source in sources)}
    # The paper has FID and KID for translations to RGB.
    domain = cfg.test_dataloader.dataset.target
    small = 'small' in leaf or 'demo' in leaf
    assert ('FID' in metrics) == (domain == 'rgb' and not small)
