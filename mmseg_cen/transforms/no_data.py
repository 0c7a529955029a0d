"""Pixels that a file itself calls not measured, by a tag."""

from typing import Any

import numpy as np

from mmseg_cen.modality import Modality
from mmseg_cen.once import warn_once
from mmseg_cen.sentinels import find_invalid


def doubt_no_data(
    name: str, modality: Modality, path: str, image: np.ndarray, no_data: float | None
) -> None:
    """Warn of pixels that the file itself calls not measured, and the options do not.

    The options are ``invalid``, and ``nodata`` of the domain of a translation.
    """
    if no_data is None:
        return
    ranges: Any = modality.invalid or ()
    named = [*ranges, *((one, one) for one in getattr(modality, 'nodata', ()))]
    missed = find_invalid(image, [(no_data, no_data)]) & ~find_invalid(image, named)
    if missed.any():
        warn_once(
            f'no data of {name}',
            f'{name}: {path} has {no_data:g} for what was not measured, by its tag '
            f'GDAL_NODATA, in {missed.mean():.1%} of its pixels, which are read as '
            f'measured: set invalid={no_data:.17g} of modality {name!r}, and `fill` if '
            'they shall not be 0',
        )
