"""Transforms of the toolbox that change the image, and no other modality.

A change of colors is for the modality ``rgb``. Transforms that would move the image
away from the other modalities are refused.
"""

from mmseg.datasets import transforms as mmseg_transforms

from .moving import Results
from .replacing import replace_transform


@replace_transform
class PhotoMetricDistortion(mmseg_transforms.PhotoMetricDistortion):
    """Distort the colors of the modality 'rgb', and of no other.

    Args: As the parent.

    Raises:
        ValueError: If there are modalities, but no 'rgb'.
    """

    def transform(self, results: Results) -> Results:
        """Distort one sample."""
        modalities = results.get('modalities', {})
        if modalities and 'rgb' not in modalities:
            raise ValueError(
                "the modalities of PhotoMetricDistortion must include 'rgb', got "
                f'{list(modalities)}: remove it from the pipeline'
            )
        return super().transform(results)


class _RefuseModalities:
    """Mix-in for transforms that would move ``img`` away from the other modalities."""

    def transform(self, results: Results) -> Results:
        """Transform one sample of a single modality."""
        if 'modalities' in results:
            raise ValueError(
                f'samples of {type(self).__name__}, which moves `img` only, must have '
                f'no modalities, got {list(results["modalities"])}: use the transforms '
                'of mmseg_cen.transforms.geometry'
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
