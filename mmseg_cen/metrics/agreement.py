"""In how far the streams of a network are different opinions."""

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

#: The share of the pixels of which one stream at least predicts the class.
ORACLE = 'oracle'
AGREEMENT = 'agreement'

#: Pixels that count, and of how many, by the name of their share.
Pixels = dict[str, tuple[int, int]]


def compare_streams(
    streams: Mapping[str, Tensor], label: Tensor, ignore_index: int
) -> Pixels:
    """Count labeled pixels on which streams predict the same class, and a right one.

    Args:
        streams: Predicted classes (H, W) by modality.
        label: Classes (H, W).
        ignore_index: Label of the pixels that do not count.

    Returns:
        Of two streams or more: ``agreement/rgb+depth`` for each pair of streams and for
        all of them; ``oracle``, pixels on which one stream at least is right, which is
        what a perfect choice among the streams would reach.
    """
    if len(streams) < 2:
        return {}
    counted = label != ignore_index
    label = label[counted]
    classes = {name: stream[counted] for name, stream in streams.items()}
    right = sum((c == label).long() for c in classes.values())
    assert isinstance(right, Tensor)
    pixels = {ORACLE: (int((right > 0).sum()), label.numel())}
    for group in dict.fromkeys([*combinations(classes, 2), tuple(classes)]):
        first, *others = (classes[name] for name in group)
        same = sum((c == first).long() for c in others)
        assert isinstance(same, Tensor)
        agreeing = int((same == len(others)).sum())
        pixels[f'{AGREEMENT}/{"+".join(group)}'] = (agreeing, label.numel())
    return pixels


def shares_of(pixels: Iterable[Pixels]) -> dict[str, float]:
    """Shares over several images, in percent, those of all streams first.

    ``agreement`` is the share on which all streams agree, over the images that have all
    of them; it is left out if none has. Of more than two streams, there is
    ``agreement/rgb+depth`` for each pair, too.
    """
    sums: dict[str, NDArray[np.int64]] = {}
    for image in pixels:
        for name, counts in image.items():
            sums[name] = sums.get(name, np.zeros(2, np.int64)) + counts
    shares = {
        name: float(np.round(100 * part / whole, 2)) if whole else float('nan')
        for name, (part, whole) in sums.items()
    }
    if not shares:
        return {}
    oracle = shares.pop(ORACLE)
    widest = widest_of(shares)
    found = {ORACLE: oracle}
    if widest is not None:
        found = {AGREEMENT: shares.pop(widest), **found}
    groups = sorted(shares, key=lambda name: (name.count('+'), name))
    return found | {name: shares[name] for name in groups}


def widest_of(names: Iterable[str]) -> str | None:
    """The share that is of all streams; None if several are of as many."""
    by_number: dict[int, list[str]] = {}
    for name in names:
        by_number.setdefault(name.count('+'), []).append(name)
    widest = by_number[max(by_number)] if by_number else []
    return widest[0] if len(widest) == 1 else None
