"""Resize all modalities of a sample, and the labels.

See :mod:`mmseg_cen.transforms.moving`.
"""

import math
from typing import Any

import mmcv
import numpy as np
from mmcv import transforms as mmcv_transforms
from mmengine.utils import to_2tuple
from mmseg.datasets import transforms as mmseg_transforms
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality, keyed_modalities

from .moving import Results, moved, require_loaded
from .replacing import replace_transform
from .sampling import resize, resize_nearest


@replace_transform
class Resize(mmseg_transforms.Resize):
    """Resize all modalities and the labels.

    Args: As the parent.

    Raises:
        ValueError: If the result would have no pixel.
    """

    def _resize_img(self, results: Results) -> None:
        if not keyed_modalities(results):
            super()._resize_img(results)
            return
        require_loaded(results)
        old_h, old_w = results['img'].shape[:2]
        size = scale = tuple(results['scale'])
        if self.keep_ratio:
            size = mmcv.rescale_size((old_w, old_h), scale)
        results |= moved(results, self._move, size=size)
        new_h, new_w = results['img'].shape[:2]
        results['img_shape'] = (new_h, new_w)
        results['scale_factor'] = (new_w / old_w, new_h / old_h)
        results['keep_ratio'] = self.keep_ratio

    def _resize_seg(self, results: Results) -> None:
        if not keyed_modalities(results):
            super()._resize_seg(results)
            return
        height, width = results['img_shape']
        for key in results.get('seg_fields', []):
            results[key] = resize_nearest(results[key], (width, height))

    def _move(
        self, image: np.ndarray, modality: Modality, size: tuple[int, int]
    ) -> np.ndarray:
        return resize(image, size, modality.interpolation, self.backend)


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
            base = tuple(max(side, 1) for side in base)
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
        if not keyed_modalities(results):
            return super().transform(results)
        height, width = results['img'].shape[:2]
        pairs = zip((width, height), to_2tuple(self.size_divisor), strict=True)
        size = tuple(math.ceil(side / divisor) * divisor for side, divisor in pairs)
        labels = {
            key: resize_nearest(results[key], size)
            for key in results.get('seg_fields', [])
        }
        images = moved(results, self._move, size=size)
        shape = size[::-1]
        return {**results, **images, **labels, 'img_shape': shape, 'pad_shape': shape}

    def _move(
        self, image: np.ndarray, modality: Modality, size: tuple[int, int]
    ) -> np.ndarray:
        return resize(image, size, modality.interpolation)


@replace_transform
class SegRescale(mmseg_transforms.SegRescale):
    """Resize the labels alone, for a network whose output has another size.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Resize the labels of one sample."""
        if not keyed_modalities(results):
            return super().transform(results)
        for key in results.get('seg_fields', []):
            height, width = results[key].shape[:2]
            size = mmcv.rescale_size((width, height), self.scale_factor)
            results[key] = resize_nearest(results[key], size)
        return results
