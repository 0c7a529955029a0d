"""IoU of every stream and of the ensemble."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from prettytable import PrettyTable

from mmseg_cen.models.ensemble_head import ENSEMBLE


@METRICS.register_module()
class StreamIoUMetric(IoUMetric):
    """aAcc, mAcc and mIoU of each modality and of the ensemble, in one pass.

    The ensemble's values have plain names, ``mIoU``, so that ``save_best='mIoU'``
    works; a modality's have its name in front, ``rgb/mIoU``. All are in percent. Of a
    model that predicts no streams it is ``IoUMetric``. Saved predictions are the
    ensemble's.

    Args:
        **kwargs: Arguments of :class:`mmseg.evaluation.IoUMetric`.
    """

    def process(
        self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]
    ) -> None:
        first = len(self.results)
        super().process(data_batch, data_samples)
        if self.format_only:
            return
        num_classes = len(self.dataset_meta['classes'])
        for i, sample in enumerate(data_samples, first):
            label = sample['gt_sem_seg']['data'].squeeze()
            streams = sample.get('pred_streams', {})
            areas = {
                name: self.intersect_and_union(
                    streams[name].squeeze(),
                    label.to(streams[name]),
                    num_classes,
                    self.ignore_index,
                )
                # `pred_streams` has no order of its own.
                for name in sample.get('modalities', sorted(streams))
                if name in streams
            }
            self.results[i] = {**areas, ENSEMBLE: self.results[i]}

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        if self.format_only:
            return super().compute_metrics(results)
        logger = MMLogger.get_current_instance()
        classes = PrettyTable()
        classes.add_column('Class', list(self.dataset_meta['classes']))
        summary = PrettyTable()
        metrics: dict[str, float] = {}
        for output in results[0]:
            areas = [
                sum(area) for area in zip(*(r[output] for r in results), strict=True)
            ]
            values = self.total_area_to_metrics(
                *areas, self.metrics, self.nan_to_num, self.beta
            )
            means = {
                key if key == 'aAcc' else f'm{key}': np.round(np.nanmean(v) * 100, 2)
                for key, v in values.items()
            }
            summary.field_names = ['Output', *means]
            summary.add_row([output, *means.values()])
            for key, value in values.items():
                if key != 'aAcc':
                    classes.add_column(f'{output} {key}', np.round(value * 100, 2))
            prefix = '' if output == ENSEMBLE else f'{output}/'
            metrics |= {prefix + key: float(mean) for key, mean in means.items()}
        print_log(f'per class results:\n{classes}', logger)
        print_log(f'results of each stream and of the ensemble:\n{summary}', logger)
        return metrics
