"""Random dropout of modalities, so that a network learns to do without them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomModalityDropout(BaseTransform):
    """Mark modalities of a sample as absent, each with a probability, but never all.

    Each modality is drawn by itself, and all are drawn again where none would be left.
    The array of an absent modality stays in place: the geometry moves it, the
    preprocessor replaces it by the mean, and the model ignores its stream.

    Required Keys:

    - modalities (dict[str, Modality])
    - absent (tuple[str, ...], optional): names of modalities without a file

    Added Keys:

    - absent (tuple[str, ...]): names of the absent modalities, in order

    Args:
        prob: Probability that a modality is absent: one number for all modalities, or
            one under the name of each modality that may be absent.

    Raises:
        ValueError: If a probability is not in [0, 1), or a name is unknown.
    """

    def __init__(self, prob: float | Mapping[str, float] = 0.2) -> None:
        self.prob = dict(prob) if isinstance(prob, Mapping) else prob
        for p in self.prob.values() if isinstance(self.prob, dict) else [self.prob]:
            if not 0 <= p < 1:
                raise ValueError(
                    f'`prob` must be in [0, 1), got {prob}: leave a modality that is '
                    'never there out of the model'
                )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Draw the absent modalities of one sample."""
        modalities = results['modalities']
        if isinstance(self.prob, dict):
            if unknown := sorted(set(self.prob) - set(modalities)):
                raise ValueError(
                    f'`prob` must name modalities out of {list(modalities)}, got '
                    f'{unknown}: correct or remove them'
                )
            prob = [self.prob.get(name, 0.0) for name in modalities]
        else:
            prob = [self.prob] * len(modalities)
        missing = np.isin(list(modalities), list(results.get('absent', ())))
        absent = missing | (np.random.random(len(prob)) < prob)
        while absent.all() and not missing.all():
            absent = missing | (np.random.random(len(prob)) < prob)
        pairs = zip(modalities, absent, strict=True)
        results['absent'] = tuple(name for name, gone in pairs if gone)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
