"""A converted config on the data of another config of ours."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.models.classes import OTHER_TARGETS
from mmseg_cen.streams.build import arguments_of

from .data import add_makers, makers_of_labels
from .model import dicts_in, require_size

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
HEAD = {'num_classes', 'ignore_index'}
EVALUATORS = ('val_evaluator', 'test_evaluator')
#: Heads that learn the borders of classes: two channels, whatever the data.
BORDERS = {kind.__name__ for kind in OTHER_TARGETS}


def modalities_of(data: Config) -> dict[str, int]:
    """Names of the modalities of a config's data, and their numbers of channels.

    Raises:
        ValueError: If the config has no data of several modalities.
    """
    if imports := data.get('custom_imports'):
        import_modules_from_strings(**imports)
    wrapped = (data.get('train_dataloader') or {}).get('dataset') or {}
    dataset = next(innermost(wrapped))
    name = dataset.get('type')
    found = DATASETS.get(name) if name else None
    options = dataset.get('modalities')
    if found is not None and issubclass(found, MultimodalSegDataset):
        built = found.build_modalities(options)
        order = dataset.get('order') or list(built)
        return {name: built[name].channels for name in order}
    if (
        found is not None
        and issubclass(found, BaseSegDataset)
        and (found.__module__.startswith('mmseg_cen'))
    ):
        names = options or ('rgb', 'depth')  # of rooms that are rendered
        return {name: 3 if name == 'rgb' else 1 for name in names}
    raise ValueError(
        '`--data` must be a config of several modalities and their labels, got '
        f'`train_dataloader` with the data set {name!r}: name one of '
        'configs/_base_/datasets, or one that from_folders.py wrote'
    )


def use_data(
    new: dict[str, Any], data: Config, modalities: Sequence[str]
) -> dict[str, Any]:
    """A converted config with the data, their classes and statistics of another one.

    The model, its optimizer and its schedule stay. Data without a test are tested by
    their validation; without both, nothing is measured.

    Args:
        new: The converted config, changed in place.
        data: The other config.
        modalities: The names that are used of the modalities of ``data``.

    Raises:
        ValueError: If the data have no such modality, or no classes.
    """
    channels = modalities_of(data)
    if unknown := [name for name in modalities if name not in channels]:
        raise ValueError(
            f'`--modalities` must be out of {list(channels)}, those of the data, got '
            f'{unknown}: correct them'
        )
    old, makers = data.to_dict(), makers_of_labels(new['train_dataloader']['dataset'])
    for key in [key for key in new if key.endswith('_pipeline')]:
        if key != 'tta_pipeline' or key in data or not _is_usual(old):
            del new[key]
    new.update({k: v for k, v in old.items() if k.endswith('_pipeline')})
    for key in (*LOADERS, *EVALUATORS):
        if found := old.get(key) or old.get(key.replace('test', 'val')):
            new[key] = copy.deepcopy(found)
    if not old.get('val_dataloader'):  # those of `cfg` are of its own data
        unmeasured = ('test',) if not old.get('test_dataloader') else ()
        for part in ('val', *unmeasured):
            for kind in ('dataloader', 'evaluator', 'cfg'):
                new[f'{part}_{kind}'] = None
    for key in LOADERS:
        if new.get(key):
            _choose(new[key]['dataset'], modalities)
    add_makers(new['train_dataloader']['dataset'], makers)
    if new['train_cfg']['type'] == 'IterBasedTrainLoop':
        sampler = new['train_dataloader'].get('sampler', {})
        sampler['type'] = 'InfiniteSampler'
    imports = (old.get('custom_imports') or {}).get('imports', [])
    imports = [imports] if isinstance(imports, str) else imports
    known = new['custom_imports']['imports']
    known += [name for name in imports if name not in known]

    model = old.get('model') or {}
    set_classes(new['model'], _classes(data), _class_weight(model))
    chosen = {name: channels[name] for name in modalities}
    _set_statistics(new['model'], model, chosen, _has_usual_rgb(data))
    set_ignored(new['model'], model)
    size = _train_size(model, new['train_dataloader'])
    require_size(new['model'], size)
    # Unless the data have one, batches are padded to their largest image.
    new['model']['data_preprocessor'].pop('size', None)
    if size is not None:
        new['model']['data_preprocessor']['size'] = size
    return new


def _is_usual(data: Mapping[str, Any]) -> bool:
    """Whether samples are tested as the toolbox's are: loaded, resized and packed."""
    loaders = [data[key] for key in reversed(LOADERS) if data.get(key)]
    usual = {'LoadModalities', 'LoadAnnotations', 'Resize', 'PackMultimodalInputs'}
    parts = [*innermost(loaders[0]['dataset'])]
    return {t['type'] for part in parts for t in part.get('pipeline', ())} <= usual


def _choose(dataset: dict[str, Any], modalities: Sequence[str]) -> None:
    """Leave out the other modalities of a data set."""
    for part in dicts_in(dataset):
        known = part.get('modalities')
        if isinstance(known, Mapping):
            part['modalities'] = {name: known[name] for name in modalities}
        elif 'pipeline' in part and (known is not None or 'ann_file' not in part):
            part['modalities'] = tuple(modalities)
        if 'order' in part:
            part['order'] = tuple(modalities)
        if 'data_prefix' in part:
            part['data_prefix'] = {
                name: folder
                for name, folder in part['data_prefix'].items()
                if name in (*modalities, 'seg_map_path')
            }


def _classes(data: Config) -> int:
    dataset = next(innermost(data.train_dataloader.dataset))
    metainfo = {
        **DATASETS.get(dataset['type']).METAINFO,
        **(dataset.get('metainfo') or {}),
    }
    if not metainfo.get('classes'):
        raise ValueError(
            f'`--data` must be data with classes, got {dataset["type"]} without any: '
            'set metainfo=dict(classes=(...)) of the data set'
        )
    return len(metainfo['classes'])


def _class_weight(model: Mapping[str, Any]) -> Any:
    """The weights of the classes that a model has, if any."""
    weights = [part.get('class_weight') for part in dicts_in(model)]
    return next((weight for weight in weights if weight is not None), None)


def _of_classes(cfg: Any) -> list[dict]:
    """All dicts within a config, but those of heads that learn no classes."""
    if isinstance(cfg, dict) and cfg.get('type') not in BORDERS:
        return [cfg, *(part for value in cfg.values() for part in _of_classes(value))]
    if isinstance(cfg, (list, tuple)):
        return [part for value in cfg for part in _of_classes(value)]
    return []


def set_classes(model: dict[str, Any], num_classes: int, class_weight: Any) -> None:
    """Give all heads the number of the classes, and the losses their weights.

    A head that classifies masks weighs "no class", too, the last one.
    """
    parts = _of_classes(model)
    of_masks = [part['loss_cls'] for part in parts if 'loss_cls' in part]
    for part in parts:
        if 'num_classes' in part:
            # Those of kernels and masks have features as `out_channels`.
            if part.get('out_channels') in (1, part['num_classes']):
                del part['out_channels']
            part['num_classes'] = num_classes
        weights = part.pop('class_weight', None)
        if any(part is loss for loss in of_masks):
            if weights is not None:
                own = class_weight or [1.0] * num_classes
                part['class_weight'] = [*own, weights[-1]]
        elif weights is not None or (
            class_weight is not None and part.get('type') == 'CrossEntropyLoss'
        ):
            part['class_weight'] = class_weight


def set_ignored(model: dict[str, Any], data_model: Mapping[str, Any]) -> None:
    """Ignore the same label as the model of the data, if it says one."""
    labels = [part['ignore_index'] for part in dicts_in(data_model) if {*part} >= HEAD]
    if not labels:
        return
    model['data_preprocessor']['seg_pad_val'] = labels[0]
    for part in _of_classes(model):
        # Heads within K-Net's have classes, and no labels.
        kind = MODELS.get(part['type']) if {*part} >= {'num_classes', 'type'} else None
        if kind is not None and 'ignore_index' in arguments_of(kind):
            part['ignore_index'] = labels[0]


def _has_usual_rgb(data: Config) -> bool:
    """Whether RGB is loaded as 0..255, for which the statistics of a network are."""
    dataset = next(innermost(data.train_dataloader.dataset))
    found = DATASETS.get(dataset['type'])
    if not issubclass(found, MultimodalSegDataset):  # rooms that are rendered
        return True
    rgb = found.build_modalities(dataset.get('modalities')).get('rgb')
    return rgb is None or (
        rgb.scale is None and np.dtype(rgb.dtype or 'uint8') == np.uint8
    )


def _set_statistics(
    model: dict[str, Any],
    measured: Mapping[str, Any],
    channels: Mapping[str, int],
    is_usual: bool,
) -> None:
    """Give the preprocessor the statistics of the data; usual RGB keeps the network's.

    Whatever its statistics, the network gets RGB in the order that it had before.
    """
    preprocessor = model['data_preprocessor']
    known = (measured.get('data_preprocessor') or {}).get('modalities') or {}
    for name, count in channels.items():
        own = preprocessor['modalities'][name]
        if name in known and name != 'rgb':
            preprocessor['modalities'][name] = known[name]
        elif name in known and 'mean' in known[name]:
            if 'mean' not in own or not is_usual:
                preprocessor['modalities'][name] = _in_order_of(known[name], own)
        elif name != 'rgb':
            preprocessor['modalities'][name] = {
                key: values * count for key, values in own.items()
            }
    most = max(channels.values())
    if most > preprocessor['num_channels']:
        preprocessor['num_channels'] = most
        _take_channels(model['backbone']['backbone'], most)


def _take_channels(backbone: dict[str, Any], channels: int) -> None:
    """Let a backbone take images of some channels, and those within it, as in BiSeNet.

    Raises:
        ValueError: If it takes three channels only.
    """
    kind = MODELS.get(backbone['type'])
    outer = [backbone] if 'in_channels' in arguments_of(kind) else []
    inner = [part for part in dicts_in(backbone)[1:] if part.get('in_channels') == 3]
    if not outer and not inner:
        raise ValueError(
            f'the backbone must take the {channels} channels of the data, got '
            f'{backbone["type"]}, which has no `in_channels`: convert another model, '
            'or name modalities of 3 channels at most with --modalities'
        )
    for part in outer + inner:
        part['in_channels'] = channels


def _in_order_of(measured: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Statistics of RGB in the order of channels that other statistics have."""
    turns = [options.get('bgr_to_rgb', True) for options in (measured, own)]
    step = 1 if turns[0] == turns[1] else -1
    statistics = {key: measured[key][::step] for key in ('mean', 'std')}
    return dict(**statistics, bgr_to_rgb=turns[1])


def _train_size(model: Mapping[str, Any], loader: Mapping[str, Any]) -> Any:
    """Height and width of the training images, if they are known."""
    size = (model.get('data_preprocessor') or {}).get('size')
    crops = [
        part['crop_size']
        for part in dicts_in(loader)
        if part.get('type') == 'RandomCrop' and 'crop_size' in part
    ]
    return size or next(iter(crops), None)
