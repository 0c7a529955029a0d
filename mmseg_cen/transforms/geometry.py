"""Move all modalities and the labels of a sample by one random draw.

Each class takes the place of the toolbox's transform of the same name, to which it is
identical for samples without modalities. Interpolation and padding values are those of
each :class:`~mmseg_cen.datasets.Modality`: the arguments of the parents that speak of
them hold for other samples, and for labels.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import mmcv
import numpy as np
from mmcv import transforms as mmcv_transforms
from mmseg.datasets import transforms as mmseg_transforms
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import keyed_modalities

Results = dict[str, Any]


def _by_channel(
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


def _other_labels(results: Results) -> list[str]:
    """Labels of a sample with modalities that mmcv's transforms do not know."""
    fields = results.get('seg_fields', []) if 'modalities' in results else []
    return [key for key in fields if key != 'gt_seg_map']


@TRANSFORMS.register_module(force=True)
class Resize(mmseg_transforms.Resize):
    """Resize all modalities and the labels.

    Args: As the parent.
    """

    def _resize_img(self, results: Results) -> None:
        if not (modalities := keyed_modalities(results)):
            super()._resize_img(results)
            return
        resize = mmcv.imrescale if self.keep_ratio else mmcv.imresize
        old_h, old_w = results['img'].shape[:2]
        for key, modality in modalities.items():
            results[key] = resize(
                results[key],
                results['scale'],
                interpolation=modality.interpolation,
                backend=self.backend,
            )
        new_h, new_w = results['img'].shape[:2]
        results['img_shape'] = (new_h, new_w)
        results['scale_factor'] = (new_w / old_w, new_h / old_h)
        results['keep_ratio'] = self.keep_ratio


@TRANSFORMS.register_module(force=True)
class RandomResize(mmcv_transforms.RandomResize):
    """Resize all modalities and the labels by a random scale.

    Args:
        *args: Passed to the parent.
        min_side: Least length of the shorter side, in pixels: smaller scales are raised
            to it. ``None``: no limit.
        **kwargs: Passed to the parent.
    """

    def __init__(self, *args: Any, min_side: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The parent builds mmcv's own unless the default scope is mmseg.
        self.resize = TRANSFORMS.build({'scale': 0, **self.resize_cfg})
        self.min_side = min_side

    def transform(self, results: Results) -> Results:
        """Draw a scale, raise it if need be, and resize."""
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


@TRANSFORMS.register_module(force=True)
class RandomChoiceResize(mmcv_transforms.RandomChoiceResize):
    """Resize all modalities and the labels to one of several scales.

    Args: As the parent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resize = TRANSFORMS.build({'scale': 0, **self.resize_cfg})


@TRANSFORMS.register_module(force=True)
class ResizeToMultiple(mmseg_transforms.ResizeToMultiple):
    """Resize all modalities and the labels to a multiple of a divisor.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Resize one sample."""
        resized = {
            key: mmcv.imresize_to_multiple(
                results[key],
                self.size_divisor,
                scale_factor=1,
                interpolation=modality.interpolation,
            )
            for key, modality in keyed_modalities(results).items()
        }
        return {**super().transform(results), **resized}


@TRANSFORMS.register_module(force=True)
class RandomFlip(mmseg_transforms.RandomFlip):
    """Flip all modalities and the labels.

    Args: As the parent.
    """

    def _flip(self, results: Results) -> None:
        super()._flip(results)
        direction = results['flip_direction']
        x = 1.0 if direction == 'vertical' else -1.0
        y = 1.0 if direction == 'horizontal' else -1.0
        for key, modality in keyed_modalities(results).items():
            if key != 'img':  # the parent has flipped it
                results[key] = mmcv.imflip(results[key], direction)
            results[key] = modality.reorient(results[key], np.diag([x, y]))


@TRANSFORMS.register_module(force=True)
class RandomCrop(mmseg_transforms.RandomCrop):
    """Crop all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Crop one sample."""
        others = sorted(keyed_modalities(results).keys() - {'img'})
        if not others:
            return super().transform(results)
        # The parent crops whatever `seg_fields` names.
        labels = results.get('seg_fields', [])
        cropped = super().transform({**results, 'seg_fields': [*labels, *others]})
        return {**cropped, 'seg_fields': labels}


@TRANSFORMS.register_module(force=True)
class CenterCrop(mmcv_transforms.CenterCrop):
    """Crop the centre of all modalities and of the labels.

    Args: As the parent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The name 'Pad' alone is mmcv's own unless the default scope is mmseg.
        self.pad_cfg['type'] = Pad

    def _crop_img(self, results: Results, bboxes: np.ndarray) -> None:
        super()._crop_img(results, bboxes)
        for key in [*keyed_modalities(results), *_other_labels(results)]:
            if key != 'img':
                results[key] = mmcv.imcrop(results[key], bboxes)


@TRANSFORMS.register_module(force=True)
class Pad(mmcv_transforms.Pad):
    """Pad all modalities and the labels.

    Args: As the parent.
    """

    def _pad_img(self, results: Results) -> None:
        if not (modalities := keyed_modalities(results)):
            super()._pad_img(results)
            return
        # The parent finds the size, on an image that takes any of its `pad_val`.
        stand_in = {'img': np.zeros((*results['img'].shape[:2], 3), np.uint8)}
        super()._pad_img(stand_in)
        shape = stand_in['img'].shape[:2]
        pad = partial(_impad, shape=shape, padding_mode=self.padding_mode)
        images = {
            key: _by_channel(pad, results[key], modality.pad_value)
            for key, modality in modalities.items()
        }
        results |= stand_in | images | {'pad_shape': images['img'].shape}
        for key in _other_labels(results):
            results[key] = pad(results[key], self.pad_val.get('seg', 255))


def _impad(plane: np.ndarray, value: float, **kwargs: Any) -> np.ndarray:
    return mmcv.impad(plane, pad_val=value, **kwargs)


@TRANSFORMS.register_module(force=True)
class RandomRotate(mmseg_transforms.RandomRotate):
    """Rotate all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Rotate one sample."""
        if not (modalities := keyed_modalities(results)):
            return super().transform(results)
        rotate, degree = self.generate_degree()
        if not rotate:
            return results

        def turn(
            plane: np.ndarray, value: float, interpolation: str = 'nearest'
        ) -> np.ndarray:
            return mmcv.imrotate(
                plane,
                angle=degree,
                border_value=value,
                center=self.center,
                auto_bound=self.auto_bound,
                interpolation=interpolation,
            )

        cos, sin = np.cos(np.deg2rad(degree)), np.sin(np.deg2rad(degree))
        clockwise = np.array([[cos, -sin], [sin, cos]])
        for key, modality in modalities.items():
            own = partial(turn, interpolation=modality.interpolation)
            image = _by_channel(own, results[key], modality.pad_value)
            results[key] = modality.reorient(image, clockwise)
        for key in results.get('seg_fields', []):
            results[key] = turn(results[key], self.seg_pad_val)
        return results


@TRANSFORMS.register_module(force=True)
class RandomCutOut(mmseg_transforms.RandomCutOut):
    """Cut the same holes into all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Cut out of one sample."""
        if not (modalities := keyed_modalities(results)):
            return super().transform(results)
        holes = np.zeros((*results['img'].shape[:2], 1), dtype=bool)
        punch = copy.copy(self)
        punch.fill_in = True
        super(RandomCutOut, punch).transform({'img': holes})
        for key, modality in modalities.items():
            results[key][holes[..., 0]] = modality.pad_value
        if self.seg_fill_in is not None:
            for key in results.get('seg_fields', []):
                results[key][holes[..., 0]] = self.seg_fill_in
        return results


@TRANSFORMS.register_module(force=True)
class PhotoMetricDistortion(mmseg_transforms.PhotoMetricDistortion):
    """Distort the colours of the modality 'rgb', and of no other.

    Args: As the parent.

    Raises:
        ValueError: If there are modalities, but no 'rgb'.
    """

    def transform(self, results: Results) -> Results:
        """Distort one sample."""
        modalities = results.get('modalities', {})
        if modalities and 'rgb' not in modalities:
            raise ValueError(
                "PhotoMetricDistortion is for the modality 'rgb', got "
                f'{list(modalities)}: remove it from the pipeline'
            )
        return super().transform(results)


class _RefuseModalities:
    """Mix-in for transforms that would move ``img`` away from the other modalities."""

    def transform(self, results: Results) -> Results:
        """Transform one sample of a single modality."""
        if 'modalities' in results:
            raise ValueError(
                f'{type(self).__name__} moves `img` only, got the modalities '
                f'{list(results["modalities"])}: use the transforms of '
                'mmseg_cen.transforms.geometry'
            )
        return super().transform(results)  # type: ignore[misc]


@TRANSFORMS.register_module(force=True)
class RandomRotFlip(_RefuseModalities, mmseg_transforms.RandomRotFlip):
    """The toolbox's own, for samples without modalities."""


@TRANSFORMS.register_module(force=True)
class RandomMosaic(_RefuseModalities, mmseg_transforms.RandomMosaic):
    """The toolbox's own, for samples without modalities."""


@TRANSFORMS.register_module(force=True)
class Albu(_RefuseModalities, mmseg_transforms.Albu):
    """The toolbox's own, for samples without modalities."""
