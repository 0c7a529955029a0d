"""The data sets and pipelines of an mmseg config over several modalities."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import ConfigDict
from mmseg.registry import DATASETS

from mmseg_cen.datasets.classes import read_class_names
from mmseg_cen.datasets.of_config import innermost

#: Transforms that make more labels of those that are loaded.
MAKERS = ('GenerateEdge',)
RENAMED = {
    'LoadImageFromFile': 'LoadModalities',
    'PackSegInputs': 'PackMultimodalInputs',
}


def convert_pipelines(cfg: Any, modalities: Sequence[str]) -> Any:
    """``cfg`` with all transforms of :data:`RENAMED` replaced."""
    if isinstance(cfg, dict):
        name = cfg.get('type')
        if name == 'LoadImageFromFile':
            return dict(type=RENAMED[name])
        parts = {k: convert_pipelines(v, modalities) for k, v in cfg.items()}
        return {**parts, 'type': RENAMED[name]} if name in RENAMED else parts
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(
            convert_pipelines(part, modalities)
            for part in cfg
            if 'rgb' in modalities or not _is_photometric(part)
        )
    return cfg


def makers_of_labels(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """The transforms of a data set that make labels for a head such as PIDHead."""
    pipelines = [part.get('pipeline') or () for part in innermost(dataset)]
    return [t for pipeline in pipelines[:1] for t in pipeline if t['type'] in MAKERS]


def add_makers(dataset: dict[str, Any], makers: Sequence[dict[str, Any]]) -> None:
    """Let samples of a data set have such labels, made before they are packed."""
    for part in innermost(dataset) if makers else ():
        *others, packing = part['pipeline']
        known = [transform['type'] for transform in others]
        added = [maker for maker in makers if maker['type'] not in known]
        part['pipeline'] = [*others, *added, packing]


def _is_photometric(transform: Any) -> bool:
    return isinstance(transform, dict) and (
        transform.get('type') == 'PhotoMetricDistortion'
    )


def convert_dataset(dataset: ConfigDict, modalities: Sequence[str]) -> dict[str, Any]:
    """The data set over ``modalities``; its wrappers stay."""
    wrapped = [key for key in ('dataset', 'datasets') if dataset.get(key)]
    if wrapped or 'pipeline' not in dataset:  # RepeatDataset, ConcatDataset
        for key in wrapped:
            inner = dataset[key]
            if isinstance(inner, dict):
                dataset[key] = convert_dataset(inner, modalities)
            else:
                dataset[key] = [convert_dataset(part, modalities) for part in inner]
        if 'pipeline' in dataset:  # MultiImageMixDataset
            dataset['pipeline'] = convert_pipelines(dataset['pipeline'], modalities)
        return dataset
    dataset_class: Any = DATASETS.get(dataset['type'])
    settings = _settings(dataset_class, dataset)
    images = (dataset.get('data_prefix') or {}).get('img_path', '')
    suffix = settings['img_suffix']
    prefixes = {name: _folder(images, name) for name in modalities}
    if 'rgb' in prefixes:
        prefixes['rgb'] = images
    if 'seg_map_path' in (dataset.get('data_prefix') or {}):
        prefixes['seg_map_path'] = dataset['data_prefix']['seg_map_path']
    own = ('type', 'data_prefix', 'img_suffix', 'pipeline', 'metainfo')
    metainfo, of_subset = _classes_of(
        dataset_class.METAINFO,
        read_class_names(dataset.get('metainfo')),
        settings['reduce_zero_label'],
    )
    return dict(
        type='MultimodalSegDataset',
        metainfo=metainfo,
        modalities={name: _modality(name, suffix) for name in modalities},
        data_prefix=prefixes,
        seg_map_suffix=settings['seg_map_suffix'],
        reduce_zero_label=settings['reduce_zero_label'] and not of_subset,
        **of_subset,
        **{
            key: value
            for key, value in dataset.items()
            if key not in (*own, 'seg_map_suffix', 'reduce_zero_label')
        },
        pipeline=convert_pipelines(dataset['pipeline'], modalities),
    )


def _classes_of(
    known: Mapping[str, Any], own: Mapping[str, Any], reduce_zero_label: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Meta information, and the map of labels to classes that are chosen of a data set.

    The toolbox derives the map from the class of the data set, which is another now.

    Args:
        known: ``METAINFO`` of the class of the data set.
        own: Meta information of the config.
        reduce_zero_label: Whether stored labels begin at 1.

    Returns:
        The meta information, and ``label_map`` if there is one.
    """
    names, chosen = list(known.get('classes') or ()), list(own.get('classes') or ())
    if not chosen or not names or chosen == names or not {*chosen} <= {*names}:
        return {**known, **own}, {}
    kept = {name: chosen.index(name) for name in chosen}
    first = int(reduce_zero_label)
    label_map = {0: None} if reduce_zero_label else {}
    label_map |= {k: kept.get(name) for k, name in enumerate(names, first)}
    colors = dict(zip(names, known.get('palette') or (), strict=False))
    palette = {'palette': [colors[name] for name in chosen]} if colors else {}
    return {**known, **palette, **own}, {'label_map': label_map}


def _settings(dataset_class: Any, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a data set: those of its config, of its class, and defaults.

    A class may hand constants to its parent, ``super().__init__(img_suffix='.bmp',
    **kwargs)``, which only an object of it tells.
    """
    settings = {**_defaults(dataset_class), **dataset}
    given = {k: v for k, v in dataset.items() if k not in ('type', 'pipeline')}
    try:
        built = dataset_class(**{**given, 'pipeline': [], 'lazy_init': True})
    except Exception:  # some look for their files, which may be elsewhere
        return settings
    names = ('img_suffix', 'seg_map_suffix', 'reduce_zero_label')
    return settings | {n: getattr(built, n) for n in names if hasattr(built, n)}


def _defaults(dataset_class: type) -> dict[str, Any]:
    """Default arguments of a data set and of its base classes."""
    defaults: dict[str, Any] = {}
    for base in reversed(dataset_class.__mro__):
        if '__init__' in vars(base) and base is not object:
            parameters = inspect.signature(base.__init__).parameters.values()
            defaults |= {p.name: p.default for p in parameters}
    return defaults


def _folder(images: str, name: str) -> str:
    """Folder of a modality beside the images: images/train -> depth/train."""
    return '/'.join([name, *images.split('/')[1:]])


def _modality(name: str, image_suffix: str) -> dict[str, Any]:
    if name == 'rgb':
        return dict(suffix=image_suffix)
    suffix = str(Path('x' + image_suffix).with_suffix('.png'))[1:]
    suffix = suffix.replace('leftImg8bit', name)
    if name == 'depth':  # 16 bit, millimeters
        return dict(suffix=suffix, dtype='uint16', scale=1e-3, fill='nearest')
    return dict(suffix=suffix)
