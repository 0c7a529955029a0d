"""The config and the command that predict the labels of own data without labels."""

import inspect
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common_options import called
from mmengine.config import Config
from mmseg.registry import DATASETS
from own_config import CONFIG_NAME, DATA_ROOT, dicts, in_docstring, work_dir_of, write

from mmseg_cen.datasets import MultimodalSegDataset, select
from mmseg_cen.launch import load_config
from mmseg_cen.modality import Modality
from mmseg_cen.models.modalities import names_of
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.preparation import Folder, read_meta

CONFIG = '''"""Predict the labels of {count} samples with the network of another config.

{command}

Written by tools/dataset_converters/from_folders.py.
"""

_base_ = [{base!r}]
data_root = {data_root}
work_dir = {work_dir!r}
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='test.txt',
        modalities=dict({delete[modalities]}
{modalities}
        ),
        data_prefix=dict({delete[data_prefix]}
            {prefixes}, seg_map_path=None
        ),
        groups=dict({groups}),
{lists}    ),
)
'''
COMMAND = called('test') + ' {config} {checkpoint} --out {out}'


def check_network(config: str, folders: Mapping[str, Folder]) -> None:
    """Refuse a network that cannot predict the data.

    Args:
        config: Its config.
        folders: What each folder of the prepared data holds.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the network has other modalities than the data, or knows other
            values of them, or its test is not of one data set of files.
    """
    loaded = load_config(config)
    model = loaded.get('model') or {}
    if not is_cen_segmentor(model):
        raise ValueError(
            f'`--config` must be of a CENSegmentor, got {config} with '
            f'{model.get("type")!r}: name the config of a trained network'
        )
    names = names_of(model)
    if missing := [name for name in names if name not in folders]:
        raise ValueError(
            f'the data must have the modalities of {config}, {names}, got no '
            f'{", no ".join(missing)}: add --modality {missing[0]}=DIR, or choose '
            'another config'
        )
    kind = loaded.test_dataloader.dataset.get('type')
    found = DATASETS.get(kind) if isinstance(kind, str) else kind
    if not (inspect.isclass(found) and issubclass(found, MultimodalSegDataset)):
        raise ValueError(
            f'`--config` must test one data set of files, got {config} with a {kind}: '
            'name the config of a network that was trained on files'
        )
    # Of its files: a transform, such as EncodeDepth, may make other channels of them.
    options = loaded.test_dataloader.dataset.get('modalities')
    known = found.build_modalities(options)
    for name in names:
        wanted = known[name].channels if name in known else folders[name].channels
        if wanted != folders[name].channels:
            raise ValueError(
                f'{name} must have {wanted} channel(s), as in {config}, got '
                f'{folders[name].channels}: convert the files, or choose another '
                'config'
            )
    described = [name for name in names if name in known]
    for name in described:
        check_values(name, known[name], folders[name], config)
    units = {name: folders[name].scale for name in described}
    given = {name: dict(scale=unit) for name, unit in units.items() if unit}
    select(known, described, given)  # warns where the network knows no unit


def check_values(name: str, known: Modality, folder: Folder, config: str) -> None:
    """Refuse stored values without a unit that a network would take for others.

    Args:
        name: Name of the modality.
        known: How the files of the training are read.
        folder: What the folder of the prepared data holds.
        config: The config of the network, for the message.

    Raises:
        ValueError: If they are of another type than the network was trained on, or
            integers where it knows physical units.
    """
    stored = np.dtype(folder.dtype)
    trained = np.dtype(known.dtype or stored)
    if known.scale is not None:
        is_known, wanted = stored.kind == 'f', 'physical units'
    else:
        are_floats = trained.kind == stored.kind == 'f'
        is_known, wanted = are_floats or stored == trained, f'values of {trained}'
    if is_known or folder.scale is not None:
        return
    factor = 'FACTOR'
    if name == 'rgb' and trained.kind == stored.kind == 'u':
        share = float(np.iinfo(trained).max) / float(np.iinfo(stored).max)
        factor = f'{share * (known.scale or 1):.6g}'
    raise ValueError(
        f'{name} must hold {wanted}, as in {config}, got {stored} without a unit: '
        'convert the files, or say by what they are multiplied, --modality '
        f'{name}=DIR:scale={factor}'
    )


def write_prediction(
    out: Path, options: Mapping[str, Mapping[str, Any]], config: str
) -> str:
    """Write the config that predicts a prepared folder without labels.

    Args:
        out: The folder.
        options: Options of each modality, as of
            :class:`~mmseg_cen.modality.Modality`.
        config: The config of the network.

    Returns:
        The command that predicts the labels.
    """
    path, predictions = out / CONFIG_NAME, f'predictions/{Path(work_dir_of(out)).name}'
    cfg = load_config(config)
    names, dataset = names_of(cfg.model), cfg.test_dataloader.dataset
    checkpoint = trained_checkpoint(Path(cfg.work_dir))
    # Where the other config has no such key, it would be taken for a modality.
    delete = {
        key: '_delete_=True,' if key in dataset else ''
        for key in ('modalities', 'data_prefix')
    }
    lists = {
        key: tuple(name for name in names if name in dataset[key])
        for key in ('order', 'optional')
        if dataset.get(key)
    }
    text = CONFIG.format(
        count=len(read_meta(out)['samples']),
        command=COMMAND.format(
            config=in_docstring(path), checkpoint='CHECKPOINT', out=predictions
        ),
        base=config if '::' in config else str(Path(config).resolve()),
        data_root=DATA_ROOT,
        work_dir=work_dir_of(out),
        delete=delete,
        modalities=dicts({name: options[name] for name in names}, 12),
        prefixes=', '.join(f'{name}={name!r}' for name in names),
        groups=', '.join(f'{name}=None' for name in groups_of(cfg)),
        lists=''.join(f'        {key}={value},\n' for key, value in lists.items()),
    )
    write(path, text)
    return COMMAND.format(
        config=shlex.quote(str(path)),
        checkpoint=shlex.quote(str(checkpoint or 'CHECKPOINT')),
        out=shlex.quote(predictions),
    )


def groups_of(cfg: Config) -> list[str]:
    """The groupings of a test, which other samples do not have."""
    dataset = cfg.test_dataloader.dataset
    known = DATASETS.get(dataset.type).GROUPS
    return list(dict.fromkeys([*known, *(dataset.get('groups') or {})]))


def trained_checkpoint(work_dir: Path) -> Path | None:
    """The best checkpoint in a work directory, or else the last; None without any."""
    found = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    noted = work_dir / 'last_checkpoint'
    if not found and noted.is_file():
        found = [Path(noted.read_text().strip())]
    return found[-1] if found else None
