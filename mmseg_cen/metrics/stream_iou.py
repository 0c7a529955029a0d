"""IoU of every stream and of the ensemble."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from prettytable import PrettyTable
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.class_maps import write_classes

from .agreement import compare_streams, shares_of
from .per_image import check_suffix, per_image_of, write_per_image
from .samples import (
    Areas,
    Facts,
    check_size,
    groups_of,
    outputs_of,
    streams_of,
    with_integers,
)


@METRICS.register_module()
class StreamIoUMetric(IoUMetric):
    """aAcc, mAcc and mIoU of each modality and of the ensemble, in one pass.

    Values of the ensemble have plain names, ``mIoU``, so that ``save_best='mIoU'``
    works; values of a modality are prefixed by its name, ``rgb/mIoU``. All are in
    percent. For a model without streams it is ``IoUMetric``. Predictions that are saved
    to ``output_dir`` are those of the ensemble, named by the stem of the image: two
    images of one stem are refused (``tools/test.py --out DIR`` keeps their folders).

    With ``group_by='camera'``, the same is computed over the samples of each camera:
    ``camera:kv2/mIoU``, ``camera:kv2/rgb/mIoU``. As in the toolbox, a mean is over the
    classes that occur in the labels or predictions of the group, and NaN if none does,
    unless ``nan_to_num`` replaces the missing values. ``group_by='present'`` groups the
    samples by the modalities that they have: ``present:rgb+depth/mIoU``.

    A stream is measured over the samples that have its modality. Of several streams,
    ``streams/agreement`` is the share of the labeled pixels on which all of them
    predict the same class, and ``streams/oracle`` the one on which one of them at least
    is right, see :func:`compare_streams`.

    Args:
        group_by: Names of one or several groupings of the data set; each is measured by
            itself.
        per_image_file: A file ``.npz`` that gets the areas of each image, see
            :class:`PerImage`; that of the validation before is replaced.
        **kwargs: Arguments of :class:`mmseg.evaluation.IoUMetric`.

    Raises:
        ValueError: If a sample has no group of such a name, two samples to be saved
            have one stem, or ``per_image_file`` has another suffix.
    """

    output_dir: str | None

    def __init__(
        self,
        group_by: str | Sequence[str] | None = None,
        per_image_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if per_image_file is not None:
            check_suffix(per_image_file)
        self.per_image_file = per_image_file
        self.group_by = [group_by] if isinstance(group_by, str) else [*(group_by or ())]
        self._saved: dict[Path, str] = {}
        # Of the last evaluation, by output and metric, in [0, 1]: (K,), but aAcc.
        self.per_class: dict[str, dict[str, np.ndarray]] = {}

    def check_data(self, datasets: Sequence[Any]) -> None:
        """Refuse data that could not be measured or saved, before any is predicted.

        Args:
            datasets: All data of a validation or test.

        Raises:
            ValueError: If a data set has no groups of such a name, or two samples to be
                saved have one stem.
        """
        for dataset in datasets:
            if self.group_by and not self.format_only and len(dataset):
                samples = dataset[0]['data_samples']  # transforms may add groups
                views = samples if isinstance(samples, list) else [samples]
                groups_of(views[0].to_dict(), self.group_by)
            for index in range(len(dataset) if self.output_dir is not None else 0):
                self._path(str(dataset.get_data_info(index)['img_path']))

    def process(
        self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]
    ) -> None:
        first = len(self.results)
        data_samples = [with_integers(sample) for sample in data_samples]
        if not self.format_only:
            for sample in data_samples:
                check_size(sample)
        output_dir = self.output_dir
        self.output_dir = None  # the toolbox's files have 8 bits, and replace others
        try:
            super().process(data_batch, data_samples)
        finally:
            self.output_dir = output_dir
        if output_dir is not None:
            num_classes = len(self.dataset_meta['classes'])
            for sample in data_samples:
                path = self._path(str(sample['img_path']))
                write_classes(path, sample, num_classes)
        if self.format_only:
            return
        groups = [groups_of(sample, self.group_by) for sample in data_samples]
        num_classes = len(self.dataset_meta['classes'])
        for i, sample in enumerate(data_samples, first):
            label = sample['gt_sem_seg']['data'].squeeze()
            streams = streams_of(sample)
            for stream in streams.values():
                label = label.to(stream.device)
            areas = {
                name: self.intersect_and_union(
                    stream, label, num_classes, self.ignore_index
                )
                for name, stream in streams.items()
            }
            areas[ENSEMBLE] = self.results[i]
            pixels = compare_streams(streams, label, self.ignore_index)
            image = str(sample.get('img_path', i))
            self.results[i] = (areas, Facts(groups[i - first], image, pixels))

    @staticmethod
    def intersect_and_union(
        pred_label: Tensor, label: Tensor, num_classes: int, ignore_index: int
    ) -> Areas:
        """Areas of each class, (K,), over the pixels that have a class.

        They are counted: the toolbox takes a histogram of floats, whose bins are no
        longer the classes if there are some thousands.
        """
        counted = label != ignore_index
        pred_label, label = pred_label[counted], label[counted]

        def areas(classes: Tensor) -> Tensor:
            known = classes[(classes >= 0) & (classes < num_classes)]
            return torch.bincount(known, minlength=num_classes).float().cpu()

        both = areas(pred_label[pred_label == label])
        predicted, true = areas(pred_label), areas(label)
        return both, predicted + true - both, predicted, true

    def _path(self, image: str) -> Path:
        """The file of the prediction for an image, unless it is another one's."""
        path = Path(self.output_dir or '', f'{Path(image).stem}.png')
        other = self._saved.setdefault(path, image)
        if other != image:
            raise ValueError(
                f'samples must have different names to be saved in `output_dir`, got '
                f'{other} and {image}: use tools/test.py --out DIR, which keeps folders'
            )
        return path

    def compute_metrics(
        self, results: list[tuple[dict[str, Areas], Facts]]
    ) -> dict[str, float]:
        logger = MMLogger.get_current_instance()
        if self.format_only:  # the toolbox's metric fails without `output_dir`
            if self.output_dir is not None:
                print_log(f'predictions: {self.output_dir}', logger)
            return {}
        if self.per_image_file is not None:
            classes = self.dataset_meta['classes']
            write_per_image(self.per_image_file, per_image_of(results, classes))
            print_log(f'areas of each image: {self.per_image_file}', logger)
        values = self._values([areas for areas, _ in results])
        self.per_class = values
        table = PrettyTable()
        table.add_column('Class', list(self.dataset_meta['classes']))
        for output, per_class in values.items():
            for key, value in per_class.items():
                if key != 'aAcc':
                    table.add_column(f'{output} {key}', np.round(value * 100, 2))
        print_log(f'per class results:\n{table}', logger)

        means = {output: _means(v) for output, v in values.items()}
        summary = PrettyTable(['Output', *means[ENSEMBLE]])
        for output, row in means.items():
            summary.add_row([output, *row.values()])
        print_log(f'results of each stream and of the ensemble:\n{summary}', logger)
        metrics = _keys(means)

        table = PrettyTable(['Group', 'Samples', 'Output', *means[ENSEMBLE]])
        for group in sorted({group for _, facts in results for group in facts.groups}):
            members = [areas for areas, facts in results if group in facts.groups]
            means = {output: _means(v) for output, v in self._values(members).items()}
            for output, row in means.items():
                table.add_row([group, len(members), output, *row.values()])
            metrics |= {f'{group}/{key}': v for key, v in _keys(means).items()}
        if self.group_by:
            print_log(f'results of each group of samples:\n{table}', logger)
        shares = shares_of(facts.pixels for _, facts in results)
        return metrics | {f'streams/{key}': share for key, share in shares.items()}

    def _values(
        self, results: Sequence[dict[str, Areas]]
    ) -> dict[str, dict[str, np.ndarray]]:
        """Values of each metric by output, in [0, 1]: (K,), but one of aAcc."""
        return {
            output: self.total_area_to_metrics(
                *map(
                    sum, zip(*(r[output] for r in results if output in r), strict=True)
                ),
                self.metrics,
                self.nan_to_num,
                self.beta,
            )
            for output in outputs_of(results)
        }


def _means(values: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean of each metric over the classes that have a value, in percent."""
    return {
        key if key == 'aAcc' else f'm{key}': float(np.round(100 * _nanmean(value), 2))
        for key, value in values.items()
    }


def _nanmean(values: np.ndarray) -> float:
    """NumPy's ``nanmean``, without its warning where all values are NaN."""
    return float('nan') if np.isnan(values).all() else float(np.nanmean(values))


def _keys(means: dict[str, dict[str, float]]) -> dict[str, float]:
    """The means of all outputs under their keys, e.g. ``mIoU``, ``rgb/mIoU``."""
    return {
        key if output == ENSEMBLE else f'{output}/{key}': mean
        for output, row in means.items()
        for key, mean in row.items()
    }
