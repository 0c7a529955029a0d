"""Pictures of all directions of a cyclic translation."""

from typing import Any

import numpy as np
from mmseg.registry import HOOKS
from numpy.typing import NDArray

from mmseg_cen.visualization.panels import Picture

from ..visualization import TranslationVisualizationHook, draw_translation
from .samples import direction


@HOOKS.register_module()
class CyclicVisualizationHook(TranslationVisualizationHook):
    """Draw one picture per sample, with all directions below one another.

    Args:
        **kwargs: Arguments of
            :class:`~mmseg_cen.translation.TranslationVisualizationHook`.
    """

    def _draw(
        self, inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
    ) -> Picture:
        return draw_directions(inputs, sample)


def draw_directions(inputs: NDArray[np.floating], sample: Any) -> Picture:
    """Draw the translation into each domain, as :func:`draw_translation` does.

    Args:
        inputs: (sum of C_d, H, W), all domains, in [-1, 1].
        sample: A sample that :class:`CyclicPix2Pix` has predicted.

    Returns:
        (h, w, 3) uint8, RGB.
    """
    fields = sample.to_dict()
    sizes = fields['sources']
    ends = np.cumsum([*sizes.values()])
    parts = dict(zip(sizes, np.split(inputs, ends[:-1]), strict=True))
    pictures = [
        draw_translation(
            np.concatenate([parts[name] for name in sizes if name != target]),
            direction(fields, target),
        )
        for target in sizes
    ]
    return np.concatenate(pictures)
