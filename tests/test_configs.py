"""Configs train two iterations and test, on tiny files and widths."""

import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.models import exchanging_norms
from mmseg_cen.models.modalities import FUSED
from mmseg_cen.streams.token_loss import token_exchanges

ROOT = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob('*.py')
    if '_base_' not in path.parts
)
SIZE = (64, 80)  # height, width of the tiny images
# The others are run by tests/translation/test_leaf_configs.py and
# tests/multitask/test_leaf_configs.py.
OTHERS = ('translation/', 'multitask/')
SEGMENTATIONS = [leaf for leaf in LEAVES if not leaf.startswith(OTHERS)]
# Rows of the paper's tables: written from one table, see tools/paper.
ROWS = [leaf for leaf in SEGMENTATIONS if leaf.startswith(('ablation/', 'fusion/'))]
# Run by tests/models/test_mask_head.py and test_timm.py, with their extras.
EXTRAS = [
    *(f'cen/{name}_r50_nyud.py' for name in ('knet', 'maskformer', 'mask2former')),
    'tokens/upernet_dinov3_s_nyud.py',
]
HANDWRITTEN = [leaf for leaf in SEGMENTATIONS if leaf not in {*ROWS, *EXTRAS}]
NARROWER = 16  # factor on the width of the networks


@cache
def loaded(leaf):
    return Config.fromfile(ROOT / leaf)


def load(leaf):
    return deepcopy(loaded(leaf))


# Names of three samples, where names have a meaning; elsewhere 0, 1, 2.
STEMS = dict(
    MFNetDataset=('00001D', '00002N', '00003D'),
    SUNRGBDDataset=('kv1/a', 'kv2/b/1', 'kv1/c'),
    DELIVERDataset=(
        'sun/train/MAP_1_point1/1_front',
        'fog/train/MAP_1_point2_motionblur/1_front',
        'fog/train/MAP_1_point3/1_front',
    ),
    MUSESDataset=('a/fog/day/1', 'a/rain/night/1', 'a/fog/day/2'),
    KITTI360Dataset=(
        '2013_05_28_drive_0000_sync/1',
        'drive_0002_sync/1',
        '0003_sync/1',
    ),
    PotsdamDSMDataset=('2_10/00_00', '2_10/00_01', '2_11/00_00'),
    VaihingenDSMDataset=('area1/00_00', 'area1/00_01', 'area2/00_00'),
)

# Groups of these samples that the configs of a data set measure apart.
GROUPS = dict(
    MFNetDataset=('condition:day', 'condition:night'),
    SUNRGBDDataset=('camera:kv1', 'camera:kv2'),
    DELIVERDataset=(
        'condition:sun', 'condition:fog', 'case:normal', 'case:motionblur',
    ),
)  # fmt: skip


def said_work_dir(path):
    """The work directory that a config or one of its bases says, read as text."""
    text = path.read_text()
    if said := re.search(r"^work_dir = '(.+)'$", text, re.MULTILINE):
        return said[1]
    bases = re.search(r'^_base_ = (\[.*?\]|.*?$)', text, re.MULTILINE | re.DOTALL)
    files = re.findall(r"'([^']+\.py)'", bases[1]) if bases else []
    return next(filter(None, (said_work_dir(path.parent / f) for f in files)), None)


def test_no_two_configs_share_a_work_directory():
    leaves = {}
    for leaf in LEAVES:
        work_dir = said_work_dir(ROOT / leaf) or f'work_dirs/{Path(leaf).stem}'
        assert leaves.setdefault(work_dir, leaf) == leaf


def write_tiny_data(dataset, num_classes, root):
    """Three samples in the layout that the config of a data set describes."""
    rng = np.random.default_rng(0)
    stems = STEMS.get(dataset.type, '012')
    prefixes = dict(seg_map_path='label') | dataset.get('data_prefix', {})
    folders = {prefixes['seg_map_path']: ('.png', 1, 'uint8', num_classes)}
    known = DATASETS.get(dataset.type)
    for name, modality in known.build_modalities(dataset.modalities).items():
        dtype = modality.dtype or 'uint8'
        high = 256 if dtype == 'uint8' else 40000
        suffix = modality.suffix
        suffix = suffix if isinstance(suffix, str) else suffix[0]
        key = (suffix, modality.channels, dtype, high)
        folders[prefixes.get(name, name)] = key
    for folder, (suffix, channels, dtype, high) in folders.items():
        for stem in stems:
            path = root / folder / (stem + suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = SIZE if channels == 1 else (*SIZE, channels)
            if suffix == '.npy':
                np.save(path, rng.random(shape).astype(dtype))
            else:
                assert cv2.imwrite(str(path), rng.integers(0, high, shape, dtype))
    (root / dataset.ann_file).write_text('\n'.join(stems))


def shrink(node):
    """Narrow the networks and the images of a config, in place."""
    for key, value in node.items():
        if key in ('in_channels', 'channels') and 'type' in node:
            is_list = isinstance(value, list | tuple)
            node[key] = [v // NARROWER for v in value] if is_list else value // NARROWER
        elif key == 'scale' and not isinstance(value, float):
            node[key] = SIZE[::-1]
        elif key in ('crop_size', 'size'):
            node[key] = (SIZE[0], SIZE[0])
        elif key == 'min_side':
            node[key] = 48
        elif key == 'num_workers':
            node[key] = 0
        elif key == 'persistent_workers':
            node[key] = False
        elif key == 'indices':
            node[key] = None
        for child in value if isinstance(value, list | tuple) else [value]:
            if isinstance(child, dict):
                shrink(child)


def tiny(cfg, root, work_dir):
    for head in ('decode_head', 'auxiliary_head'):
        inner = (cfg.model.get(head) or {}).get('head', {})
        if 'RefineNetHead' in inner.get('type', ''):
            inner.setdefault('in_channels', [256, 512, 1024, 2048])
            inner.setdefault('channels', 256)
    backbone = cfg.model.backbone
    if 'backbone' in backbone:  # a small one of mmseg, which stays as it is
        kept = cfg.model.decode_head.head.in_channels
        shrink(cfg)
        cfg.model.decode_head.head.in_channels = kept
        backbone.backbone.init_cfg = None
    else:
        shrink(cfg)
        width = backbone.get('base_channels', 64) // NARROWER
        backbone.update(base_channels=width, stem_channels=width, init_cfg=None)
        backbone.depth = min(backbone.depth, 50)  # of the same stages
    # Without weights, frozen statistics normalize nothing, and losses are huge.
    cfg.optim_wrapper.optimizer.lr = 1e-9
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.batch_size = min(loader.batch_size, 3)
        if 'num_samples' in loader.dataset:
            loader.dataset.update(num_samples=3, image_size=SIZE)
        else:
            loader.dataset.data_root = str(root)
            num_classes = cfg.model.decode_head.head.num_classes
            write_tiny_data(loader.dataset, num_classes, root)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=2)
    cfg.work_dir = str(work_dir)
    cfg.log_level = 'ERROR'
    cfg.visualizer.name = str(work_dir)  # otherwise the one of an earlier test serves
    return cfg


def test_every_config_begins_with_its_command():
    assert len(LEAVES) > 100
    offenders = [
        leaf
        for leaf in LEAVES
        if not re.match(
            rf'"""[^"]+\n\npython tools/train\.py configs/{leaf}\n',
            (ROOT / leaf).read_text(),
        )
    ]
    assert offenders == []


@pytest.fixture
def unformatted(monkeypatch):
    """Most of the time of these tests, mmengine would format the configs it dumps."""
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: cfg.text))


def type_of_model(leaf):
    """What the model of a config is made of, sizes aside."""
    model = loaded(leaf).model
    backbone = model.backbone
    fusion = backbone.get('fusion', {})
    return (
        model.type,
        backbone.type,
        model.get('decode_head', {}).get('head', {}).get('type'),
        'auxiliary_head' in model,
        model.get('modalities'),
        bool(backbone.get('exchange_threshold')),
        *(backbone.get(key) for key in ('convs', 'norms')),
        str(backbone.get('exchange')),  # one, or several
        *(fusion.get(key) for key in ('type', 'merges')),
    )


def type_of_data(leaf):
    """What the samples of a config are made of."""
    dataset = loaded(leaf).train_dataloader.dataset
    return (dataset.type, *(transform.type for transform in dataset.pipeline))


def one_of_each_type(leaves, type_of=type_of_model):
    return list({type_of(leaf): leaf for leaf in leaves}.values())


# Data sets that differ from those of trained configs in names and numbers: their
# samples are loaded as the network gets them.
LOADED = sorted(
    f'cen/pspnet_r101_{name}.py'
    for name in (
        'fmb', 'pst900', 'mcubes', 'muses', 'kitti360', 'potsdam', 'vaihingen',
    )
)  # fmt: skip
# Rows of tables train on rooms, and are compared as a whole, in tests/tools/paper. Of
# transformers, the one with both exchanges is trained; the others are built.
A_TRANSFORMER = re.compile(r'tokens/|demo/segformer_(?!both)')
BUILT = [leaf for leaf in HANDWRITTEN if A_TRANSFORMER.match(leaf)]
FIRST = [leaf for leaf in HANDWRITTEN if leaf not in (*LOADED, *BUILT)]
TRAINED = sorted({*one_of_each_type(FIRST), *one_of_each_type(FIRST, type_of_data)})


@pytest.mark.parametrize('leaf', LOADED)
def test_the_samples_of_a_config_are_what_its_network_takes(leaf, tmp_path):
    cfg = load(leaf)
    shrink(cfg)
    num_classes = cfg.model.decode_head.head.num_classes
    assert cfg.model.auxiliary_head.head.num_classes == num_classes
    order = cfg.model.get('modalities') or tuple(cfg.dataset.modalities)
    preprocessor = MODELS.build({**cfg.model.data_preprocessor, 'order': order})
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        training = key == 'train_dataloader'
        dataset = cfg[key].dataset
        dataset.data_root = str(tmp_path)
        write_tiny_data(dataset, num_classes, tmp_path)
        data = DATASETS.build(dataset)
        assert len(data.metainfo['classes']) == len(data.metainfo['palette'])
        assert len(data.metainfo['classes']) == num_classes
        wanted = cfg.val_evaluator.get('group_by') or ()
        assert {*wanted} <= data.get_data_info(0)['groups'].keys()
        batch = [data[0], data[1]] if training else [data[0]]
        batch = {name: [sample[name] for sample in batch] for name in batch[0]}
        inputs = preprocessor(batch, training)['inputs']
        assert inputs.shape[:2] == (2 if training else 1, len(order) * 3)
        assert inputs.isfinite().all()


def test_a_test_of_deliver_takes_either_list():
    cfg = load('cen/pspnet_r101_deliver.py')
    lists = [cfg[f'{key}_dataloader'].dataset.ann_file for key in ('val', 'test')]
    assert lists == ['val.txt', 'test.txt']
    cfg.merge_from_dict({'test_dataloader.dataset.ann_file': 'val.txt'})
    assert cfg.test_dataloader.dataset == cfg.val_dataloader.dataset


def test_the_models_of_configs_that_are_not_trained_here_are_built():
    for leaf in {*FIRST} - {*TRAINED}:
        model = load(leaf).model
        model.backbone.init_cfg = None
        with torch.device('meta'):
            MODELS.build(model)


def test_transformers_are_built_with_a_block_in_each_stage():
    for leaf in BUILT:
        model = load(leaf).model
        if leaf.endswith('_sunrgbd.py'):  # the same network for other classes
            nyud = load(leaf.replace('_sunrgbd', '_nyud')).model
            assert nyud.backbone == model.backbone
            assert model.decode_head.head.num_classes == 37
            continue
        transformer = model.backbone.backbone
        (depth,) = transformer.keys() & {'num_layers', 'depths'}
        several = isinstance(transformer[depth], list)
        transformer[depth] = [1] * 4 if several else 1
        exchanges = token_exchanges(MODELS.build(model))
        none = re.search('channels|none', leaf)
        assert len(exchanges) == (0 if none else 4 if several else 1)


@pytest.mark.slow
@pytest.mark.usefixtures('unformatted')
@pytest.mark.parametrize('leaf', TRAINED)
def test_config_trains_two_iterations_and_tests(leaf, tmp_path):
    cfg = tiny(load(leaf), tmp_path / 'data', tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 2
    has_stats = any(h['type'] == 'ExchangeStatsHook' for h in cfg.custom_hooks)
    has_gamma = has_stats and bool(exchanging_norms(runner.model))
    assert bool([*tmp_path.rglob('vis_image/gamma_2.png')]) == has_gamma
    metrics = runner.test()
    streams = {*runner.model.modalities} - {FUSED}
    expected = {'mIoU', 'mAcc', 'aAcc', *(f'{m}/mIoU' for m in streams)}
    assert set(metrics) >= expected
    for group in GROUPS.get(cfg.test_dataloader.dataset.type, ()):
        assert set(metrics) >= {f'{group}/{key}' for key in expected}


@pytest.mark.slow
@pytest.mark.usefixtures('unformatted')
@pytest.mark.parametrize(
    'leaf',
    [
        'cen/pspnet_r101_mfnet.py',
        'demo/fusion_common_synthetic.py',
        'ablation/gated_sum.py',  # whose exchange has parameters
    ],
)
def test_a_training_of_a_config_resumes(leaf, tmp_path):
    for epochs in (1, 2):  # one more, each time
        cfg = tiny(load(leaf), tmp_path / 'data', tmp_path / f'run_{epochs}')
        cfg.work_dir = str(tmp_path / 'work')
        cfg.train_cfg.update(max_epochs=epochs)
        cfg.default_hooks.checkpoint.update(interval=1)
        cfg.resume = epochs > 1
        runner = Runner.from_cfg(cfg)
        with mock.patch.object(
            runner.model, 'train_step', wraps=runner.model.train_step
        ) as step:
            runner.train()
        assert step.call_count == 1
        assert runner.iter == epochs


@pytest.mark.parametrize(
    ('leaf', 'millions'),
    [('cen/refinenet_r101_nyud.py', 118.2), ('cen/refinenet_r152_nyud.py', 133.9)],
)
def test_refinenet_has_the_parameters_of_table_2(leaf, millions):
    cfg = load(leaf).model
    cfg.backbone.init_cfg = None
    cfg.data_preprocessor = None
    with torch.device('meta'):
        model = MODELS.build(cfg)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 1) == millions


@pytest.mark.slow
@pytest.mark.usefixtures('unformatted')
@pytest.mark.parametrize('leaf', ['demo/cen_synthetic.py', 'cen/pspnet_r101_nyud.py'])
def test_augmented_tests_measure_every_stream(leaf, tmp_path):
    cfg = tiny(load(leaf), tmp_path / 'data', tmp_path / 'work')
    shrink(dict(tta=cfg.tta_pipeline))
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(**cfg.tta_model, module=cfg.model)
    metrics = Runner.from_cfg(cfg).test()
    assert set(metrics) >= {'mIoU', 'rgb/mIoU', 'depth/mIoU'}


def test_the_recipe_is_that_of_the_paper():
    """Sec. 4.1: learning rates of encoder and decoder, and when they are halved."""
    cfg = load('cen/refinenet_r101_nyud.py')
    cfg.model.backbone.init_cfg = None
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    optim = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    rates = {
        name: group['lr']
        for group, name in zip(
            optim.param_groups, dict(model.named_parameters()), strict=True
        )
    }
    for name, rate in rates.items():
        expected = 5e-4 if name.startswith('backbone.') else 3e-3
        assert rate == pytest.approx(expected), name
    assert cfg.param_scheduler[0].milestones == [100, 200]
    assert cfg.train_cfg.max_epochs == 300
    assert load('cen/refinenet_r152_nyud.py').param_scheduler[0].milestones == [
        150,
        300,
    ]
    assert cfg.train_dataloader.batch_size == 6
    assert cfg.train_dataloader.drop_last
    assert cfg.custom_hooks[0].sparsity_weight == 5e-3
    assert cfg.model.backbone.exchange_threshold == 2e-2


def test_the_recipe_of_sun_rgbd_is_that_of_the_paper():
    """Sec. 4.1: halved every 20 of 60 epochs."""
    cfg = load('cen/refinenet_r101_sunrgbd.py')
    assert cfg.param_scheduler[0].milestones == [20, 40]
    assert cfg.train_cfg.max_epochs == 60
    assert cfg.optim_wrapper == load('cen/refinenet_r101_nyud.py').optim_wrapper
    assert cfg.train_dataloader.batch_size == 6
