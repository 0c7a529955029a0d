"""Pixel errors of every direction of a cyclic translation."""

from collections.abc import Sequence
from typing import Any

from mmseg.registry import METRICS

from ..metrics import TranslationMetric
from .samples import direction


@METRICS.register_module()
class CyclicTranslationMetric(TranslationMetric):
    """:class:`TranslationMetric` of each domain, predicted from the others.

    Keys begin with the domain: ``depth/MAE`` of the ensemble, ``depth/rgb/MAE`` of the
    stream of RGB; ``MAE`` is the mean of the ensembles of all domains.

    Args:
        **kwargs: Arguments of :class:`TranslationMetric`, but for physical values.

    Raises:
        ValueError: If values are to be physical: units of several domains have no mean.
    """

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get('value_range') == 'physical':
            raise ValueError(
                '`value_range` of CyclicTranslationMetric must be numbers, got '
                "'physical': leave it out"
            )
        super().__init__(**kwargs)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            first = len(self.results)
            views = [direction(sample, name).to_dict() for name in sample['sources']]
            super().process(data_batch, views)
            sums = self.results[first:]
            del self.results[first:]
            self.results.append(dict(zip(sample['sources'], sums, strict=True)))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        targets = [*results[0]]
        found = {
            target: super(CyclicTranslationMetric, self).compute_metrics(
                [result[target] for result in results]
            )
            for target in targets
        }
        means = {
            name: sum(found[target][name] for target in targets) / len(targets)
            for name in self.measures
        }
        return means | {
            f'{target}/{key}': value
            for target, values in found.items()
            for key, value in values.items()
        }
