"""What a modality is: how its files are read, and how its pixels are moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from mmengine.structures import PixelData

FILLS = ('nearest', 'inpaint')
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')

# Names with a meaning of their own beside those of modalities: in the results of a
# pipeline, in a data prefix, among the outputs of a network.
RESERVED_NAMES = {
    'absent', 'ensemble', 'file_domains', 'flip', 'flip_direction', 'groups',
    'gt_depth_map', 'gt_edge_map', 'gt_seg_map', 'gt_valid', 'helpers', 'ignore_index',
    'image_size', 'img', 'img_path', 'img_shape', 'keep_ratio', 'label_map',
    'modalities', 'modality_paths', 'num_classes', 'ori_shape', 'pad_fixed_size',
    'pad_shape', 'pad_size_divisor', 'reduce_zero_label', 'room', 'sample_idx', 'scale',
    'scale_factor', 'scale_idx', 'seg_fields', 'seg_map_path', 'sources',
    'swap_seg_labels', 'target',
}  # fmt: skip


@dataclass(frozen=True)
class Modality:
    """How one modality is stored and moved.

    Args:
        suffix: End of its file names, with the dot; of several, a sample has the first
            that exists.
        channels: Number of channels C after loading.
        dtype: Type the *file* must have, e.g. ``'uint16'``; ``None`` takes any.
        scale: Factor from stored to physical units, e.g. ``1 / 5000`` for depth stored
            in fifths of a millimetre, wanted in metres; makes the array float32.
        key: Name of the array in ``.npz`` files that hold several.
        fill: What stands in for invalid pixels, which are those with a NaN or an
            infinite value and those that are zero in every channel: a value in physical
            units, ``'nearest'`` for the nearest valid pixel, or ``'inpaint'`` for
            OpenCV's in-painting; makes the array float32. ``None``: every finite value
            is valid, any other an error.
        interpolation: How it is resized and rotated; ``'nearest'`` keeps to values that
            were measured, where others invent depth between an object and its
            background.
        pad_value: Value, or one per channel, in physical units, of pixels that come
            from outside of the image.

    Raises:
        ValueError: If an option has no meaning.
    """

    suffix: str | tuple[str, ...] = '.png'
    channels: int = 1
    dtype: str | None = None
    scale: float | None = None
    key: str | None = None
    fill: float | str | None = None
    interpolation: str = 'nearest'
    pad_value: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.channels, int) or self.channels < 1:
            raise ValueError(
                f'`channels` must be a positive integer, got {self.channels!r}'
            )
        if self.dtype is not None:
            try:
                np.dtype(self.dtype)
            except TypeError as error:
                raise ValueError(
                    f"`dtype` must name a numpy type, e.g. 'uint16', got {self.dtype!r}"
                ) from error
        if self.scale is not None and not self.scale > 0:
            raise ValueError(f'`scale` must be positive, got {self.scale!r}')
        if isinstance(self.fill, str) and self.fill not in FILLS:
            raise ValueError(
                f'`fill` must be a number, one of {FILLS} or None, got {self.fill!r}'
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'`interpolation` must be one of {INTERPOLATIONS}, '
                f'got {self.interpolation!r}'
            )
        if not isinstance(self.suffix, str):
            if not self.suffix:
                raise ValueError('`suffix` must name at least one, got none')
            object.__setattr__(self, 'suffix', tuple(self.suffix))
        if isinstance(self.pad_value, Sequence):
            if len(self.pad_value) != self.channels:
                raise ValueError(
                    f'`pad_value` must be a number or one per channel ({self.channels})'
                    f', got {self.pad_value!r}'
                )
            # Configs write lists; a frozen dataclass should be hashable.
            object.__setattr__(self, 'pad_value', tuple(self.pad_value))

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """What turning an image does to its values: nothing, but to directions.

        Args:
            image: (H, W) or (H, W, C), already flipped or rotated.
            turn: Matrix (2, 2) of that on directions (x to the right, y down).
        """
        return image


M = TypeVar('M', bound=Modality)


def check_modality_names(names: Sequence[str]) -> None:
    """Raise a ValueError unless ``names`` can serve as keys next to all others."""
    if not names:
        raise ValueError('`modalities` must name at least one modality, got none')
    for name in names:
        reserved = name in RESERVED_NAMES or hasattr(PixelData, name)
        if not name.isidentifier() or reserved:
            raise ValueError(
                "the name of a modality must be an identifier, e.g. 'depth', and not "
                f'one that the toolbox uses itself, got {name!r}: rename the modality'
            )


def build_modalities(config: Mapping[str, Mapping[str, Any]]) -> dict[str, Modality]:
    """Build the modalities of a data set, in the order of the streams.

    Unless given, ``rgb`` has three channels of type uint8, and it and modalities of
    type uint8 are interpolated bilinearly.

    Args:
        config: Options of :class:`Modality` under the name of each modality.

    Raises:
        ValueError: If a name or an option is not allowed.
    """
    return build_kind(Modality, config)


def build_kind(kind: type[M], config: Mapping[str, Mapping[str, Any]]) -> dict[str, M]:
    """Like :func:`build_modalities`, for a class that derives from Modality."""
    check_modality_names(list(config))
    allowed = [field.name for field in fields(kind)]
    modalities = {}
    for name, options in config.items():
        if unknown := sorted(set(options) - set(allowed)):
            raise ValueError(
                f'unknown options {unknown} of modality {name!r}: allowed are {allowed}'
            )
        defaults = dict(channels=3, dtype='uint8') if name == 'rgb' else {}
        merged = {**defaults, **options}
        if name == 'rgb' or merged.get('dtype') == 'uint8':
            merged.setdefault('interpolation', 'bilinear')
        try:
            modalities[name] = kind(**merged)
        except ValueError as error:
            raise ValueError(f'modality {name!r}: {error}') from error
    if 'rgb' in modalities and modalities['rgb'].channels != 3:
        raise ValueError(
            "the modality 'rgb' has 3 channels, got "
            f'channels={modalities["rgb"].channels}: give it another name'
        )
    return modalities


def main_modality(names: Sequence[str]) -> str:
    """Name of the modality that is ``img`` to the toolbox: rgb, else the first."""
    return 'rgb' if 'rgb' in names else names[0]


def modality_key(results: Mapping[str, Any], name: str) -> str:
    """Key in ``results`` of the array of modality ``name``."""
    return 'img' if name == main_modality(list(results['modalities'])) else name


def keyed_modalities(results: Mapping[str, Any]) -> dict[str, Modality]:
    """Every modality of a sample under the key of its array.

    Empty for samples of the toolbox's own data sets: a transform that loops over it
    leaves those to its parent.
    """
    return {
        modality_key(results, name): modality
        for name, modality in results.get('modalities', {}).items()
    }
