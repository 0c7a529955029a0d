"""The config that from_folders.py writes for a prepared folder."""

import pprint
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_cen.preparation import (
    META,
    read_image,
    read_meta,
    write_atomically,
)

ITERATIONS, BATCH_SIZE = 1200, 8
OLD = 'config.old.py'
CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / '_base_'

CONFIG = '''"""A small CEN from scratch, for {count} training images, on a CPU or a GPU.

python tools/train.py {path}

Written by tools/dataset_converters/from_folders.py; change it as you like. Larger
images and a backbone with ImageNet weights are better: see docs/your_own_data.md.
"""

_base_ = [
    {base!r},
    {model!r},
    {schedule!r},
]
data_root = r"""{{{{ fileDirname }}}}/"""[:-1]  # whatever quotes the path has
scale = {scale}  # width, height that images are fitted into
crop_size = scale[::-1]
max_epochs = {max_epochs}

metainfo = dict(
    classes={classes},
    palette={palette},
)
train_pipeline = [
    dict(type='LoadModalities'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=scale, ratio_range=(1.0, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackMultimodalInputs'),
]
test_pipeline = [
    dict(type='LoadModalities'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackMultimodalInputs'),
]
dataset = dict(
    type='MultimodalSegDataset',
    data_root=data_root,
    metainfo=metainfo,
    modalities=dict(
        rgb=dict(suffix={suffix!r}, interpolation='bicubic'),
        # Read as meters; holes are filled with the nearest depth.
        depth=dict(
            suffix='.png', dtype='uint16', scale={depth_scale!r}, fill='nearest'
        ),
    ),
    data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
)
train_dataloader = dict(
    batch_size={batch_size},
    num_workers=1,
    drop_last=True,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='train.txt', pipeline=train_pipeline, **dataset),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='val.txt', pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader

model = dict(
    data_preprocessor=dict(
        # Measured on the training images, in meters.
        modalities=dict(depth=dict(mean=[{mean}], std=[{std}])),
        size=crop_size,
    ),
    backbone=dict(
        depth=18, base_channels=32, stem_channels=32, norm_eval=False, init_cfg=None
    ),
    decode_head=dict(
        head=dict(
            num_classes={num_classes}, in_channels=256, channels=64, dropout_ratio=0
        )
    ),
    auxiliary_head=None,
)
custom_hooks = [
    dict(type='GammaSparsityHook', sparsity_weight=1e-2),
    dict(type='ExchangeStatsHook'),
]
optim_wrapper = dict(optimizer=dict(lr=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-5,
        begin=0,
        end=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=max_epochs, val_interval={val_interval})
default_hooks = dict(checkpoint=dict(interval={val_interval}))
'''


def depth_statistics(out: Path, meta: dict[str, Any]) -> tuple[float, float]:
    """Mean and standard deviation of depth in meters, of up to 200 training images."""
    stems = [s['stem'] for s in meta['samples'] if s['split'] == 'train']
    count, total, squares = 0, 0.0, 0.0
    for stem in stems[:: max(len(stems) // 200, 1)]:
        depth = read_image(out / 'depth' / f'{stem}.png').astype(np.float64)
        meters = depth[depth > 0] * meta['folders']['depth']['scale']
        count += meters.size
        total += meters.sum()
        squares += np.square(meters).sum()
    if not count:
        return 0.0, 1.0
    mean = total / count
    return mean, max(float(np.sqrt(max(squares / count - mean**2, 0))), 1e-3)


def write_config(out: Path, long_side: int) -> Path:
    """Write `config.py` into a prepared folder, and drop its copy if it is the same."""
    meta = read_meta(out)
    sizes = np.array([sample['size'] for sample in meta['samples']])
    height, width = np.median(sizes, axis=0)
    factor = min(long_side / max(height, width), 1)
    count = meta['splits']['train']
    batch_size = max(min(BATCH_SIZE, count), 1)
    max_epochs = min(max(round(ITERATIONS * batch_size / max(count, 1)), 4), 200)
    mean, std = depth_statistics(out, meta)
    path = out / 'config.py'
    text = CONFIG.format(
        count=count,
        path=path,
        base=str(CONFIGS / 'default_runtime.py'),
        model=str(CONFIGS / 'models' / 'cen_pspnet.py'),
        schedule=str(CONFIGS / 'schedules' / 'scratch.py'),
        scale=(round(width * factor), round(height * factor)),
        max_epochs=max_epochs,
        val_interval=max(max_epochs // 4, 1),
        classes=pprint.pformat(tuple(meta['classes']), compact=True),
        palette=pprint.pformat(meta['palette'], compact=True),
        suffix=meta['folders']['rgb']['suffix'],
        depth_scale=meta['folders']['depth']['scale'],
        batch_size=batch_size,
        mean=round(mean, 3),
        std=round(std, 3),
        num_classes=len(meta['classes']),
    )
    write_atomically(path, text.encode())
    old = out / OLD
    if old.is_file() and old.read_text() == text:
        old.unlink()
    return path


def set_aside(out: Path) -> None:
    """Rename the config of a prepared folder, which may have been changed."""
    if (out / META).is_file() and (out / 'config.py').is_file():
        (out / 'config.py').replace(out / OLD)
