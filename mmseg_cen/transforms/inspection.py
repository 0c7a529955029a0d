"""A look at the modalities of a few samples, before a run begins."""

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from mmseg_cen.modality import Modality
from mmseg_cen.once import warn_once
from mmseg_cen.plausibility import ROOMS, DepthSummary, doubts
from mmseg_cen.sentinels import find_invalid

from .encode import EncodeDepth
from .geometry import RandomFlip, RandomRotate
from .reading import read_modality

#: Questions about depth that do not depend on its unit.
WITHOUT_UNIT = ('empty', 'saturated', 'negative')
# Within names of vectors of the image plane.
_DIRECTIONS = ('normal', 'flow')


def has_directions(name: str) -> bool:
    """Whether values of a modality are directions, which a flip would have to turn."""
    return any(word in name.lower() for word in _DIRECTIONS)


def inspect_directions(
    modalities: Mapping[str, Modality], pipeline: Sequence[Any]
) -> None:
    """Warn of directions that a transform would not turn with the image."""
    turning = [t for t in pipeline if isinstance(t, RandomFlip | RandomRotate)]
    names = [type(t).__name__ for t in turning if t.prob]
    for name, modality in modalities.items():
        is_domain = type(modality).reorient is not Modality.reorient
        turns_itself = is_domain and getattr(modality, 'vectors', True)
        if (
            names
            and modality.channels > 1
            and has_directions(name)
            and not turns_itself
        ):
            remedy = 'set vectors=True for unit vectors, ' if is_domain else ''
            warn_once(
                f'directions {name}',
                f'Modality {name!r} has directions, by its name, and {names[0]} moves '
                f'its pixels without turning them: {remedy}leave '
                f'{" and ".join(names)} out, or name the modality otherwise if its '
                'values are no directions',
            )


def is_depth(name: str, modality: Modality) -> bool:
    """Whether a modality is taken for depth: by its name, or what it says itself."""
    if modality.channels != 1:
        return False
    named = re.fullmatch(r'(raw_)?depth(_\w+)?', name) is not None
    return named or modality.plausible is not None


def inspect_depth(
    samples: Sequence[Mapping[str, Any]],
    factors: Mapping[str, float | None],
    backend_args: dict[str, Any] | None = None,
) -> None:
    """Warn of depth that cannot be meters.

    Args:
        samples: Some samples of a data set, with ``modalities``, ``modality_paths`` and
            perhaps ``absent``.
        factors: By what the pipeline multiplies a modality to get meters, beside its
            ``scale``; None if it wants no meters.
        backend_args: Arguments of the file backend.
    """
    for name, modality in samples[0]['modalities'].items() if samples else ():
        if not is_depth(name, modality):
            continue
        paths = [
            sample['modality_paths'][name]
            for sample in samples
            if name not in sample.get('absent', ())
        ]
        if not paths:
            continue
        stored = (read_modality(name, modality, p, {1}, backend_args) for p in paths)
        summary = reduce(add, (summarize_depth(one, modality) for one in stored))
        doubt_depth(name, modality, summary, factors.get(name, 1), paths[0])


def doubt_depth(
    name: str,
    modality: Modality,
    summary: DepthSummary,
    factor: float | None,
    example: str,
) -> None:
    """Warn of depth that cannot be meters.

    Args:
        name: Name of the modality.
        modality: Its options.
        summary: Of stored values.
        factor: By what the pipeline multiplies it to get meters, beside its ``scale``;
            None if it wants no meters.
        example: Where some of the values come from.
    """
    unit = (modality.scale or 1) * (factor or 1)
    plausible = modality.plausible or ROOMS
    for word, doubt in doubts(summary, unit, plausible).items():
        if factor is None and word not in WITHOUT_UNIT:
            continue
        hint = '; `plausible` of the modality settles it' if word == 'unit' else ''
        warn_once(
            f'{word} {name}',
            f'Modality {name!r} of {summary.images} samples, such as {example}, is '
            f'taken for depth in meters: {doubt}{hint}',
        )


def depth_factors(pipeline: Sequence[Any]) -> dict[str, float | None]:
    """By what encodings among transforms multiply depth to get meters.

    ``None``: the encoding is relative, and wants no meters.
    """
    encodings = [t for t in pipeline if isinstance(t, EncodeDepth)]
    return {e.modality: None if e.is_relative else e.scale for e in encodings}


def summarize_depth(stored: np.ndarray, modality: Modality) -> DepthSummary:
    """What is counted of stored depth (H, W); zeros are no depth."""
    ranges: Any = modality.invalid or ()
    valid = ~find_invalid(stored, ranges) & (stored != 0)
    return DepthSummary.of(stored, valid)
