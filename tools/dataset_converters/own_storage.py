"""How the modalities of own data are stored in a prepared folder.

RGB and other 8- and 16-bit images of one or three channels become images, depth 16-bit
PNG, and everything else arrays (`.npy`) of its own type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from own_files import read_array, turned
from own_modalities import Given

from mmseg_cen.modality import build_modalities
from mmseg_cen.plausibility import DepthSummary, doubts
from mmseg_cen.preparation import Folder, decode_complete
from mmseg_cen.sentinels import check_storable, find_invalid
from mmseg_cen.transforms.decoding import file_order
from mmseg_cen.transforms.depth import fill_invalid

MILLIMETER = 1e-3
COARSEST = 0.1  # meters per stored unit


@dataclass(frozen=True)
class Stored:
    """How the files of a modality are read, and written into the prepared folder.

    Args:
        given: What the command line says.
        dtype: Type that all files have.
        channels: Number of channels that all files have.
        suffix: End of the written names.
        is_kept: Whether the files are written as they are.
        scale: Physical units per written unit.
    """

    given: Given
    dtype: str
    channels: int
    suffix: str
    is_kept: bool
    scale: float | None

    @property
    def folder(self) -> Folder:
        """What the prepared folder holds."""
        if self.given.name == 'depth':
            unit = f'{self.scale:g} m'
            return Folder(kind='depth', dtype='uint16', scale=self.scale, unit=unit)
        kind = 'image' if self.given.name == 'rgb' else 'values'
        unit = f'{self.scale or 1:g}' if 'fill' in self.options else None
        return Folder(kind, self.suffix, self.dtype, self.channels, self.scale, unit)

    @property
    def options(self) -> dict[str, Any]:
        """The options of :class:`Modality` that read the written files."""
        name, fill = self.given.name, self.given.fill
        options: dict[str, Any] = dict(suffix=self.suffix)
        if name == 'rgb':
            options['interpolation'] = 'bicubic'
        elif name != 'depth' and self.channels > 1:
            options['channels'] = self.channels
        if name == 'depth':
            options['dtype'] = 'uint16'
        elif name != 'rgb' or self.dtype != 'uint8':
            options['dtype'] = self.dtype
        if self.scale is not None:
            options['scale'] = self.scale
        if fill is None and (name == 'depth' or self._invalid_is_zero):
            fill = 'nearest'
        # The written files need none of the next three, others of the camera do.
        chosen = dict(
            fill=fill,
            invalid=self._named_invalid,
            orientation=self.given.orientation,
            resize=self.given.resize or None,
            plausible=self.given.plausible,
            interpolation=self.given.interpolation,
        )
        options |= {key: value for key, value in chosen.items() if value is not None}
        build_modalities({name: options})
        return options

    @property
    def _invalid_is_zero(self) -> bool:
        """Whether 0 is written for values that mean no measurement.

        Of signed numbers, 0 may be measured: they are filled instead.
        """
        return bool(self.given.invalid) and np.dtype(self.dtype).kind == 'u'

    @property
    def _named_invalid(self) -> list[str] | None:
        """The stored values that mean no measurement, if files are written as given."""
        dtype = 'uint16' if self.given.name == 'depth' else self.dtype
        if self.scale != self.given.scale:
            return None
        try:
            check_storable(self.given.invalid, dtype)
        except ValueError:  # -1 in depth of int16, which is written as uint16
            return None
        return [
            f'{a:.17g}' + ('' if a == b else f'..{b:.17g}')
            for a, b in self.given.invalid
        ] or None

    def read(self, path: str) -> NDArray[Any] | bytes:
        """What is written of a file: an array, or the file as it is.

        Raises:
            ValueError: If the file is not like the others.
        """
        if self.given.name == 'rgb':
            return self._read_rgb(path)
        array = read_array(path, self.given.orientation)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        self._check(path, array)
        if self.given.name == 'depth':
            return self._as_depth(path, array)
        if self.is_kept:
            return Path(path).read_bytes()
        return self._as_values(path, array)

    def _read_rgb(self, path: str) -> NDArray[Any] | bytes:
        content = Path(path).read_bytes()
        if self.is_kept:
            return content
        try:
            image = decode_complete(content, color=True)
            return turned(image, path, self.given.orientation)
        except ValueError as error:
            raise ValueError(f'{path} {error}') from error

    def _check(self, path: str, array: NDArray[Any]) -> None:
        channels = array.shape[2] if array.ndim == 3 else 1
        name = self.given.name
        if name == 'depth' and array.ndim == 3:
            raise ValueError(
                f'{path}: depth must have one channel of integers or floats, got '
                f'{array.dtype} of shape {array.shape}, a picture of depth in colors: '
                'export the measured values'
            )
        is_float = np.dtype(self.dtype).kind == 'f'
        fits = (array.dtype.kind == 'f') == is_float
        if name != 'depth':
            fits &= _stored_type(array) == self.dtype
        else:  # 8 bits are no steps of the unit of others
            fits &= (array.dtype.itemsize == 1) == (np.dtype(self.dtype).itemsize == 1)
        if array.ndim not in {2, 3} or channels != self.channels or not fits:
            raise ValueError(
                f'{path}: {name} must have '
                + ('one channel' if self.channels == 1 else f'{self.channels} channels')
                + f' of {"floats" if is_float else "integers"} ({self.dtype}) as the '
                f'first file, got {array.dtype} of shape {array.shape}: convert it'
            )

    def _as_depth(self, path: str, depth: NDArray[Any]) -> NDArray[np.uint16]:
        """Depth as it is stored, if as integers; 0 is invalid."""
        depth = np.where(find_invalid(depth, self.given.invalid), 0, depth)
        unit = self.scale or MILLIMETER
        if unit != self.given.scale or depth.dtype.kind == 'f':
            depth = np.rint(depth.astype(np.float64) * (self.given.scale or 1) / unit)
        if depth.min() < 0 or depth.max() > 65535:
            raise ValueError(
                f'{path}: depth must be within 0..{65535 * unit:g} m, got '
                f'{depth.min() * unit:g}..{depth.max() * unit:g} m: name values of no '
                'depth with --depth-invalid, or correct it'
            )
        return np.asarray(depth, np.uint16)

    def _as_values(self, path: str, values: NDArray[Any]) -> NDArray[Any]:
        """Values as they are stored; invalid ones 0, NaN, or those of the nearest."""
        invalid = find_invalid(values, self.given.invalid)
        if self.given.fill is None and self.given.invalid and not self._invalid_is_zero:
            values = fill_invalid(values, ~invalid, 'nearest')
            invalid[:] = False
        if values.ndim == 3:
            invalid = invalid[..., None]
        nothing = np.nan if values.dtype.kind == 'f' else 0
        values = np.where(invalid, nothing, values).astype(self.dtype)
        if 'fill' not in self.options and not np.isfinite(values).all():
            raise ValueError(
                f'{path}: {self.given.name} must be finite, got NaN or infinite '
                'values: say what replaces them, as --modality '
                f'{self.given.name}=DIR:fill=nearest'
            )
        return values if self.suffix == '.npy' else file_order(values)


def how_stored(given: Given, paths: Sequence[Path]) -> Stored:
    """How the files of a modality are stored, as the first that can be read tells.

    Raises:
        ValueError: If none can be read.
    """
    first = first_array(given, paths)
    try:
        check_storable(given.invalid, str(first.dtype))
    except ValueError as error:
        raise ValueError(f'{given.name}: {error}') from error
    endings = {path.suffix for path in paths}
    as_they_are = len(endings) == 1 and endings <= {'.png', '.jpg'}
    as_they_are &= given.orientation != 'apply' and not given.resize
    if given.name == 'rgb':
        if first.dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f'rgb must be images of 8 or 16 bits, got {first.dtype} in '
                f'{given.folder}: convert them, or give them as a modality of another '
                f'name, --modality color={given.folder}'
            )
        suffix = endings.pop() if as_they_are else '.png'
        return Stored(given, str(first.dtype), 3, suffix, as_they_are, given.scale)
    dtype = _stored_type(first)
    if given.name == 'depth':
        unit = given.scale
        if first.dtype.kind == 'f' or first.dtype.itemsize > 2:
            unit = _unit_that_holds(given, paths, first.dtype.kind == 'f')
        return Stored(given, dtype, 1, '.png', False, unit)
    channels = first.shape[2] if first.ndim == 3 else 1
    if dtype in ('uint8', 'uint16') and channels in {1, 3}:
        kept = as_they_are and not given.invalid
        suffix = endings.pop() if kept else '.png'
        return Stored(given, dtype, channels, suffix, kept, given.scale)
    return Stored(given, dtype, channels, '.npy', False, given.scale)


def first_array(given: Given, paths: Sequence[Path]) -> NDArray[Any]:
    """The first file that can be read; others are named when they are converted."""
    reasons = []
    for path in paths:
        try:
            return read_array(path)
        except (ValueError, OSError) as error:
            reasons.append(error)
    raise ValueError(
        f'{given.name} must be readable images or arrays, got none among '
        f'{len(paths)} files: {reasons[0]}'
    )


def _stored_type(array: NDArray[Any]) -> str:
    """The type in which values are written: floats as float32, booleans as uint8."""
    kinds = dict(f='float32', b='uint8')
    return kinds.get(array.dtype.kind, str(array.dtype))


def _unit_that_holds(given: Given, paths: Sequence[Path], is_float: bool) -> float:
    """Meters per written unit: 1 mm of floats, or 10, 100, ... times that, if needed.

    Raises:
        ValueError: If the farthest depth takes a unit too coarse for any scene.
    """
    farthest, where = 0.0, paths[0]
    for path in paths:
        try:
            depth = read_array(path)
        except (ValueError, OSError):
            continue  # is named when it is converted
        known = ~find_invalid(depth, given.invalid)
        if depth[known].max(initial=0) > farthest:
            farthest, where = float(depth[known].max()), path
    meters = farthest * (given.scale or 1)
    unit = MILLIMETER if is_float else given.scale or 1
    while round(meters / unit) > 65535:
        unit *= 10
    if unit > COARSEST and meters > COARSEST * 65535:
        raise ValueError(
            f'{where}: depth must be within {COARSEST * 65535:g} m, got {meters:g} m: '
            f'if {farthest:g} means no depth, give --depth-invalid {farthest:g}, else '
            'correct --depth-unit'
        )
    return float(f'{unit:g}')


def picture_of_depth(stored: Stored, paths: Sequence[Path]) -> list[str]:
    """Warnings if depth has 8 bits, as pictures have; the report doubts the rest."""
    depth, given = first_array(stored.given, paths), stored.given
    if depth.ndim != 2 or depth.dtype.itemsize > 1:
        return []
    unit = given.scale or 1
    valid = ~find_invalid(depth, given.invalid) & (depth > 0)
    found = doubts(DepthSummary.of(depth, valid), unit)
    return [
        f'depth has 8 bits, steps of {unit:g} m: is it the measured depth, or a '
        'picture of it, stretched to 0..255?',
        *(f'first depth file: {found[key]}' for key in ('saturated',) if key in found),
    ]
