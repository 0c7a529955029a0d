"""Transforms of the toolbox that change the image, and no other modality.

A change of colors is for the modality ``rgb``. Transforms that would move the image
away from the other modalities are refused.
"""

from typing import Any

import mmcv
import numpy as np
from mmcv import transforms as mmcv_transforms
from mmseg.datasets import transforms as mmseg_transforms

from mmseg_cen.modality import Modality
from mmseg_cen.once import warn_once

from .moving import Results
from .replacing import replace_transform


class OfColors:
    """Mix-in for transforms that are for the colors of 'rgb', and nothing else."""

    def transform(self, results: Results) -> Results:
        """Change one sample."""
        modalities = results.get('modalities', {})
        if modalities and 'rgb' not in modalities:
            raise ValueError(
                f"the modalities of {type(self).__name__} must include 'rgb', got "
                f'{list(modalities)}: remove it from the pipeline'
            )
        return super().transform(results)  # type: ignore[misc]


class _OfEightBits(OfColors):
    """Mix-in for changes of colors that convert all images to uint8."""

    def transform(self, results: Results) -> Results:
        """Change one sample."""
        dtype = results['img'].dtype
        if 'rgb' in results.get('modalities', {}) and dtype != np.uint8:
            raise ValueError(
                f"'rgb' must be uint8 for {type(self).__name__}, got {dtype}: leave "
                'out `scale` and `fill` of the modality, or remove the transform '
                '(PhotoMetricDistortion works on images of 16 bits and floats)'
            )
        return super().transform(results)


def brightest(
    modality: Modality, image: np.ndarray, white: float | None = None
) -> float:
    """Value of white in an image of 'rgb' that is not uint8.

    The largest value that integers of the file's type hold, and 1 of floats, times
    ``scale``. An image that is far darker is warned of: it may have 12 bits of 16.

    Args:
        modality: Of the image.
        image: (H, W, 3).
        white: The value, if it is known otherwise.

    Raises:
        ValueError: If the image has values beyond that, or negative ones.
    """
    dtype = np.dtype(modality.dtype or np.float32)
    highest = 1.0 if dtype.kind == 'f' else float(np.iinfo(dtype).max)
    value = white or highest * (modality.scale or 1)
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > value * (1 + 1e-6):
        raise ValueError(
            f"'rgb' must be within 0..{value:g} to have its colors distorted, as "
            f'`white`, or its `dtype` {modality.dtype} and `scale`, say, got '
            f'{low:g}..{high:g}: correct them, or remove PhotoMetricDistortion'
        )
    if white is None and 0 < high < value / 8:
        warn_once(
            'white of rgb',
            f"An image of 'rgb' reaches {high:g}, where white is {value:g} by its "
            f'`dtype` {modality.dtype} and `scale`: PhotoMetricDistortion would drown '
            'it. If the camera has fewer bits, give it `white`, such as '
            f'{4095 * (modality.scale or 1):g} for 12 bits',
        )
    return value


@replace_transform
class PhotoMetricDistortion(OfColors, mmseg_transforms.PhotoMetricDistortion):
    """Distort the colors of the modality 'rgb', and of no other.

    Images that are not uint8 are distorted on their own range, see :func:`brightest`,
    without rounding.

    Args:
        *args: Passed to the parent.
        white: Value of white in images that are not uint8, if it is another.
        **kwargs: Passed to the parent.

    Raises:
        ValueError: If there are modalities, but no 'rgb', or an image leaves its range.
    """

    def __init__(self, *args: Any, white: float | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.white = white

    def transform(self, results: Results) -> Results:
        """Distort one sample."""
        modality = results.get('modalities', {}).get('rgb')
        if modality is None or results['img'].dtype == np.uint8:
            return super().transform(results)
        factor = np.float32(255 / brightest(modality, results['img'], self.white))
        results['img'] = results['img'].astype(np.float32) * factor
        results = super().transform(results)
        results['img'] = results['img'] / factor
        return results

    def convert(self, img: np.ndarray, alpha: float = 1, beta: float = 0) -> np.ndarray:
        """Scale and shift values, which stay within 0..255 and keep their type."""
        if img.dtype == np.uint8:
            return super().convert(img, alpha, beta)
        return np.clip(img * np.float32(alpha) + np.float32(beta), 0, 255)

    def saturation(self, img: np.ndarray) -> np.ndarray:
        """Scale the saturation, which OpenCV has in 0..1 for floats."""
        if img.dtype == np.uint8:
            return super().saturation(img)
        if np.random.randint(2):
            hsv = mmcv.bgr2hsv(img)
            lower, upper = self.saturation_lower, self.saturation_upper
            hsv[..., 1] = np.clip(hsv[..., 1] * np.random.uniform(lower, upper), 0, 1)
            img = mmcv.hsv2bgr(hsv)
        return img

    def hue(self, img: np.ndarray) -> np.ndarray:
        """Turn the hue, which OpenCV has in degrees for floats, in halves for uint8."""
        if img.dtype == np.uint8:
            return super().hue(img)
        if np.random.randint(2):
            hsv = mmcv.bgr2hsv(img)
            turn = 2 * np.random.randint(-self.hue_delta, self.hue_delta)
            hsv[..., 0] = (hsv[..., 0] + turn) % 360
            img = mmcv.hsv2bgr(hsv)
        return img


@replace_transform
class CLAHE(_OfEightBits, mmseg_transforms.CLAHE):
    """Equalize the contrast of the modality 'rgb', uint8, and of no other."""


@replace_transform
class AdjustGamma(_OfEightBits, mmseg_transforms.AdjustGamma):
    """Correct the gamma of the modality 'rgb', uint8, and of no other."""


@replace_transform
class Rerange(OfColors, mmseg_transforms.Rerange):
    """Stretch the values of the modality 'rgb', and of no other."""


@replace_transform
class RGB2Gray(OfColors, mmseg_transforms.RGB2Gray):
    """Make the modality 'rgb' gray, and no other."""


@replace_transform
class RandomGrayscale(_OfEightBits, mmcv_transforms.RandomGrayscale):
    """Make the modality 'rgb', uint8, gray at random, and no other."""


class _RefuseModalities:
    """Mix-in for transforms that would move ``img`` away from the other modalities."""

    does, instead = 'moves', 'use the transforms of mmseg_cen.transforms.geometry'

    def transform(self, results: Results) -> Results:
        """Transform one sample of a single modality."""
        if 'modalities' in results:
            raise ValueError(
                f'samples of {type(self).__name__}, which {self.does} `img` only, must '
                f'have no modalities, got {list(results["modalities"])}: {self.instead}'
            )
        return super().transform(results)  # type: ignore[misc]


@replace_transform
class RandomRotFlip(_RefuseModalities, mmseg_transforms.RandomRotFlip):
    """Rotate and flip as the toolbox's own, samples without modalities only."""


@replace_transform
class RandomMosaic(_RefuseModalities, mmseg_transforms.RandomMosaic):
    """Make mosaics as the toolbox's own, of samples without modalities only."""


@replace_transform
class Albu(_RefuseModalities, mmseg_transforms.Albu):
    """Apply Albumentations as the toolbox's own, to samples without modalities only."""


class _RefuseValues(_RefuseModalities):
    """Mix-in for transforms that take ``img`` for another kind of array."""

    does, instead = 'changes', 'remove it from the pipeline'


@replace_transform
class Normalize(_RefuseValues, mmcv_transforms.Normalize):
    """Normalize as mmcv's own, samples without modalities only.

    Of others, MultimodalPreprocessor normalizes each modality.
    """

    does = 'normalizes'
    instead = 'give `mean` and `std` of each modality to MultimodalPreprocessor'


@replace_transform
class BioMedicalGaussianNoise(_RefuseValues, mmseg_transforms.BioMedicalGaussianNoise):
    """Add noise as the toolbox's own, to volumes without modalities only."""


@replace_transform
class BioMedicalGaussianBlur(_RefuseValues, mmseg_transforms.BioMedicalGaussianBlur):
    """Blur as the toolbox's own, volumes without modalities only."""


@replace_transform
class BioMedicalRandomGamma(_RefuseValues, mmseg_transforms.BioMedicalRandomGamma):
    """Correct the gamma as the toolbox's own, of volumes without modalities only."""
