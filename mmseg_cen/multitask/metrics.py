"""Metrics of depth and normals, of every stream and of the ensemble."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from prettytable import PrettyTable
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE

from .errors import angle_counts, angle_errors, depth_errors, depth_sums
from .targets import DEPTH, NORMALS


class _TargetMetric(BaseMetric):
    """Base of the metrics that compare maps with a target, over its valid pixels.

    Values of the ensemble, or of the only stream, have plain names; values of a
    modality of several are prefixed by its name: ``depth/rmse``, ``depth/rgb/rmse``.
    """

    target: str

    def process(
        self, data_batch: dict[str, Any], data_samples: Sequence[dict[str, Any]]
    ) -> None:
        for sample in data_samples:
            if self.target not in sample:
                raise ValueError(
                    f'samples must have `{self.target}` for {type(self).__name__}, got '
                    f'none in {sample.get("img_path")}: load it in the `pipeline` of '
                    f'the test, and pack it by PackMultitaskInputs'
                )
            target = sample[self.target]['data']
            found = {}
            for name, predicted in self._maps(sample):
                if predicted.shape[-2:] != target.shape[-2:]:
                    raise ValueError(
                        f'`{self.target}` must have the size of the prediction, '
                        f'{tuple(predicted.shape[-2:])}, got '
                        f'{tuple(target.shape[-2:])} of {sample.get("img_path")}: load '
                        f'it behind Resize in the `pipeline` of a test'
                    )
                known = target.to(predicted.device)  # in its own precision
                valid = known.isfinite().all(0) & known.any(0)
                found[name] = self.compare(predicted[:, valid], known[:, valid])
            self.results.append(found)

    def _maps(self, sample: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
        field = self.target.replace('gt_', 'pred_')
        if field not in sample:
            raise ValueError(
                f'predictions must have `{field}` for {type(self).__name__}, got '
                f'none of {sample.get("img_path")}: add the task to the model, or '
                f'leave the metric out'
            )
        yield from sorted(sample.get(f'{field}_streams', {}).items())
        yield ENSEMBLE, sample[field]['data']

    def compare(self, predicted: Tensor, target: Tensor) -> Any:
        """What is kept of the valid pixels of one map, (C, N)."""
        raise NotImplementedError

    def errors(self, kept: Sequence[Any]) -> dict[str, float]:
        """Errors of one output from what is kept of all samples."""
        raise NotImplementedError

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        names = {name: None for found in results for name in found}
        errors = {
            name: self.errors([found[name] for found in results if name in found])
            for name in names
        }
        table = PrettyTable(['Output', *errors[ENSEMBLE]])
        for name, row in errors.items():
            table.add_row([name, *(f'{value:.4f}' for value in row.values())])
        print_log(
            f'{self.prefix} of each output:\n{table}', MMLogger.get_current_instance()
        )
        return {
            key if name == ENSEMBLE else f'{name}/{key}': round(value, 6)
            for name, row in errors.items()
            for key, value in row.items()
        }


@METRICS.register_module()
class DepthErrorMetric(_TargetMetric):
    """``depth/rmse`` (meters), ``depth/abs_rel`` and ``depth/delta1`` to ``delta3``.

    See :func:`~mmseg_cen.multitask.errors.depth_errors`. Unlike those of the toolbox's
    ``DepthMetric``, they are over all valid pixels rather than means over images, of
    which some may have no valid pixel; and each stream is measured.
    """

    default_prefix = 'depth'
    target = DEPTH

    def compare(self, predicted: Tensor, target: Tensor) -> Tensor:
        return depth_sums(predicted[0], target[0])

    def errors(self, kept: Sequence[Tensor]) -> dict[str, float]:
        return depth_errors(torch.stack([*kept]).sum(0))


@METRICS.register_module()
class NormalsErrorMetric(_TargetMetric):
    """``normals/mean_angle``, ``median_angle``, ``below_11.25``, ``_22.5``, ``_30``.

    See :func:`~mmseg_cen.multitask.errors.angle_errors`.
    """

    default_prefix = 'normals'
    target = NORMALS

    def compare(self, predicted: Tensor, target: Tensor) -> tuple[Tensor, float]:
        return angle_counts(predicted, target)

    def errors(self, kept: Sequence[tuple[Tensor, float]]) -> dict[str, float]:
        counts, totals = zip(*kept, strict=True)
        return angle_errors(torch.stack(counts).sum(0), sum(totals))
