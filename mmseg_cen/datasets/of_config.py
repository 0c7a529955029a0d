"""What a config says about the samples of its test, without a look at their files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_cen.modality import Modality
from mmseg_cen.once import warn_once

from .synthetic import SyntheticRGBDDataset


@dataclass(frozen=True)
class SamplesOfTest:
    """How the samples of a test are read, and what their labels mean.

    Args:
        modalities: How the files of each modality are read.
        optional: Names of modalities that may be absent.
        reduce_zero_label: Whether label files count from 1.
        meta: ``classes``, ``palette`` and ``ignore_index``.
        pipeline: Configs of the transforms.
    """

    modalities: dict[str, Modality]
    optional: tuple[str, ...]
    reduce_zero_label: bool
    meta: dict[str, Any]
    pipeline: list[Any]


def samples_of_test(cfg: Config) -> SamplesOfTest:
    """Describe the samples of the test of a config, else of its validation.

    Rendered rooms have no files: depth of files must then be floats, meters, or have a
    stated unit, and its holes are filled by the nearest depth.

    Raises:
        ValueError: If the config has no multimodal data set of segmentation.
    """
    dataset = _dataset_of(cfg)
    found = DATASETS.get(dataset.get('type')) if dataset.get('type') else None
    built: Any = None
    if found is not None and hasattr(found, 'METAINFO'):
        built = DATASETS.build({**dataset, 'lazy_init': True})
    modalities = getattr(built, 'modalities', None)
    if not isinstance(modalities, Mapping) or not hasattr(built, 'reduce_zero_label'):
        raise ValueError(
            'the data set of the config must be a multimodal one of segmentation, such '
            f'as MultimodalSegDataset, got {dataset.get("type")!r}: use the config of '
            'the training'
        )
    if isinstance(built, SyntheticRGBDDataset):
        modalities = {
            name: one
            if name == 'rgb'
            else replace(one, dtype='float32', fill='nearest')
            for name, one in modalities.items()
        }
    return SamplesOfTest(
        modalities=dict(modalities),
        optional=tuple(getattr(built, 'optional', ())),
        reduce_zero_label=bool(built.reduce_zero_label),
        meta=dict(built.metainfo),
        pipeline=list(dataset['pipeline']),
    )


def select(
    modalities: Mapping[str, Modality],
    names: Sequence[str],
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Modality]:
    """The modalities of a network, with options that replace single ones.

    With a ``scale`` of its own, a modality has files of any type, and its holes are
    filled by the nearest value, unless its options say otherwise. Where the data set
    has integers without a ``scale``, a warning says that the network knows no unit.

    Args:
        modalities: Those of a data set.
        names: Those of the network, in order.
        changes: Options of :class:`~mmseg_cen.modality.Modality`, by name.

    Raises:
        ValueError: If a modality is not known, or an option is not allowed.
    """
    changes = changes or {}
    if unknown := sorted({*changes} - {*names}):
        raise ValueError(
            f'`modalities` must be out of those of the network, {list(names)}, got '
            f'{unknown}: correct or remove them'
        )
    if missing := [name for name in names if name not in modalities]:
        raise ValueError(
            f'the data set of the config must have the modalities of the network, '
            f'{list(names)}, got none of {missing}: use the config that the model was '
            'trained with'
        )
    chosen = {}
    for name in names:
        own, changed = modalities[name], dict(changes.get(name, {}))
        if 'scale' in changed:
            changed.setdefault('dtype', None)
            changed.setdefault('fill', 'nearest' if own.fill is None else own.fill)
            if own.scale is None and np.dtype(own.dtype or float).kind in 'ui':
                warn_once(
                    f'scale of {name}',
                    f'Modality {name!r} has no `scale` in the config: the network was '
                    f'trained on the values of {own.dtype} that files store, and not '
                    f'on physical ones. The unit that was given, {changed["scale"]}, '
                    'must make such values of yours',
                )
        try:
            chosen[name] = replace(own, **changed)
        except (TypeError, ValueError) as error:
            raise ValueError(f'modality {name!r}: {error}') from error
    return chosen


def _dataset_of(cfg: Config) -> dict[str, Any]:
    """The data set of the test, else of the validation, within wrappers."""
    for key in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        if dataset := (cfg.get(key) or {}).get('dataset'):
            return dict(next(innermost(dataset)))
    return {}


def innermost(dataset: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The configs of the data sets within wrappers, or of one that is not wrapped."""
    parts = dataset.get('datasets') or [dataset.get('dataset')]
    for part in parts:
        if part is None:
            yield dataset
        else:
            yield from innermost(part)


def without_repetition(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a data set without wrappers that repeat its samples.

    Configs of the toolbox repeat small data sets 40,000 times.
    """
    if 'datasets' in dataset:
        parts = [without_repetition(part) for part in dataset['datasets']]
        return {**dataset, 'datasets': parts}
    if 'dataset' not in dataset:
        return dict(dataset)
    inner = without_repetition(dataset['dataset'])
    repeats = str(dataset['type']).rpartition('.')[2] == 'RepeatDataset'
    return inner if repeats else {**dataset, 'dataset': inner}
