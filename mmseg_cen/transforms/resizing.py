"""Resize all modalities of a sample, and the labels.

See :mod:`mmseg_cen.transforms.moving`.
"""

from typing import Any

import mmcv
import numpy as np
from mmcv import transforms as mmcv_transforms
from mmseg.datasets import transforms as mmseg_transforms
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality

from .moving import Results, moved
from .replacing import replace_transform


@replace_transform
class Resize(mmseg_transforms.Resize):
    """Resize all modalities and the labels.

    Args: As the parent.
    """

    def _resize_img(self, results: Results) -> None:
        if not (images := moved(results, self._move, scale=results['scale'])):
            super()._resize_img(results)
            return
        old_h, old_w = results['img'].shape[:2]
        new_h, new_w = images['img'].shape[:2]
        results |= images
        results['img_shape'] = (new_h, new_w)
        results['scale_factor'] = (new_w / old_w, new_h / old_h)
        results['keep_ratio'] = self.keep_ratio

    def _move(self, image: np.ndarray, modality: Modality, scale: Any) -> np.ndarray:
        resize = mmcv.imrescale if self.keep_ratio else mmcv.imresize
        interpolation = modality.interpolation
        return resize(image, scale, interpolation=interpolation, backend=self.backend)


@replace_transform
class RandomResize(mmcv_transforms.RandomResize):
    """Resize all modalities and the labels by a random scale.

    Args:
        *args: Passed to the parent.
        min_side: Least length of the shorter side, in pixels, to which smaller scales
            are raised. ``None``: no limit.
        **kwargs: Passed to the parent.
    """

    def __init__(self, *args: Any, min_side: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The parent builds mmcv's own unless the default scope is mmseg.
        self.resize = TRANSFORMS.build({'scale': 0, **self.resize_cfg})
        self.min_side = min_side

    def transform(self, results: Results) -> Results:
        """Draw a scale, raise it to the limit where it is below, and resize."""
        if self.min_side is None:
            return super().transform(results)
        height, width = results['img'].shape[:2]
        scale = result = base = self._random_scale()
        if self.resize.keep_ratio:
            base = (width, height)
            result = mmcv.rescale_size(base, scale)
        if min(result) < self.min_side:
            factor = self.min_side / min(base)
            scale = tuple(int(side * factor + 0.5) for side in base)
        self.resize.scale = scale
        return self.resize(results)


@replace_transform
class RandomChoiceResize(mmcv_transforms.RandomChoiceResize):
    """Resize all modalities and the labels to one of several scales.

    Args: As the parent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resize = TRANSFORMS.build({'scale': 0, **self.resize_cfg})


@replace_transform
class ResizeToMultiple(mmseg_transforms.ResizeToMultiple):
    """Resize all modalities and the labels to a multiple of a divisor.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Resize one sample."""
        images = moved(results, self._move)
        return {**super().transform(results), **images}

    def _move(self, image: np.ndarray, modality: Modality) -> np.ndarray:
        interpolation = modality.interpolation
        return mmcv.imresize_to_multiple(
            image, self.size_divisor, scale_factor=1, interpolation=interpolation
        )
