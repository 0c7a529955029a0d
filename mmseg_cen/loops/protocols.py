"""Robustness protocols: which cases each has, and how their figures become one.

The protocols are those of Liao et al., "Benchmarking Multi-modal Semantic Segmentation
under Sensor Failures: Missing and Noisy Modality Robustness", 2025 (arXiv 2503.18445),
by its scripts, for any number M of modalities.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mmseg_cen.corruptions import Corruption

from .subsets import all_subsets

#: Title of each protocol.
PROTOCOLS = dict(
    emm='entire-missing modality', rmm='random-missing modality', nm='noisy modality'
)
#: What a missing modality is to the network.
MISSING = ('absent', 'zero')
#: Shares of the elements that RMM sets to zero.
SHARES = (0.25, 0.5, 0.75)
#: Density of the salt and pepper, and standard deviation of the noise, of NM's levels.
NOISES = ((0.05, 0.1), (0.1, 0.2), (0.2, 0.5))
#: Probabilities that a modality is damaged, of the expectations.
PROBABILITIES = (0.2, 0.1, 0.05)

INTACT = 'intact'


@dataclass(frozen=True)
class Case:
    """What is done to all samples of a data set.

    Args:
        name: Its name among the metrics.
        damaged: Names of the damaged modalities.
        level: How much they are damaged, where there are several levels.
        absent: Names of the modalities that the network knows to be missing.
        corruptions: What is done to the others.
    """

    name: str
    damaged: tuple[str, ...] = ()
    level: str = ''
    absent: tuple[str, ...] = ()
    corruptions: tuple[Corruption, ...] = ()


def cases_of(
    protocol: str,
    modalities: Sequence[str],
    missing: str = 'absent',
    no_gaussian: Sequence[str] = (),
    seed: int = 0,
) -> list[Case]:
    """The cases of a protocol, the intact data first.

    ========  ==========================================================================
    protocol  cases
    ========  ==========================================================================
    emm       each subset of the modalities, but all of them, is missing
    rmm       each subset of the modalities, but all of them, has lost a share of its
              elements: a quarter, half, or three quarters
    nm        all modalities have salt and pepper, then Gaussian noise, on three levels
    ========  ==========================================================================

    Args:
        protocol: A key of :data:`PROTOCOLS`.
        modalities: Names of the modalities.
        missing: Of 'emm': ``'absent'``: the network knows what is missing, ``'zero'``:
            it gets zeros, and takes them for an input.
        no_gaussian: Of 'nm': names of the modalities without Gaussian noise.
        seed: Of the draws.
    """
    if protocol == 'nm':
        return [
            Case(INTACT),
            *(
                _noisy_case(modalities, density, std, no_gaussian, seed)
                for density, std in NOISES
            ),
        ]
    damages = [
        tuple(name for name in modalities if name not in present)
        for present in all_subsets(modalities)
    ]
    if protocol == 'emm':
        return [_missing_case(d, modalities, missing, seed) for d in damages]
    return [
        Case(INTACT),
        *(
            Case(f'r={r}/{"+".join(d)}', d, f'r={r}', (), _zeros(d, r, seed))
            for r in SHARES
            for d in damages[1:]
        ),
    ]


def _missing_case(
    damaged: tuple[str, ...], modalities: Sequence[str], missing: str, seed: int
) -> Case:
    name = '+'.join(name for name in modalities if name not in damaged)
    if missing == 'absent':
        return Case(name, damaged, absent=damaged)
    return Case(name, damaged, corruptions=_zeros(damaged, 1.0, seed))


def _zeros(names: Sequence[str], share: float, seed: int) -> tuple[Corruption, ...]:
    return tuple(Corruption(name, 'zero', share, seed=seed) for name in names)


def _noisy_case(
    modalities: Sequence[str],
    density: float,
    std: float,
    no_gaussian: Sequence[str],
    seed: int,
) -> Case:
    salted = [Corruption(m, 'salt_and_pepper', density, seed=seed) for m in modalities]
    noisy = [
        Corruption(name, 'gaussian', std, seed=seed)
        for name in modalities
        if name not in no_gaussian
    ]
    name = f'density={density},std={std}'
    return Case(name, tuple(modalities), name, corruptions=(*salted, *noisy))


def marked(batch: dict[str, Any], case: Case) -> dict[str, Any]:
    """A batch whose samples are marked as a case says; the batch stays as it is.

    Args:
        batch: What a dataloader gives, of augmented samples, too.
        case: The case.

    Raises:
        ValueError: If a sample has none of the modalities that are not missing.
    """
    return {**batch, 'data_samples': _marked(batch['data_samples'], case)}


def _marked(samples: Any, case: Case) -> Any:
    if isinstance(samples, list | tuple):
        return [_marked(sample, case) for sample in samples]
    absent = {*case.absent, *(samples.get('absent') or ())}
    names = [*samples.get('modalities', ())]
    if names and absent >= {*names}:
        raise ValueError(
            lacks_modalities(samples.get('img_path'), samples.get('absent'))
        )
    sample = copy.deepcopy(samples)
    corruptions = (*(samples.get('corruptions') or ()), *case.corruptions)
    order = tuple(name for name in names if name in absent) or tuple(sorted(absent))
    sample.set_metainfo(dict(absent=order, corruptions=corruptions))
    return sample


def lacks_modalities(image: Any, absent: Any) -> str:
    """Why a sample cannot be tested without the modalities that it has."""
    return (
        f'samples must have all modalities for a protocol, got {image} without '
        f'{absent}: leave such samples out of the data set, or set --missing zero'
    )


def mean(values: Iterable[float]) -> float:
    """The plain mean of the figures of all cases: each is as probable."""
    values = list(values)
    return sum(values) / len(values)


def expectation(
    figures: Iterable[tuple[int, float]], num_modalities: int, p: float
) -> float:
    r"""Expected figure where each modality is damaged with the probability ``p``.

    :math:`\sum_s w_s f_s / \sum_s w_s` with :math:`w_s = p^k (1 - p)^{M - k}` over the
    subsets s of k damaged modalities. All are never damaged, hence the denominator.

    Args:
        figures: Number k of damaged modalities and figure f of each subset.
        num_modalities: Number M of modalities.
        p: The probability.

    Raises:
        ValueError: If it is not in [0, 1): with 1, all would be damaged.
    """
    if not 0 <= p < 1:
        raise ValueError(
            f'`p` must be in [0, 1), as not all modalities are damaged, got {p}: '
            'choose a smaller one'
        )
    figures = list(figures)
    weights = [p**k * (1 - p) ** (num_modalities - k) for k, _ in figures]
    terms = (w * figure for w, (_, figure) in zip(weights, figures, strict=True))
    return sum(terms) / sum(weights)
