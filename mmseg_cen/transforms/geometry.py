"""Flip, rotate, crop, pad and cut all modalities of a sample, and the labels.

See :mod:`mmseg_cen.transforms.moving`.
"""

import copy
from functools import partial
from typing import Any

import mmcv
import numpy as np
from mmcv import transforms as mmcv_transforms
from mmseg.datasets import transforms as mmseg_transforms

from mmseg_cen.modality import Modality, keyed_modalities

from .moving import Results, by_channel, label_padding, moved, require_loaded
from .replacing import replace_transform
from .sampling import move_values


def _other_labels(results: Results) -> list[str]:
    """Keys of labels that mmcv's transforms leave out, of samples with modalities."""
    fields = results.get('seg_fields', []) if 'modalities' in results else []
    return [key for key in fields if key != 'gt_seg_map']


@replace_transform
class RandomFlip(mmseg_transforms.RandomFlip):
    """Flip all modalities and the labels.

    Args: As the parent.
    """

    def _flip(self, results: Results) -> None:
        images = moved(results, self._move, direction=results['flip_direction'])
        super()._flip(results)
        results |= images

    def _move(
        self, image: np.ndarray, modality: Modality, direction: str
    ) -> np.ndarray:
        x = 1.0 if direction == 'vertical' else -1.0
        y = 1.0 if direction == 'horizontal' else -1.0
        return modality.reorient(mmcv.imflip(image, direction), np.diag([x, y]))


@replace_transform
class RandomCrop(mmseg_transforms.RandomCrop):
    """Crop all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Crop one sample."""
        require_loaded(results)
        others = sorted(keyed_modalities(results).keys() - {'img'})
        if not others:
            return super().transform(results)
        # The parent crops whatever `seg_fields` names: a modality needs no more.
        labels = results.get('seg_fields', [])
        crop = copy.copy(self)
        crop.ignore_index = label_padding(results, self.ignore_index)
        cropped = super(RandomCrop, crop).transform(
            {**results, 'seg_fields': [*labels, *others]}
        )
        return {**cropped, 'seg_fields': labels}


@replace_transform
class CenterCrop(mmcv_transforms.CenterCrop):
    """Crop the center of all modalities and of the labels.

    Args: As the parent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The name 'Pad' alone is mmcv's own unless the default scope is mmseg.
        self.pad_cfg['type'] = Pad

    def transform(self, results: Results) -> Results:
        """Crop one sample."""
        require_loaded(results)
        return super().transform(results)

    def _crop_img(self, results: Results, bboxes: np.ndarray) -> None:
        images = moved(results, self._move, box=bboxes)
        labels = {
            key: mmcv.imcrop(results[key], bboxes) for key in _other_labels(results)
        }
        super()._crop_img(results, bboxes)
        results |= images | labels

    def _move(
        self, image: np.ndarray, modality: Modality, box: np.ndarray
    ) -> np.ndarray:
        return mmcv.imcrop(image, box)


@replace_transform
class Pad(mmcv_transforms.Pad):
    """Pad all modalities and the labels.

    Args: As the parent.
    """

    def _pad_img(self, results: Results) -> None:
        if not keyed_modalities(results):
            super()._pad_img(results)
            return
        # The parent finds the size, on an image that takes any of its `pad_val`.
        stand_in = {'img': np.zeros((*results['img'].shape[:2], 3), np.uint8)}
        super()._pad_img(stand_in)
        images = moved(results, self._move, shape=stand_in['img'].shape[:2])
        results |= stand_in | images | {'pad_shape': images['img'].shape}

    def _pad_seg(self, results: Results) -> None:
        if not keyed_modalities(results):
            super()._pad_seg(results)
            return
        value = label_padding(results, self.pad_val.get('seg', 255))
        for key in results.get('seg_fields', []):
            results[key] = self._pad(results[key], value, results['pad_shape'][:2])

    def _move(
        self, image: np.ndarray, modality: Modality, shape: tuple[int, int]
    ) -> np.ndarray:
        return by_channel(partial(self._pad, shape=shape), image, modality.pad_value)

    def _pad(
        self, plane: np.ndarray, value: float, shape: tuple[int, int]
    ) -> np.ndarray:
        def pad(words: np.ndarray, border: float) -> np.ndarray:
            return mmcv.impad(
                words, shape=shape, pad_val=border, padding_mode=self.padding_mode
            )

        return move_values(pad, plane, value)


@replace_transform
class RandomRotate(mmseg_transforms.RandomRotate):
    """Rotate all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Rotate one sample."""
        if not keyed_modalities(results):
            return super().transform(results)
        rotate, degree = self.generate_degree()
        if rotate:
            results |= moved(results, self._move, degree=degree)
            void = label_padding(results, self.seg_pad_val)
            # The parent forgets the size that `auto_bound` changes.
            results['img_shape'] = results['img'].shape[:2]
            for key in results.get('seg_fields', []):
                results[key] = self._rotate(results[key], void, degree)
        return results

    def _move(self, image: np.ndarray, modality: Modality, degree: float) -> np.ndarray:
        rotate = partial(
            self._rotate, degree=degree, interpolation=modality.interpolation
        )
        cos, sin = np.cos(np.deg2rad(degree)), np.sin(np.deg2rad(degree))
        clockwise = np.array([[cos, -sin], [sin, cos]])
        rotated = by_channel(rotate, image, modality.pad_value)
        return modality.reorient(rotated, clockwise)

    def _rotate(
        self,
        plane: np.ndarray,
        value: float,
        degree: float,
        interpolation: str = 'nearest',
    ) -> np.ndarray:
        # Unlike resizing, OpenCV rotates the nearest pixel with centers as the others.
        def rotate(words: np.ndarray, border: float) -> np.ndarray:
            return mmcv.imrotate(
                words,
                angle=degree,
                border_value=border,
                center=self.center,
                auto_bound=self.auto_bound,
                interpolation=interpolation,
            )

        if interpolation == 'nearest':
            return move_values(rotate, plane, value)
        return rotate(plane, value)


@replace_transform
class RandomCutOut(mmseg_transforms.RandomCutOut):
    """Cut the same holes into all modalities and the labels.

    Args: As the parent.
    """

    def transform(self, results: Results) -> Results:
        """Cut holes into one sample."""
        if not keyed_modalities(results):
            return super().transform(results)
        holes = np.zeros((*results['img'].shape[:2], 1), dtype=bool)
        punch = copy.copy(self)
        punch.fill_in = True
        super(RandomCutOut, punch).transform({'img': holes})
        results |= moved(results, self._move, holes=holes[..., 0])
        if self.seg_fill_in is not None:
            void = label_padding(results, self.seg_fill_in)
            for key in results.get('seg_fields', []):
                results[key][holes[..., 0]] = void
        return results

    def _move(
        self, image: np.ndarray, modality: Modality, holes: np.ndarray
    ) -> np.ndarray:
        image[holes] = modality.pad_value
        return image
