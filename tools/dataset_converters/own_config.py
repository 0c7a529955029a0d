"""The config that from_folders.py writes for a prepared folder."""

import os
import pprint
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from common_options import called
from own_labels import VOID
from own_statistics import class_weights, measure
from own_template import (
    CONFIG,
    DATA_ROOT,
    EVALUATORS,
    EXCHANGE,
    IMAGES,
    ONE_IMAGE,
    WEIGHTS,
)

from mmseg_cen.disk import set_aside, write_atomically
from mmseg_cen.preparation import JOURNAL, META, read_meta
from mmseg_cen.transforms.inspection import has_directions

ITERATIONS, BATCH_SIZE = 1200, 8
CONFIG_NAME, OLD = 'config.py', 'config.old*.py'
CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / '_base_'
# Of ImageNet, as of the base config.
RGB = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def write_config(
    out: Path, options: Mapping[str, Mapping[str, Any]], long_side: int
) -> Path:
    """Write the config of a training into a prepared folder.

    Args:
        out: The folder.
        options: Options of each modality, as of
            :class:`~mmseg_cen.modality.Modality`.
        long_side: Longer side of the images to train on, pixels.
    """
    meta = read_meta(out)
    sizes = np.array([sample['size'] for sample in meta['samples']])
    height, width = np.median(sizes, axis=0)
    factor = min(long_side / max(height, width), 1)
    count = meta['splits']['train']
    batch_size = max(min(BATCH_SIZE, count), 1)
    max_epochs = min(max(round(ITERATIONS * batch_size / max(count, 1)), 4), 200)
    statistics = {
        name: RGB | dict(bgr_to_rgb=True)
        if name == 'rgb' and 'dtype' not in values
        else measure(out, meta, name, values)
        for name, values in options.items()
    }
    channels = {len(values['mean']) for values in statistics.values()}
    most = max(channels)
    weights = class_weights(meta)
    turned = [name for name in options if has_directions(name)]
    path = out / CONFIG_NAME
    text = CONFIG.format(
        count=count,
        train=called('train'),
        path=in_docstring(path),
        base=str(CONFIGS / 'default_runtime.py'),
        model=str(CONFIGS / 'models' / 'cen_pspnet.py'),
        schedule=str(CONFIGS / 'schedules' / 'scratch.py'),
        data_root=DATA_ROOT,
        work_dir=work_dir_of(out),
        scale=(round(width * factor), round(height * factor)),
        max_epochs=max_epochs,
        val_interval=max(max_epochs // 4, 1),
        classes=pprint.pformat(tuple(meta['classes']), compact=True),
        palette=pprint.pformat(meta['palette'], compact=True),
        flip=f'    # No flip, which would have to turn the directions of {turned}.\n'
        if turned
        else "    dict(type='RandomFlip', prob=0.5),\n",
        flips='(0.0,)' if turned else '(0.0, 1.0)',
        modalities=dicts(options, 8),
        prefixes=', '.join(f'{name}={name!r}' for name in options),
        batch_size=batch_size if count > 1 else 2,
        train_dataset=IMAGES if count > 1 else ONE_IMAGE,
        names=tuple(options),
        statistics=dicts(statistics, 12),
        num_channels=''
        if channels | {1} == {1, 3}
        else f'        num_channels={max(most, 3)},\n',
        in_channels=f'        in_channels={most},\n' if most > 3 else '',
        num_classes=len(meta['classes']),
        weights='' if weights is None else WEIGHTS.format(weights),
        hooks=EXCHANGE if len(options) > 1 else '',
        **ignored(meta['folders']['label']['ignore_index']),
    )
    return write(path, text)


def ignored(label: int) -> dict[str, str]:
    """Lines of source that say the label of void, where it is not the toolbox's."""
    if label == VOID:
        return dict(seg_pad_val='', ignore_index='', evaluators='')
    return dict(
        seg_pad_val=f'        seg_pad_val={label},\n',
        ignore_index=f'            ignore_index={label},\n',
        evaluators=EVALUATORS.format(label),
    )


def write(path: Path, text: str) -> Path:
    """Write a config, and drop the copies of its predecessors that are the same."""
    content = text.encode()
    write_atomically(path, content)
    for old in path.parent.glob(OLD):
        if old.read_bytes() == content:
            old.unlink()
    return path


def dicts(values: Mapping[str, Mapping[str, Any]], indent: int) -> str:
    """Lines of source, one for each named dict."""
    return '\n'.join(
        f'{" " * indent}{name}=dict('
        + ', '.join(f'{key}={value!r}' for key, value in options.items())
        + '),'
        for name, options in values.items()
    )


def in_docstring(path: Path) -> str:
    """A path as the argument of a command that stands in a docstring."""
    return shlex.quote(str(path)).replace('\\', r'\\').replace('"', r'\"')


def work_dir_of(out: Path) -> str:
    """The work directory of a prepared folder, named after it.

    Folders of one name have different ones: ``data/mine`` has ``work_dirs/mine``,
    ``rooms/out`` has ``work_dirs/rooms_out``.
    """
    path = Path(os.path.relpath(out.resolve()))
    parts = [part for part in path.parts if part != os.curdir]
    if os.pardir in parts:  # not below this folder
        parts = [*out.resolve().parts[1:]]
    if len(parts) > 1 and parts[0] == 'data':
        parts = parts[1:]
    name = re.sub(r'[^\w.-]+', '_', '_'.join(parts))
    return f'work_dirs/{name or "own_data"}'


@contextmanager
def kept_config(out: Path) -> Iterator[None]:
    """Within this context, the config of a folder may be written, and prepared anew.

    The one that was there, which may have been edited, gets another name, unless the
    new one is the same, or the folder was not changed because of an error.
    """
    path, meta, old = out / CONFIG_NAME, out / META, None
    before = meta.read_bytes() if meta.is_file() else None
    if path.is_file() and (before is not None or (out / JOURNAL).is_file()):
        old = set_aside(path)
    try:
        yield
    except BaseException:
        if old is not None and meta.is_file() and meta.read_bytes() == before:
            old.replace(path)
        raise
    finally:
        if old is not None and old.exists():
            print(f'The config that was there before is {old}')
