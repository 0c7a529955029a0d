"""Controls: what stands in for a modality, to see what that modality is good for."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, LoadAnnotations
from mmseg.registry import TRANSFORMS

from mmseg_cen.corruptions import Corruption
from mmseg_cen.modality import modality_key

from .corruption import CorruptModalities, draw_seed, mark
from .loading import blank
from .missing import RandomModalityDropout
from .moving import require_loaded
from .sampling import resize

CONTROLS = ('copy', 'noise', 'other', 'shift')


def derangement(length: int, seed: int) -> np.ndarray:
    """Another one for each of ``length`` samples: a random cycle through all of them.

    Raises:
        ValueError: If there are not two samples.
    """
    if length < 2:
        raise ValueError(
            f'a data set must have at least 2 samples to exchange them, got {length}: '
            'take a larger one'
        )
    order = np.random.default_rng(seed).permutation(length)
    others = np.empty_like(order)
    others[order] = np.roll(order, -1)
    return others


def shift(image: np.ndarray, pixels: int, border: np.ndarray) -> np.ndarray:
    """Shift an array (H, W, ...) to the right; ``border`` comes in from the left.

    Args:
        image: The array.
        pixels: How far; negative: to the left.
        border: Array of the same shape.
    """
    moved = border.astype(image.dtype)
    if pixels > 0:
        moved[:, pixels:] = image[:, :-pixels]
    else:
        moved[:, : moved.shape[1] + pixels] = image[:, -pixels:]
    return moved


def _makes(transform: Any, modality: str) -> bool:
    """Whether a transform takes part in making the array of a modality.

    Those that set marks or load labels do not, nor do those that encode or replace
    another one.
    """
    if isinstance(
        transform, CorruptModalities | LoadAnnotations | RandomModalityDropout
    ):
        return False
    return bool(getattr(transform, 'modality', modality) == modality)


@TRANSFORMS.register_module()
class ReplaceModality(BaseTransform):
    """Put something without its information in the place of a modality.

    =========  =========================================================================
    how        what takes the place of the modality
    =========  =========================================================================
    'copy'     the modality ``source``, as the network gets it: all streams have the
               same number of channels, so that two streams get one input, normalized by
               the statistics of ``source``
    'noise'    Gaussian noise of the mean and standard deviation of the modality, equal
               in channels that the network gets as repetitions of one
    'other'    the modality of another sample of the data set, by a :func:`derangement`:
               each sample gives its own once
    'shift'    the modality itself, ``pixels`` to the right; its ``pad_value`` comes in
               from the left
    =========  =========================================================================

    Place it right behind the loading (and ``EncodeDepth``, if there is one): transforms
    behind it move what stands in like all modalities. 'copy' and 'noise' are marks,
    which the :class:`~mmseg_cen.models.MultimodalPreprocessor` carries out behind the
    normalization, see :class:`~mmseg_cen.corruptions.Corruption`. A sample that lacks
    the modality (``absent``) stays without, and gives none to others.

    Required Keys:

    - modalities (dict[str, Modality])
    - the array of the modality, for 'other' and 'shift'
    - absent (tuple[str, ...], optional)

    Modified Keys:

    - the array of the modality
    - corruptions (tuple[Corruption, ...])

    Args:
        modality: Name of the modality that is replaced.
        how: See the table.
        source: Name of the modality that is copied.
        pixels: How far to shift, pixels of the loaded array; negative: to the left.
        seed: Of the draws: a sample gets the same whenever it is loaded. ``None``, for
            'noise' only: anew each time, as in a training.

    Raises:
        ValueError: If an argument is not allowed, a sample has no such modality, or,
            with 'other', arrays were moved before.
    """

    def __init__(
        self,
        modality: str,
        how: str,
        source: str | None = None,
        pixels: int | None = None,
        seed: int | None = 0,
    ) -> None:
        if how not in CONTROLS:
            raise ValueError(
                f'`how` must be one of {CONTROLS}, got {how!r}: choose one'
            )
        if (how == 'shift') != bool(pixels):
            raise ValueError(
                "`pixels` must be a number other than 0 with how='shift', and nothing "
                f'else, got {pixels} with {how!r}: correct it'
            )
        if seed is None and how != 'noise':
            raise ValueError(
                f'`seed` must be a number with how={how!r}, got None: give one, e.g. 0'
            )
        if (seed or 0) < 0:
            raise ValueError(f'`seed` must be at least 0, got {seed}: give another')
        if how != 'copy' and source is not None:
            raise ValueError(
                "`source` must be given with how='copy' only, got "
                f'{source!r} with {how!r}: leave it out'
            )
        if how == 'copy':
            Corruption(modality, how, source=source)  # checks both names
        self.modality = modality
        self.how = how
        self.source = source
        self.pixels = pixels
        self.seed = seed
        self._dataset: Any = None
        self._others: np.ndarray | None = None

    def attach(self, dataset: Any) -> None:
        """Know the data set, as the other samples are there.

        Args:
            dataset: Data set in whose ``pipeline`` this transform is.
        """
        self._dataset, self._others = dataset, None

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace the modality of one sample."""
        if self.how in ('copy', 'noise'):
            seed = draw_seed(self.seed)
            corruption = Corruption(
                self.modality, self.how, source=self.source, seed=seed
            )
            return mark(results, corruption)
        require_loaded(results)
        if self.modality not in results['modalities']:
            raise ValueError(
                f'`modality` must be one of the sample, {list(results["modalities"])}, '
                f'got {self.modality!r}: correct the name'
            )
        if self.modality in results.get('absent', ()):
            return results
        replace = self._shifted if self.how == 'shift' else self._of_another
        results[modality_key(results, self.modality)] = replace(results)
        return results

    def _shifted(self, results: dict[str, Any]) -> np.ndarray:
        image: np.ndarray = results[modality_key(results, self.modality)]
        pixels = self.pixels or 0
        if abs(pixels) >= image.shape[1]:
            raise ValueError(
                f'`pixels` must be less than the width, {image.shape[1]}, got '
                f'{pixels}: shift less far'
            )
        border = blank(results['modalities'][self.modality], image.shape[:2])
        return shift(image, pixels, border.reshape(image.shape))

    def _of_another(self, results: dict[str, Any]) -> np.ndarray:
        transforms = getattr(getattr(self._dataset, 'pipeline', None), 'transforms', [])
        place = next((i for i, t in enumerate(transforms) if t is self), None)
        if place is None:
            raise ValueError(
                "ReplaceModality with how='other' must be in the pipeline of a "
                'MultimodalSegDataset or SyntheticRGBDDataset, not within another '
                'transform, got one that knows no data set: place it behind the loading'
            )
        if results.get('flip') or results['img_shape'] != results['ori_shape']:
            raise ValueError(
                "ReplaceModality with how='other' must be right behind the loading, "
                'got images that were cropped, flipped or resized: move it there'
            )
        donor = self._donor(results['sample_idx'])
        donor['modalities'] = {self.modality: donor['modalities'][self.modality]}
        for transform in transforms[:place]:
            if _makes(transform, self.modality):
                donor = transform(donor)
        image: np.ndarray = donor[modality_key(donor, self.modality)]
        height, width = results['img_shape'][:2]
        if image.shape[:2] != (height, width):
            how = results['modalities'][self.modality].interpolation
            image = resize(image, (width, height), how)
        return image

    def _donor(self, index: int) -> dict[str, Any]:
        """Another sample that has the modality: the next one of the cycle."""
        if self._others is None:
            self._others = derangement(len(self._dataset), self.seed or 0)
        other = self._others[index]
        while other != index:
            donor: dict[str, Any] = self._dataset.get_data_info(int(other))
            if self.modality not in donor.get('absent', ()):
                return donor
            other = self._others[other]
        raise ValueError(
            f'another sample must have the modality {self.modality!r}, got none but '
            f'the one of index {index}: leave out this control'
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({self.modality!r}, {self.how!r}, source='
            f'{self.source!r}, pixels={self.pixels}, seed={self.seed})'
        )
