"""Damaged modalities: elements that are lost, and noise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.corruptions import DAMAGES, Corruption, name_of_draws, random_numbers

#: Seeds that are drawn are below it.
MAX_SEED = 2**31


def mark(results: dict[str, Any], *corruptions: Corruption) -> dict[str, Any]:
    """Add corruptions to those that a sample has; the data preprocessor does them.

    Raises:
        ValueError: If the sample has no such modality.
    """
    modalities = results.get('modalities', ())
    for corruption in corruptions:
        for name in (corruption.modality, corruption.source):
            if name is not None and name not in modalities:
                raise ValueError(
                    'a modality to corrupt must be one of the sample, '
                    f'{list(modalities)}, got {name!r}: correct the name'
                )
    results['corruptions'] = (*results.get('corruptions', ()), *corruptions)
    return results


def draw_seed(seed: int | None) -> int:
    """A seed, or, for ``None``, a new one from NumPy's random numbers."""
    return int(np.random.randint(MAX_SEED)) if seed is None else seed


@TRANSFORMS.register_module()
class CorruptModalities(BaseTransform):
    """Mark modalities as damaged: lost, or noisy.

    Of the robustness protocols, the modalities that are missing (EMM) are
    ``how='zero', amount=1``, those whose elements are missing at random (RMM)
    ``how='zero', amount=0.25``, and noisy ones (NM) ``how='salt_and_pepper'`` and then
    ``how='gaussian'``. ``tools/test.py --protocol`` measures all their cases.

    The arrays stay as they are: the :class:`~mmseg_cen.models.MultimodalPreprocessor`
    does it in normalized units, as :class:`~mmseg_cen.corruptions.Corruption` says.
    What a sample lacks (``absent``) stays absent. Place it anywhere before
    ``PackMultimodalInputs``.

    Required Keys:

    - modalities (dict[str, Modality])
    - corruptions (tuple[Corruption, ...], optional)

    Added Keys:

    - corruptions (tuple[Corruption, ...])

    Args:
        how: ``'zero'``, ``'salt_and_pepper'`` or ``'gaussian'``.
        amount: Share of the elements, or standard deviation in normalized units.
        modalities: Names of the damaged modalities; ``None``: all.
        prob: Probability that a modality is damaged, each by itself.
        seed: A sample is damaged alike, or spared, whenever it is loaded; ``None``:
            anew each time, as in a training.

    Raises:
        ValueError: If an argument is out of its range, or a name is unknown.
    """

    def __init__(
        self,
        how: str,
        amount: float = 1.0,
        modalities: Sequence[str] | None = None,
        prob: float = 1.0,
        seed: int | None = 0,
    ) -> None:
        if how not in DAMAGES:
            raise ValueError(
                f'`how` must be one of {(*DAMAGES,)}, got {how!r}: choose one'
            )
        Corruption('', how, amount, seed=seed or 0)  # checks it
        if not 0 <= prob <= 1:
            raise ValueError(f'`prob` must be in [0, 1], got {prob}: correct it')
        self.how = how
        self.amount = amount
        self.modalities = modalities
        self.prob = prob
        self.seed = seed

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mark the modalities of one sample."""
        names = self.modalities
        if names is None:
            names = list(results['modalities'])
        if self.prob < 1:
            names = [name for name in names if self._draw(name, results) < self.prob]
        seed = draw_seed(self.seed)
        return mark(
            results,
            *(Corruption(name, self.how, self.amount, seed=seed) for name in names),
        )

    def _draw(self, name: str, results: dict[str, Any]) -> float:
        if self.seed is None:
            return np.random.random()
        damage = Corruption(name, self.how, self.amount, seed=self.seed)
        return random_numbers(damage, name_of_draws(results)).random()

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({self.how!r}, amount={self.amount}, modalities='
            f'{self.modalities}, prob={self.prob}, seed={self.seed})'
        )
