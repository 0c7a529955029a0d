"""A look at some labels before a training, so that no epoch is lost to wrong ones."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmseg_cen.preparation.statistics import ClassStatistics
from mmseg_cen.transforms import LoadAnnotations

#: Labels that are read of each data set; and until all classes have been seen.
FEW, MANY = 64, 256

#: Share of the pixels from which on a class is said to outnumber the others.
DOMINANT = 0.9

#: Class weights are printed of so many classes.
PRINTED = 20


def multimodal_sets(dataset: Any) -> Iterator[BaseSegDataset]:
    """The multimodal data sets of segmentation, within wrappers or alone."""
    if isinstance(dataset, BaseSegDataset):
        if hasattr(dataset, 'modalities'):
            yield dataset
        return
    for part in getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)]):
        if part is not None:
            yield from multimodal_sets(part)


def check_some_labels(dataset: BaseSegDataset) -> None:
    """Read some labels of a data set, spread over it.

    Raises:
        ValueError: If a file is not as the data set says.
    """
    if (loader := _loader_of(dataset)) is not None:
        for index in _spread(len(dataset))[:FEW]:
            loader.read(dataset.get_data_info(index))


def survey_labels(dataset: BaseSegDataset, weighted: bool) -> None:
    """Check some labels of a training, and warn of classes that cannot be learned.

    It is read until all classes have been seen, within limits, and two at least.

    Args:
        dataset: A multimodal data set.
        weighted: Whether a loss weighs the classes.

    Raises:
        ValueError: If a file is not as the data set says, or one class is all that all
            files have besides ignored pixels.
    """
    loader = _loader_of(dataset)
    if loader is None:
        return
    names = list(dataset.metainfo['classes'])
    found, number = None, 0
    for number, index in enumerate(_spread(len(dataset)), start=1):
        labels = loader.read(dataset.get_data_info(index))
        own = ClassStatistics.of(labels, len(names), dataset.ignore_index)
        found = own if found is None else found + own
        seen = (found.counts > 0).sum()
        if number >= FEW and (seen == len(names) or (seen > 1 and number >= MANY)):
            break
    if found is not None:
        path = dataset.get_data_info(0)['seg_map_path']
        what = f'{number} of the {len(dataset)} label files, such as {path}'
        _require_two_classes(found, names, dataset.ignore_index, what)
        _warn(found, names, weighted, what)


def _require_two_classes(
    found: ClassStatistics, names: Sequence[str], ignore_index: int, what: str
) -> None:
    seen = np.flatnonzero(found.counts)
    if len(seen) > 1 or found.counts.sum() == found.pixels:
        return
    only = ' and '.join(
        [*(f'{k} ({names[k]!r})' for k in seen.tolist()), f'{ignore_index}']
    )
    raise ValueError(
        f'labels must be of two classes at least, got only {only}, which is ignored, '
        f'in {what}: if {ignore_index} stands for a class, give the data set '
        f'label_map={{0: 0, {ignore_index}: 1}}'
    )


def _warn(
    found: ClassStatistics, names: Sequence[str], weighted: bool, what: str
) -> None:
    summary = found.summary()
    frequency = np.array(summary['frequency'])
    sentences = []
    if never := [
        name for name, share in zip(names, frequency, strict=True) if not share
    ]:
        shown = ', '.join(never[:PRINTED]) + (', ...' if never[PRINTED:] else '')
        sentences.append(
            f'{len(never)} of {len(names)} classes do not occur: {shown}: check '
            '`classes` and the labels'
        )
    most = int(frequency.argmax())
    if frequency[most] > DOMINANT and not weighted:
        weights = [float(f'{weight:.3g}') for weight in summary['log_weight']]
        offer = f'class_weight={weights}' if len(names) <= PRINTED else '`class_weight`'
        sentences.append(
            f'{names[most]} has {frequency[most]:.1%} of the pixels, so that a network '
            f'may predict nothing else: give {offer} to `loss_decode` of the heads '
            '(tools/analysis/dataset_stats.py measures all files)'
        )
    for sentence in sentences:
        print_log(f'In {what}, {sentence}.', 'current', logging.WARNING)


def _loader_of(dataset: BaseSegDataset) -> LoadAnnotations | None:
    loaders = [t for t in dataset.pipeline.transforms if isinstance(t, LoadAnnotations)]
    return loaders[0] if loaders else None


def _spread(count: int) -> list[int]:
    """All indices, those first that are spread evenly."""
    first = [
        index
        for number in (FEW, MANY)
        for index in np.linspace(0, count - 1, min(count, number)).astype(int).tolist()
    ]
    return list(dict.fromkeys([*first, *range(count)]))
