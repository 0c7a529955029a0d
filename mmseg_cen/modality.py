"""Modalities: how their files are read, and how their pixels are moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from mmengine.structures import PixelData

from .sentinels import Invalid, check_storable, parse_invalid

FILLS = ('nearest', 'inpaint')
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')
ORIENTATIONS = ('apply', 'ignore')

# Names with another meaning: in the results of a pipeline, in a data prefix, among the
# outputs of a network.
RESERVED_NAMES = {
    'absent', 'corruptions', 'drawn_as', 'ensemble', 'file_domains', 'flip',
    'flip_direction', 'groups', 'gt_depth_map', 'gt_edge_map', 'gt_seg_map', 'gt_valid',
    'helpers', 'ignore_index', 'image_size', 'img', 'img_path', 'img_shape',
    'keep_ratio', 'label_map', 'loaded', 'modalities', 'modality_paths', 'num_classes',
    'ori_shape', 'pad_fixed_size', 'pad_shape', 'pad_size_divisor', 'reduce_zero_label',
    'room', 'sample_idx', 'scale', 'scale_factor', 'scale_idx', 'seg_fields',
    'seg_map_path', 'sources', 'swap_seg_labels', 'target', 'targets',
}  # fmt: skip

#: Names of modalities, or options of :class:`Modality` under the name of each.
ModalityOptions = Mapping[str, Mapping[str, Any]] | Sequence[str]


@dataclass(frozen=True)
class Modality:
    """How the files of one modality are read, and how its pixels are moved.

    Args:
        suffix: End of the names of its files, with the dot; of several, a sample has
            the first that exists.
        channels: Number of channels C after loading.
        dtype: Type that the *file* must have, e.g. ``'uint16'``; ``None`` takes any.
        scale: Factor from stored to physical units, e.g. ``1 / 5000`` for depth stored
            in fifths of a millimeter, wanted in meters; makes the array float32.
        key: Name of the array in ``.npz`` files that hold several.
        invalid: Stored values that mean "not measured", beside those of ``fill``: one,
            such as ``65535``; a range, ``'60000..65535'``; ``'nan'``; or a list of
            them, see :func:`~mmseg_cen.sentinels.parse_invalid`. A pixel is invalid if
            any channel is. Without ``fill``, invalid pixels become 0.
        fill: Replacement of invalid pixels, which have a NaN or an infinite value, or
            are zero in every channel: a value in physical units, ``'nearest'`` for the
            nearest valid pixel, or ``'inpaint'`` for OpenCV's in-painting; makes the
            array float32. ``None``: every finite value that is not ``invalid`` is
            valid, and any value that is not finite an error, unless it is.
        resize: Whether arrays of another size are resized to the image, by
            ``interpolation``. It does not register them: they must show the same view.
        orientation: What becomes of the orientation tags (EXIF) of its files:
            ``'apply'`` turns the array as viewers turn the image, ``'ignore'`` leaves
            it as it is stored. ``None``: as it is stored, with a warning.
        plausible: Of depth, meters between which the median of its scenes lies; where
            it does not, a run begins with a warning. ``None``: 0.7 to 8, as in rooms.
        interpolation: Used to resize and rotate. ``'nearest'`` keeps measured values,
            where others invent depth between an object and its background.
        pad_value: Value, or one per channel, in physical units, of pixels from outside
            of the image.

    Raises:
        ValueError: If the value of an option is not allowed.
    """

    suffix: str | tuple[str, ...] = '.png'
    channels: int = 1
    dtype: str | None = None
    scale: float | None = None
    key: str | None = None
    invalid: Invalid | None = None
    fill: float | str | None = None
    resize: bool = False
    orientation: str | None = None
    plausible: tuple[float, float] | None = None
    interpolation: str = 'nearest'
    pad_value: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.channels, int) or self.channels < 1:
            raise ValueError(
                f'`channels` must be a positive integer, got {self.channels!r}: give '
                'the number of channels of the files'
            )
        if self.dtype is not None:
            try:
                np.dtype(self.dtype)
            except TypeError as error:
                raise ValueError(
                    f'`dtype` must name a numpy type, got {self.dtype!r}: write e.g. '
                    "'uint16', or None for any"
                ) from error
        if self.scale is not None and not 0 < self.scale < np.inf:
            raise ValueError(
                f'`scale` must be positive and finite, got {self.scale!r}: give the '
                'physical unit of one stored unit, or None'
            )
        is_word = isinstance(self.fill, str)
        if self.fill not in (None, *FILLS) and (is_word or not np.isfinite(self.fill)):
            raise ValueError(
                f'`fill` must be a number that is finite, one of {FILLS} or None, got '
                f'{self.fill!r}: choose one'
            )
        ranges = parse_invalid(self.invalid)
        if self.dtype is not None:
            check_storable(ranges, self.dtype)
        object.__setattr__(self, 'invalid', ranges or None)
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise ValueError(
                f'`orientation` must be one of {ORIENTATIONS} or None, got '
                f'{self.orientation!r}: choose one'
            )
        if self.plausible is not None:
            limits = tuple(self.plausible)
            if len(limits) != 2 or not 0 < limits[0] < limits[1]:
                raise ValueError(
                    '`plausible` must be two depths in meters, the nearer first, got '
                    f'{self.plausible!r}: give e.g. (4, 100), or None'
                )
            object.__setattr__(self, 'plausible', limits)
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'`interpolation` must be one of {INTERPOLATIONS}, got '
                f'{self.interpolation!r}: choose one'
            )
        if not isinstance(self.suffix, str):
            if not self.suffix:
                raise ValueError(
                    "`suffix` must be one or several, got none: write e.g. '.png'"
                )
            object.__setattr__(self, 'suffix', tuple(self.suffix))
        if isinstance(self.pad_value, Sequence):
            if len(self.pad_value) != self.channels:
                raise ValueError(
                    '`pad_value` must be one number or as many as channels, '
                    f'{self.channels}, got {self.pad_value!r}: give that many'
                )
            # Configs write lists; a frozen dataclass should be hashable.
            object.__setattr__(self, 'pad_value', tuple(self.pad_value))

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Adapt values that are directions to a turned image; others stay as they are.

        Args:
            image: (H, W) or (H, W, C), already flipped or rotated.
            turn: Matrix (2, 2) that the flip or rotation applies to directions (x to
                the right, y down).
        """
        return image


M = TypeVar('M', bound=Modality)


def check_modality_names(names: Sequence[str]) -> None:
    """Raise a ValueError unless ``names`` can serve as keys next to all others."""
    if not names:
        raise ValueError(
            '`modalities` must name at least one modality, got none: add one'
        )
    for name in names:
        reserved = name in RESERVED_NAMES or hasattr(PixelData, name)
        reserved |= 'loss' in name  # mmengine adds up what is logged under such names
        if not name.isidentifier() or reserved:
            raise ValueError(
                "the name of a modality must be an identifier, e.g. 'depth', that the "
                f'toolbox does not use itself, got {name!r}: rename the modality'
            )
        if name != 'rgb' and name.lower() == 'rgb':
            raise ValueError(
                "the name of a modality of color images must be 'rgb', which tells "
                f'their type and the order of their channels, got {name!r}: write it '
                'in small letters'
            )


def complete_options(
    modalities: ModalityOptions, known: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Options of every modality, with those that a data set knows filled in.

    A sequence of names selects and orders the known modalities. Options stand for
    themselves, unless ``inherit=True`` is among them: then they replace single ones of
    the known options, and the others stay.

    Args:
        modalities: Names, or options under the name of each modality.
        known: Options of the modalities that the data set knows. If there are none,
            names may be any, and have the defaults of :class:`Modality`.

    Raises:
        ValueError: If a name is not known, or stands twice.
    """
    if isinstance(modalities, str):
        raise ValueError(
            '`modalities` must be a sequence of names or a dict of options, got '
            f'{modalities!r}: write ({modalities!r},)'
        )
    if not isinstance(modalities, Mapping):
        names = list(modalities)
        if len(set(names)) < len(names):
            raise ValueError(
                f'`modalities` must name each modality once, got {names}: remove the '
                'repeated ones'
            )
        modalities = {name: dict(inherit=True) if known else {} for name in names}
    completed = {}
    for name, options in modalities.items():
        own = dict(options)
        if own.pop('inherit', False):
            if name not in known:
                raise ValueError(
                    f'`modalities` must be names out of {list(known)}, got {name!r}: '
                    f'give the options of others, modalities=dict({name}=dict(...))'
                )
            own = {**known[name], **own}
        completed[name] = own
    return completed


def build_modalities(modalities: ModalityOptions) -> dict[str, Modality]:
    """Build the modalities of a data set, in their order.

    Unless given, ``rgb`` has three channels of type uint8, and ``rgb`` and modalities
    of type uint8 are interpolated bilinearly.

    Args:
        modalities: Names, or options of :class:`Modality` under the name of each.

    Raises:
        ValueError: If a name or an option is not allowed.
    """
    return build_modalities_as(Modality, complete_options(modalities, {}))


def build_modalities_as(
    modality_class: type[M], options: Mapping[str, Mapping[str, Any]]
) -> dict[str, M]:
    """Build modalities of a class that derives from :class:`Modality`.

    See :func:`build_modalities`.
    """
    check_modality_names(list(options))
    allowed = [field.name for field in fields(modality_class)]
    modalities = {}
    for name, own in options.items():
        if unknown := sorted(set(own) - set(allowed)):
            raise ValueError(
                f'options of modality {name!r} must be out of {allowed}, got '
                f'{unknown}: correct or remove them'
            )
        defaults = dict(channels=3, dtype='uint8') if name == 'rgb' else {}
        merged = {**defaults, **own}
        if name == 'rgb' or merged.get('dtype') == 'uint8':
            merged.setdefault('interpolation', 'bilinear')
        try:
            modalities[name] = modality_class(**merged)
        except ValueError as error:
            raise ValueError(f'modality {name!r}: {error}') from error
    if 'rgb' in modalities and modalities['rgb'].channels != 3:
        raise ValueError(
            "the modality 'rgb' must have 3 channels, got "
            f'{modalities["rgb"].channels}: give it another name'
        )
    return modalities


def main_modality(names: Sequence[str]) -> str:
    """Name of the modality that is ``img`` to the toolbox: rgb, else the first."""
    return 'rgb' if 'rgb' in names else names[0]


def modality_key(results: Mapping[str, Any], name: str) -> str:
    """Key in ``results`` of the array of modality ``name``."""
    return 'img' if name == main_modality(list(results['modalities'])) else name


def keyed_modalities(results: Mapping[str, Any]) -> dict[str, Modality]:
    """Every modality of a sample under the key of its array, and every target.

    Empty for samples of the toolbox's own data sets, which have no modalities.
    """
    return {
        modality_key(results, name): modality
        for name, modality in results.get('modalities', {}).items()
    } | results.get('targets', {})
