"""Move all modalities of a sample by one random draw.

Each class of ``resizing`` and ``geometry`` replaces the toolbox's transform of the same
name, and does the same as that to samples without modalities. In ``_move``, it says how
one modality is moved; :func:`moved` is the loop over all of them. Interpolation and
padding values come from each :class:`~mmseg_cen.modality.Modality`: arguments of the
parents about them hold for other samples, and for labels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mmseg_cen.modality import keyed_modalities, modality_key

Results = dict[str, Any]


def moved(
    results: Results, move: Callable[..., np.ndarray], **draw: Any
) -> dict[str, np.ndarray]:
    """Move the array of every modality of a sample; a plain sample has none.

    Args:
        results: Sample of a pipeline, which stays as it is.
        move: ``move(image, modality, **draw)`` of the transform.
        **draw: Drawn once for all modalities, e.g. the angle of a rotation.
    """
    require_loaded(results)
    return {
        key: move(results[key], modality, **draw)
        for key, modality in keyed_modalities(results).items()
    }


def require_loaded(results: Results) -> None:
    """Refuse a sample whose modalities have not all been loaded.

    Raises:
        ValueError: If the array of a modality is missing.
    """
    names = results.get('modalities', ())
    if missing := [n for n in names if modality_key(results, n) not in results]:
        raise ValueError(
            f'the modalities of a sample must be loaded first, got no {missing} of '
            f'{results.get("img_path")}: begin the `pipeline` with dict(type='
            "'LoadModalities'), in place of LoadImageFromFile, or for a translation "
            'with LoadDomains and, if domains are derived, DeriveDomains right behind'
        )


def label_padding(results: Results, value: int) -> int:
    """The label of pixels from outside of the image.

    Args:
        results: Sample of a pipeline.
        value: What the transform is told; the toolbox's 255 is what the sample ignores.
    """
    return int(results.get('ignore_index', value)) if value == 255 else value


def by_channel(
    function: Callable[[np.ndarray, float], np.ndarray],
    image: np.ndarray,
    pad_value: float | tuple[float, ...],
) -> np.ndarray:
    """Apply ``function(plane, value)`` to each channel; OpenCV takes four at most."""
    channels = np.atleast_3d(image)
    values = np.broadcast_to(pad_value, channels.shape[2]).tolist()
    planes = [
        function(np.ascontiguousarray(channels[..., c]), value)
        for c, value in enumerate(values)
    ]
    return planes[0] if image.ndim == 2 else np.stack(planes, axis=-1)
