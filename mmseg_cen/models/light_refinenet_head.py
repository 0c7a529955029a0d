"""RefineNet decoder of 1x1 convolutions, without residual units.

Reference: Nekrasov et al., "Light-Weight RefineNet for Real-Time Semantic
Segmentation", BMVC 2018.
"""

from typing import Any

from mmseg.registry import MODELS

from .refinenet_head import RefineNetHead


@MODELS.register_module()
class LightRefineNetHead(RefineNetHead):
    """RefineNet with 1x1 convolutions and no residual conv units (Sec. 3 there).

    Reductions, fusions and chained residual poolings have 1x1 convolutions in place of
    3x3 ones, and the residual conv units are left out: with 1x1 convolutions they add
    nothing. The pooling alone sees neighbors, and the classifier, which stays 3x3.

    Args:
        **kwargs: Arguments of :class:`RefineNetHead`, without ``rectify_residual``.

    Shape:
        - As of :class:`RefineNetHead`.

    Raises:
        ValueError: If ``rectify_residual`` is given.
    """

    kernel_size = 1
    num_units = (0, 0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if 'rectify_residual' in kwargs:
            raise ValueError(
                f'`rectify_residual` must be left out of a LightRefineNetHead, which '
                f'has no residual units, got {kwargs["rectify_residual"]}: take a '
                f'RefineNetHead'
            )
        super().__init__(*args, **kwargs)
