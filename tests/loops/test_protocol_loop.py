"""Protocols against a plain loop over samples, of NumPy and the network alone."""

import json
from pathlib import Path
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.fileio import load
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample

from mmseg_cen.loops import ProtocolTestLoop
from mmseg_cen.loops.subsets import segmentor_of
from mmseg_cen.metrics import read_per_image

CONFIG = 'configs/demo/modality_dropout_synthetic.py'
RGB = ([137.4, 125.5, 115.2], [41.8, 39.3, 42.8])
DEPTH = ([3.2], [1.13])
SAMPLES, CLASSES = 2, 13


@pytest.fixture
def cfg(tmp_path):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(
        {
            'model.backbone.base_channels': 4,
            'model.backbone.stem_channels': 4,
            'model.decode_head.head.in_channels': [4, 8, 16, 32],
            'test_dataloader.dataset.num_samples': SAMPLES,
            'test_dataloader.dataset.image_size': (32, 48),
            'work_dir': str(tmp_path),
            'log_level': 'ERROR',
            'visualizer.name': tmp_path.name,
            'randomness': dict(seed=0),
        }
    )
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg.pop(key)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        cfg.pop(key)
    cfg.custom_hooks = []
    return cfg


def runner_of(cfg, **options):
    """A runner whose network predicts all classes, by what it is shown."""
    cfg.test_cfg = dict(type='ProtocolTestLoop', **options)
    runner = Runner.from_cfg(cfg)
    torch.manual_seed(1)
    for name, module in runner.model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
        elif name.endswith('conv_seg'):
            module.weight.data = torch.randn(module.weight.shape)
    model = segmentor_of(runner.model)
    with torch.no_grad():
        model.train()(torch.randn(8, model.backbone.packed_channels, 32, 48))
    return runner


def inputs_of(sample):
    """RGB and depth as the network gets them, (3, H, W) each, float32."""
    rgb = sample['img'][..., ::-1].astype(np.float32).transpose(2, 0, 1)
    depth = sample['depth'].astype(np.float32)[None]
    return {
        name: ((x - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None])
        for name, x, (mean, std) in (
            ('rgb', rgb, RGB),
            ('depth', np.repeat(depth, 3, axis=0), DEPTH),
        )
    }


def draws(path, modality, how):
    return np.random.default_rng(
        [0, *map(crc32, map(str.encode, (path, modality, how)))]
    )


def lose(x, share, path, name):
    if share == 1:
        return np.zeros_like(x)
    lost = draws(path, name, 'zero').random(x.shape, np.float32) < share
    return np.where(lost, np.float32(0), x)


def disturb(x, density, std, path, name):
    flat, rng = x.flatten(), draws(path, name, 'salt_and_pepper')
    count = int(np.ceil(density * x.size * 0.5))
    salt, pepper = (rng.integers(x.size, size=count) for _ in range(2))
    flat[salt] = x.max()
    flat[pepper] = x.min()
    noise = draws(path, name, 'gaussian').standard_normal(x.shape, np.float32)
    return flat.reshape(x.shape) + np.float32(std) * noise


def naive(model, dataset, change, absent=()):
    """mIoU of the ensemble in percent, from one confusion matrix."""
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    for sample in dataset:
        x = inputs_of(sample)
        x = {name: change(x[name], sample['img_path'], name) for name in x}
        packed = torch.from_numpy(np.concatenate([x['rgb'], x['depth']]))[None]
        shape = sample['img_shape']
        data = SegDataSample(
            metainfo=dict(
                absent=absent, img_shape=shape, ori_shape=shape, pad_shape=shape
            )
        )
        with torch.no_grad():
            (output,) = model(packed.float(), [data], mode='predict')
        predicted = output.pred_sem_seg.data[0].numpy()
        np.add.at(confusion, (sample['gt_seg_map'], predicted), 1)
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    return 100 * np.mean(hits[union > 0] / union[union > 0])


@pytest.fixture
def dataset(cfg):
    own = cfg.test_dataloader.dataset.copy()
    own.pipeline = [dict(type='LoadSyntheticRoom')]
    return DATASETS.build(own)


SUBSETS = [(), ('rgb',), ('depth',)]


@pytest.mark.parametrize('missing', ['absent', 'zero'])
def test_entire_modalities_are_missing_as_in_a_plain_loop(cfg, dataset, missing):
    runner = runner_of(cfg, protocol='emm', missing=missing)
    metrics = runner.test()
    figures = []
    for damaged in SUBSETS:
        expected = naive(
            runner.model,
            dataset,
            lambda x, path, name, d=damaged: lose(x, 1 if name in d else 0, path, name),
            absent=damaged if missing == 'absent' else (),
        )
        name = '+'.join(m for m in ('rgb', 'depth') if m not in damaged)
        assert metrics[f'emm/{name}/mIoU'] == pytest.approx(expected, abs=0.05)
        streams = {k.split('/')[-2] for k in metrics if k.startswith(f'emm/{name}/')}
        known = missing == 'absent'
        assert ('rgb' in streams) == (not known or 'rgb' not in damaged)
        figures.append(expected)
    assert len({round(f, 1) for f in figures}) == 3
    assert metrics['emm/Avg'] == pytest.approx(np.mean(figures), abs=0.05)
    for p in (0.2, 0.1, 0.05):
        weights = [(1 - p) ** 2, p * (1 - p), p * (1 - p)]
        expected = np.average(figures, weights=weights)
        assert metrics[f'emm/E({p})'] == pytest.approx(expected, abs=0.05)
    (path,) = Path(cfg.work_dir).glob('*/emm.json')
    written = json.loads(path.read_text())
    assert written['missing'] == missing
    assert [case['mIoU'] for case in written['cases']] == [
        metrics[f'emm/{n}/mIoU'] for n in ('rgb+depth', 'rgb', 'depth')
    ]
    assert '| E(0.05) |' in path.with_suffix('.md').read_text()


def test_elements_are_missing_as_in_a_plain_loop(cfg, dataset):
    runner = runner_of(cfg, protocol='rmm')
    metrics = runner.test()
    for share in (0.25, 0.75):
        for damaged in SUBSETS[1:]:
            expected = naive(
                runner.model,
                dataset,
                lambda x, path, name, d=damaged, r=share: lose(
                    x, r if name in d else 0, path, name
                ),
            )
            found = metrics[f'rmm/r={share}/{damaged[0]}/mIoU']
            assert found == pytest.approx(expected, abs=0.05)


def test_modalities_are_noisy_as_in_a_plain_loop(cfg, dataset):
    """In batches, too."""
    cfg.test_dataloader.batch_size = 2
    runner = runner_of(cfg, protocol='nm')
    metrics = runner.test()
    for density, std in ((0.05, 0.1), (0.2, 0.5)):
        expected = naive(
            runner.model,
            dataset,
            lambda x, path, name, d=density, s=std: disturb(x, d, s, path, name),
        )
        found = metrics[f'nm/density={density},std={std}/mIoU']
        assert found == pytest.approx(expected, abs=0.05)


def test_data_are_loaded_once_whatever_is_predicted(cfg, monkeypatch):
    runner = runner_of(cfg, protocol='rmm')
    dataset = runner.test_dataloader.dataset
    loaded, prepare = [], dataset.prepare_data
    monkeypatch.setattr(
        dataset, 'prepare_data', lambda i: loaded.append(i) or prepare(i)
    )
    runner.test()
    assert loaded[-SAMPLES:] == [*range(SAMPLES)]
    assert loaded.count(SAMPLES - 1) == 1  # the first one is inspected before


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(protocol='all'), '`protocol` must be one of'),
        (dict(protocol='rmm', missing='zero'), '`missing` must be one of'),
        (dict(protocol='emm', missing='gone'), '`missing` must be one of'),
        (dict(protocol='emm', no_gaussian=['rgb']), '`no_gaussian` must be given'),
    ],
)
def test_what_a_protocol_has_not_is_refused(options, message):
    dataloader = SimpleNamespace(dataset=None)
    with pytest.raises(ValueError, match=message):
        ProtocolTestLoop(None, dataloader, Evaluator([]), **options)


def test_modalities_without_gaussian_noise_are_those_of_the_network(cfg):
    with pytest.raises(ValueError, match=r'`no_gaussian` must name .* \[.event.\]'):
        runner_of(cfg, protocol='nm', no_gaussian=['event']).test()


def test_files_of_metrics_are_of_the_intact_data(cfg):
    cfg.test_evaluator.per_image_file = f'{cfg.work_dir}/areas.npz'
    runner = runner_of(cfg, protocol='emm')
    metrics = runner.test()
    measured = read_per_image(f'{cfg.work_dir}/areas.npz')
    assert {'rgb', 'depth', 'ensemble'} <= {*measured.areas}
    assert metrics['emm/rgb+depth/mIoU'] != metrics['emm/depth/mIoU']


def test_a_modality_that_the_model_is_used_without_is_among_the_intact(cfg):
    cfg.model.test_cfg = dict(mode='whole', absent=['depth'])
    runner = runner_of(cfg, protocol='emm')
    metrics = runner.test()
    assert {'emm/rgb+depth/depth/mIoU', 'emm/depth/mIoU'} <= {*metrics}
    assert segmentor_of(runner.model).absent == ['depth']


def test_a_metric_that_only_saves_predictions_saves_those_of_the_intact_data(cfg):
    out = f'{cfg.work_dir}/out'
    saving = dict(type='StreamIoUMetric', format_only=True, output_dir=out)
    cfg.test_evaluator = [cfg.test_evaluator, saving]
    metrics = runner_of(cfg, protocol='emm').test()
    assert 'emm/depth/mIoU' in metrics
    assert len([*Path(out).iterdir()]) == SAMPLES


def test_metrics_of_the_toolbox_are_written_and_dump_the_intact_data(cfg):
    dump = f'{cfg.work_dir}/predictions.pkl'
    cfg.test_evaluator = [
        dict(type='IoUMetric', iou_metrics=['mIoU']),
        dict(type='DumpResults', out_file_path=dump),
    ]
    metrics = runner_of(cfg, protocol='emm').test()
    (path,) = Path(cfg.work_dir).glob('*/emm.json')
    written = [case['mIoU'] for case in json.loads(path.read_text())['cases']]
    assert written == [metrics[f'emm/{n}/mIoU'] for n in ('rgb+depth', 'rgb', 'depth')]
    results = load(dump)
    assert len(results) == SAMPLES
    assert not any(result.get('absent') for result in results)


@pytest.mark.parametrize('options', [dict(iou_metrics=['mDice']), dict(prefix='seg')])
def test_a_metric_without_the_miou_is_refused(cfg, options):
    cfg.test_evaluator = dict(type='StreamIoUMetric', **options)
    with pytest.raises(ValueError, match='must measure the mIoU'):
        runner_of(cfg, protocol='emm').test()


def test_a_network_of_one_modality_is_refused(cfg):
    cfg.model.modalities = ('rgb',)
    cfg.test_dataloader.dataset.modalities = ('rgb',)
    with pytest.raises(ValueError, match=r"several modalities .* \('rgb',\)"):
        runner_of(cfg, protocol='emm').test()


@pytest.fixture
def augmented(cfg):
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.test_dataloader.dataset.num_samples = 1
    cfg.model = dict(type='CENTTAModel', module=cfg.model)
    return cfg


def test_augmented_views_lack_what_the_sample_lacks(augmented):
    metrics = runner_of(augmented, protocol='emm').test()
    assert metrics['emm/rgb/mIoU'] == metrics['emm/rgb/rgb/mIoU']
    assert metrics['emm/rgb/mIoU'] != metrics['emm/rgb+depth/mIoU']


def test_draws_for_augmented_views_are_refused(augmented):
    with pytest.raises(ValueError, match='leave out --tta'):
        runner_of(augmented, protocol='rmm').test()


@pytest.mark.parametrize('merges', [True, False])
def test_streams_that_are_fused_can_be_zero_but_not_absent(cfg, merges):
    cfg.model.backbone.convs = 'private'
    cfg.model.backbone.fusion = dict(
        type='ConcatFusion', stages=('layer4',), merges=merges
    )
    runner = runner_of(cfg, protocol='emm')
    with pytest.raises(ValueError, match='set --missing zero'):
        runner.test()
    runner.test_loop.missing = 'zero'
    metrics = runner.test()
    assert {'emm/rgb+depth/mIoU', 'emm/rgb/mIoU', 'emm/depth/mIoU'} <= {*metrics}


def test_a_sample_without_any_modality_left_is_named(cfg):
    cfg.test_dataloader.dataset.pipeline.insert(
        1, dict(type='RandomModalityDropout', prob=dict(depth=0.9))
    )
    with pytest.raises(ValueError, match=r"room_2_000000.png without \('depth',\)"):
        runner_of(cfg, protocol='emm').test()
