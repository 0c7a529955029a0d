"""A look at some labels before a training, so that no epoch is lost to wrong ones."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from mmseg_cen.preparation.statistics import ClassStatistics
from mmseg_cen.transforms import LoadAnnotations

#: Labels that are read of each data set; and until all classes have been seen.
FEW, MANY = 64, 256


def unwrapped_sets(dataset: Any) -> Iterator[Any]:
    """The data sets within a wrapper, or this one itself."""
    inner = getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)])
    if isinstance(dataset, BaseDataset) or inner == [None]:
        yield dataset
        return
    for part in inner:
        yield from unwrapped_sets(part)


def multimodal_sets(dataset: Any) -> Iterator[BaseSegDataset]:
    """The multimodal data sets of segmentation, within wrappers or alone."""
    for part in unwrapped_sets(dataset):
        if isinstance(part, BaseSegDataset) and hasattr(part, 'modalities'):
            yield part


def check_some_labels(dataset: BaseSegDataset) -> None:
    """Read some labels of a data set, spread over it.

    Raises:
        ValueError: If a file is not as the data set says.
    """
    if (loader := _loader_of(dataset)) is not None:
        for index in _spread(len(dataset))[:FEW]:
            loader.read(dataset.get_data_info(index))


def survey_labels(datasets: Sequence[BaseSegDataset], weighted: bool) -> None:
    """Check some labels of a training, and warn of classes that cannot be learned.

    Of each data set, some labels are read, more of them until all classes have been
    seen; and on until two have been.

    Args:
        datasets: The multimodal data sets of the training, of the same classes.
        weighted: Whether a loss weighs the classes.

    Raises:
        ValueError: If a file is not as its data set says, or one class is all that all
            files have besides ignored pixels.
    """
    found, names = None, []
    read: list[str] = []
    for dataset in datasets:
        if (loader := _loader_of(dataset)) is None:
            continue
        names = list(dataset.metainfo['classes'])
        for number, index in enumerate(_spread(len(dataset))):
            seen = 0 if found is None else (found.counts > 0).sum()
            if seen > 1 and number >= (FEW if seen == len(names) else MANY):
                break
            info = dataset.get_data_info(index)
            own = ClassStatistics.of(
                loader.read(info), len(names), dataset.ignore_index
            )
            found = own if found is None else found + own
            read.append(info['seg_map_path'])
    if found is None:
        return
    what = f'{len(read)} of {sum(map(len, datasets))} label files, such as {read[0]}'
    _require_two_classes(found, names, datasets[0].ignore_index, what)
    for concern in found.concerns(names, weighted):
        print_log(f'In {what}, {concern}.', 'current', logging.WARNING)


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
