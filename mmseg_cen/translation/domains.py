"""Domains of an image: how their pixels are stored, what they mean, how they are seen.

An image has three forms::

    stored ─ Domain.read ─► physical ─ Domain.encode ─► encoded, in [-1, 1]
           ◄─ Domain.store           ◄─ Domain.decode

Pipelines move physical images: meters, unit vectors, fractions of the full brightness.
Networks see encoded images. Only 'rgb' stays as the toolbox wants it, uint8 BGR, until
it is packed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmseg_cen.modality import Modality, build_modalities_as
from mmseg_cen.sentinels import check_storable, find_invalid
from mmseg_cen.transforms.depth import fill_invalid

from .derived import DERIVED

#: Least length of a stored vector that still has a direction: in files, gray stands for
#: 'no surface here'.
LEAST_LENGTH = 0.5


@dataclass(frozen=True)
class Domain(Modality):
    """A modality whose physical values have a range.

    Args:
        offset: Physical value of a stored zero: physical = stored * scale + offset.
        stored_channels: Channels of its files, if more than ``channels``; the first
            ones are taken.
        nodata: Stored values that mean 'not known', if all channels have them.
        range: Physical values that are encoded as -1 and 1; values beyond are clipped.
            By default all values that uint8 can store, and [-1, 1] for vectors.
        log_unit: If given, log(1 + x / log_unit) is encoded linearly in place of x.
        vectors: Whether the channels are unit vectors (x to the right of the image, y
            to its top, z). Vectors are turned when the image is flipped or rotated, and
            have length 1 again after an interpolation.
        derive: If given, the domain has no files but is computed by
            :class:`~mmseg_cen.translation.DeriveDomains`: 'normal', 'shade' or 'edge'
            from the domain 'depth', 'texture' from 'rgb'. The options of
            :data:`DERIVED` are then the defaults.
        fill: As for a modality; pixels with ``nodata`` are invalid, and vectors without
            a direction.

    The other arguments are documented by :class:`~mmseg_cen.datasets.Modality`.

    Raises:
        ValueError: If an option is out of its range, or does not go with another.
    """

    fill: float | str | None = 'nearest'
    offset: float = 0.0
    stored_channels: int | None = None
    nodata: tuple[float, ...] = ()
    range: tuple[float, float] | None = None
    log_unit: float | None = None
    vectors: bool = False
    derive: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fill is None:
            raise ValueError(
                "`fill` must be a number or 'nearest', got None: leave it out to "
                'take the nearest'
            )
        if (self.stored_channels or self.channels) < self.channels:
            raise ValueError(
                f'`stored_channels` must be at least `channels`={self.channels}, got '
                f'{self.stored_channels}: correct one of them'
            )
        if self.vectors and self.channels != 3:
            raise ValueError(
                f'`vectors` must have 3 channels, got channels={self.channels}: set '
                'channels=3'
            )
        nodata = self.nodata
        nodata = tuple(nodata) if isinstance(nodata, tuple | list) else (nodata,)
        if not all(isinstance(value, int | float) for value in nodata):
            raise ValueError(
                f'`nodata` must be one or several numbers, got {self.nodata!r}: give '
                'ranges of values by `invalid`'
            )
        object.__setattr__(self, 'nodata', nodata)
        if self.dtype is not None:
            check_storable([(value, value) for value in nodata], self.dtype, 'nodata')
        limits = self.range
        if limits is None and self.vectors:
            limits = (-1.0, 1.0)
        elif limits is None and self.dtype == 'uint8':
            limits = (self.offset, self.offset + 255 * (self.scale or 1))
        ends: Sequence[float] = limits or ()
        if len(ends) != 2 or not -np.inf < ends[0] < ends[1] < np.inf:
            raise ValueError(
                '`range` must be the physical values (low, high) that are encoded as '
                f'-1 and 1, got {limits}: give two finite ones, the lower one first'
            )
        object.__setattr__(self, 'range', tuple(ends))
        if self.log_unit is not None and not (self.log_unit > 0 and ends[0] >= 0):
            raise ValueError(
                '`log_unit` must be positive, and `range` not negative with it, got '
                f'{self.log_unit} and {limits}: correct one of them'
            )

    # --- stored <-> physical ---

    def read(self, stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Physical image, float32, filled where invalid, and where it is valid, (H, W).

        Args:
            stored: (H, W) or (H, W, ``stored_channels``), in the order R, G, B.
        """
        stored = np.atleast_3d(stored)[..., : self.channels]
        valid = self.known(stored)
        image = stored.astype(np.float32) * np.float32(self.scale or 1)
        image += np.float32(self.offset)
        if self.vectors:
            valid &= np.linalg.norm(image, axis=-1) >= LEAST_LENGTH
            image = unit_vectors(image)
        if self.channels == 1:
            image = image[..., 0]
        if not valid.all():
            assert self.fill is not None
            image = fill_invalid(image, valid, self.fill)
        return image, valid

    def known(self, stored: np.ndarray) -> np.ndarray:
        """Mask (H, W) of pixels (H, W, C) without a value that means 'not known'."""
        valid = ~find_invalid(stored, self.invalid or ())  # type: ignore[arg-type]
        for value in self.nodata:
            valid &= ~(stored == value).all(axis=-1)
        return valid

    def store(self, image: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
        """Stored form of a physical image, of type ``dtype`` or float32.

        Args:
            image: (H, W) or (H, W, C), physical; values that cannot be stored are
                clipped.
            valid: Mask (H, W); elsewhere the first of ``nodata`` is stored.
        """
        stored = (image - self.offset) / (self.scale or 1)
        if valid is not None and self.nodata:
            stored = np.where(
                valid.reshape(*valid.shape, *[1] * (stored.ndim - 2)),
                stored,
                self.nodata[0],
            )
        dtype = np.dtype(self.dtype or np.float32)
        if np.issubdtype(dtype, np.integer):
            limits = np.iinfo(dtype)
            stored = stored.round().clip(limits.min, limits.max)
        return stored.astype(dtype)

    # --- physical <-> encoded ---

    def encode(self, image: np.ndarray) -> np.ndarray:
        """Map a physical image to [-1, 1], float32."""
        if self.vectors:
            image = unit_vectors(image)
        low, high = self._curve(np.array(self.range))
        image = self._curve(np.clip(image.astype(np.float64), *self._limits))
        return (2 * (image - low) / (high - low) - 1).astype(np.float32)

    def decode(self, image: np.ndarray) -> np.ndarray:
        """Map an encoded image (H, W) or (H, W, C) back to physical values, float32."""
        low, high = self._curve(np.array(self.range))
        image = (image.astype(np.float64).clip(-1, 1) + 1) / 2 * (high - low) + low
        if self.log_unit is not None:
            image = self.log_unit * np.expm1(image)
        if self.vectors:
            image = unit_vectors(image)
        return image.astype(np.float32)

    @property
    def _limits(self) -> tuple[float, float]:
        assert self.range is not None
        return self.range

    def _curve(self, image: np.ndarray) -> np.ndarray:
        return image if self.log_unit is None else np.log1p(image / self.log_unit)

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Turn vectors as the image has been turned: the y of an image points down."""
        if not self.vectors:
            return image
        upwards = np.diag([1.0, -1.0])
        matrix = np.eye(3)
        matrix[:2, :2] = upwards @ turn @ upwards
        return (image @ matrix.T).astype(image.dtype)


def unit_vectors(image: np.ndarray) -> np.ndarray:
    """Vectors (H, W, 3), scaled to length 1; vectors of length 0 stay."""
    length = np.linalg.norm(image, axis=-1, keepdims=True)
    return image / np.where(length > 0, length, 1)


def build_domains(config: Mapping[str, Mapping[str, Any]]) -> dict[str, Domain]:
    """Build domains, with the defaults of modalities and bilinear vectors.

    Args:
        config: Options of :class:`Domain` under the name of each domain.

    Raises:
        ValueError: If a name or an option is not allowed.
    """
    merged = {}
    for name, options in config.items():
        derive = options.get('derive')
        if derive is not None and derive not in DERIVED:
            raise ValueError(
                f'`derive` of domain {name!r} must be one of {sorted(DERIVED)}, got '
                f'{derive!r}: choose one of them'
            )
        defaults = {'interpolation': 'bilinear'} if options.get('vectors') else {}
        merged[name] = {**defaults, **DERIVED.get(derive or '', {}), **options}
    rgb = merged.get('rgb', {})
    if rgb.get('scale') not in (None, 1) or rgb.get('offset') or rgb.get('vectors'):
        raise ValueError(
            "the domain 'rgb' must have no `scale`, `offset` and `vectors`, as its "
            f'images stay as they are stored, got {dict(rgb)}: leave them out, and '
            'give `range` in stored values'
        )
    return build_modalities_as(Domain, merged)


def select_domains(
    names: Sequence[str], sources: Sequence[str], target: str
) -> tuple[str, ...]:
    """Names of sources and target, in the order of the streams, the target last.

    Args:
        names: Names of all domains, in any order.
        sources: Names of the sources, whose order is the order of the streams.
        target: Name of the target.

    Raises:
        ValueError: If a source or the target is unknown, or named twice.
    """
    if isinstance(sources, str) or not sources:
        raise ValueError(
            "`sources` must be a list of one or more names, e.g. ('depth', 'normal'), "
            f'got {sources!r}: put names in a list'
        )
    chosen = (*sources, target)
    if unknown := sorted(set(chosen) - set(names)):
        raise ValueError(
            f'`sources` and `target` must be some of {sorted(names)}, got {unknown}: '
            'add them to `domains`'
        )
    if target in sources:
        raise ValueError(
            f'`target` must not be a source too, got target={target!r} and '
            f'sources={tuple(sources)}: remove it from one of them'
        )
    if len(set(sources)) < len(sources):
        raise ValueError(f'`sources` must differ, got {tuple(sources)}: name each once')
    return chosen
