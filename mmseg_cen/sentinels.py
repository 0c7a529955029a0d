"""Stored values that mean "not measured": 65535, -1, NaN, or what a camera writes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A stored value; a range, 'low..high' or (low, high); or several of these in a list.
Invalid = float | str | Sequence[float | str | Sequence[float]]
#: Lowest and highest of some stored values.
Limits = tuple[float, float]

FORM = "give values and ranges in a list, e.g. [65535, '60000..65000', 'nan']"


def parse_invalid(invalid: Invalid | None) -> tuple[Limits, ...]:
    """Ranges of stored values, both ends included; of a single value, twice itself.

    Args:
        invalid: ``65535`` or ``'65535'`` is a value, ``'60000..65535'`` a range, which
            within a list may also be a pair, ``[(60000, 65535)]``. A list of two
            numbers holds two values. ``'nan'`` stands for all that is not finite.

    Raises:
        ValueError: If an entry is neither a value nor a range, lowest end first.
    """
    if invalid is None:
        return ()
    entries: Sequence[Any] = (
        [invalid] if isinstance(invalid, (str, int, float)) else list(invalid)
    )
    ranges = []
    for entry in entries:
        ends = entry.split('..') if isinstance(entry, str) else np.atleast_1d(entry)
        try:
            low, high = float(ends[0]), float(ends[-1])
        except (TypeError, ValueError, IndexError):
            low, high = 1.0, 0.0
        unordered = not low <= high and not (math.isnan(low) and math.isnan(high))
        if len(ends) > 2 or unordered:
            raise ValueError(
                '`invalid` must hold values and ranges, the lower end first, got '
                f'{entry!r}: {FORM}'
            )
        ranges.append((low, high))
    return tuple(ranges)


def check_storable(
    ranges: Sequence[Limits], dtype: str, option: str = 'invalid'
) -> None:
    """Raise a ValueError if a type of integers cannot hold one of the values.

    Else a mistake, such as -1 for files of uint16, would have no effect.

    Args:
        ranges: See :func:`parse_invalid`.
        dtype: Type of the files.
        option: Name of the option that has the values, for the message.
    """
    if np.dtype(dtype).kind not in 'ui':
        return
    limits = np.iinfo(dtype)
    for low, high in ranges:
        if math.isnan(low) or high < limits.min or low > limits.max:
            raise ValueError(
                f'`{option}` must be values that {dtype} can hold, {limits.min}..'
                f'{limits.max}, got {low:g}: name the value as it is stored (-1 is '
                '65535 in uint16)'
            )


def find_invalid(stored: NDArray[Any], ranges: Sequence[Limits]) -> NDArray[np.bool_]:
    """Pixels with such a value in any channel, or one that is not finite: (H, W).

    Args:
        stored: Values as they are in the file, (H, W) or (H, W, C).
        ranges: See :func:`parse_invalid`.
    """
    values = np.atleast_3d(stored)
    wrong = ~np.isfinite(values)
    for low, high in ranges:
        if values.dtype.kind == 'f':  # 0.1 in a file of float32 is not 0.1
            with np.errstate(over='ignore'):
                low, high = np.array([low, high]).astype(values.dtype)
        wrong |= (values >= low) & (values <= high)
    found: NDArray[np.bool_] = wrong.any(axis=-1)
    return found
