"""A transform that encodes depth, and the modality that depth becomes by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import FILLS, Modality, modality_key
from mmseg_cen.once import warn_once
from mmseg_cen.plausibility import ANYWHERE, DepthSummary, doubts

from .depth import fill_invalid, valid_pixels
from .encodings import (
    ENCODINGS,
    HAS_RANGE,
    NEEDS_CAMERA,
    check_encoding,
    encode_depth,
)


@dataclass(frozen=True)
class NormalPicture(Modality):
    """Pictures of normals, whose directions turn with the image."""

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Turn the directions: red is x, green the direction upwards, in BGR order."""
        upwards = np.diag([1.0, -1.0])
        matrix = upwards @ turn @ upwards
        across = (image[..., 2:0:-1] - 127.5) @ matrix.T + 127.5
        turned = image.copy()
        turned[..., 2:0:-1] = np.rint(across).clip(0, 255)
        black = ~image[..., :3].any(axis=-1)
        turned[black] = image[black]
        return turned


def is_moved(results: Mapping[str, Any], name: str) -> bool:
    """Whether the array of a modality is another than the one that was loaded.

    Of samples that :class:`LoadModalities` has not loaded, traces tell: another shape
    than the original one, or a flip.
    """
    if name in results.get('loaded', {}):
        array = results[modality_key(results, name)]
        return array is not results['loaded'][name].image
    shapes = [tuple(results[k][:2]) for k in ('img_shape', 'ori_shape') if k in results]
    return len({*shapes}) > 1 or bool(results.get('flip'))


@TRANSFORMS.register_module()
class EncodeDepth(BaseTransform):
    """Replace the depth of a sample by one of its encodings.

    Place this transform right behind the loading: the geometry then moves the encoding.
    Behind a transform that has moved depth, 'normals' and 'hha' are refused, as the
    camera is that of the whole image. The model needs a modality with the channels of
    the encoding.

    ==========  ========  ==============================================================
    encoding    channels  values; all are 0 where there is no depth
    ==========  ========  ==============================================================
    metric      1         float32, meters
    minmax      1         float32, [0, 1]
    log         1         float32, log(1 + meters)
    inverse     1         float32, 1/meters
    jet, turbo  3         uint8, BGR: minmax in colors
    normals     3         uint8, BGR: x to the right is red, y to the top green, z to
                          the camera blue
    hha         3         uint8, BGR: horizontal disparity is red, height above ground
                          green, angle with gravity blue
    ==========  ========  ==============================================================

    Encodings of three channels are like pictures that are read from files. With
    ``validity``, a channel follows that is 1 (255 in pictures) where the file has a
    depth, whatever ``fill`` of the modality or ``missing`` have put elsewhere.

    Required Keys:

    - modalities (dict[str, Modality])
    - the array of the modality, (H, W)
    - loaded (dict[str, Loaded], optional): the arrays as they were loaded

    Modified Keys:

    - modalities: channels and ``pad_value`` of the modality
    - the array of the modality, (H, W) or (H, W, C)

    Args:
        encoding: See the table.
        modality: Name of the depth.
        intrinsics: Camera of the depth maps, for 'normals' and 'hha': 'nyudv2', or a
            dict with fx, fy, cx, cy, width and height, for images of any size.
        scale: Meters per unit of the loaded array: 1 if ``scale`` of the modality has
            made meters of it.
        missing: Replacement of missing depth: 'nearest' (the nearest depth), 'inpaint'
            (OpenCV's in-painting), a number of meters, or ``None`` for no replacement.
        validity: Whether to add the channel of the measured pixels.
        depth_range: Nearest and farthest depth, meters, for 'minmax', 'jet' and
            'turbo'; by default the range of each image.
        gravity: Direction of gravity in the camera frame (x right, y down, z ahead),
            for 'hha' of a camera that is mounted; by default estimated for each image.

    Raises:
        ValueError: If an option is not allowed, a sample has no such modality, or its
            depth was moved before, where camera or validity must be known.
    """

    def __init__(
        self,
        encoding: str,
        modality: str = 'depth',
        intrinsics: str | Mapping[str, Any] | None = None,
        scale: float = 1.0,
        missing: float | str | None = None,
        validity: bool = False,
        depth_range: Sequence[float] | None = None,
        gravity: Sequence[float] | None = None,
    ) -> None:
        self.camera = check_encoding(encoding, intrinsics, depth_range, gravity)
        limits = None if depth_range is None else tuple(depth_range)
        if not scale > 0:
            raise ValueError(
                f'`scale` must be positive, got {scale}: give meters per loaded unit'
            )
        if isinstance(missing, str) and missing not in FILLS:
            raise ValueError(
                f'`missing` must be a number, one of {FILLS} or None, got {missing!r}: '
                'choose one'
            )
        self.encoding = encoding
        self.modality = modality
        self.scale = scale
        self.missing = missing
        self.validity = validity
        self.depth_range = limits
        self.gravity = gravity
        self._is_checked = False

    @property
    def is_relative(self) -> bool:
        """Whether the unit of depth does not matter, as in each image's own range."""
        return self.encoding in HAS_RANGE and self.depth_range is None

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Encode the depth of one sample."""
        modalities = results['modalities']
        if self.modality not in modalities:
            raise ValueError(
                f'`modality` must be one of the modalities {list(modalities)}, got '
                f'{self.modality!r}: choose one'
            )
        key = modality_key(results, self.modality)
        depth = results[key]
        if depth.ndim != 2:
            raise ValueError(
                f'depth must have one channel, got shape {depth.shape} of '
                f'{self.modality!r}: encode it once only'
            )
        if self.encoding in NEEDS_CAMERA and is_moved(results, self.modality):
            raise ValueError(
                f'depth must be as it was loaded for {self.encoding!r}, which needs '
                'the camera of the whole image, got depth that was cropped, flipped, '
                'resized or replaced: place EncodeDepth right behind the loading'
            )
        depth = depth.astype(np.float32) * np.float32(self.scale)
        has_depth = valid_pixels(depth) & (depth > 0)
        measured = has_depth & self._in_file(results) if self.validity else has_depth
        self._warn_of_implausible(depth, has_depth)
        if self.missing is not None:
            depth = fill_invalid(depth, has_depth, self.missing)
        image = encode_depth(
            depth,
            self.encoding,
            self.camera,
            self.depth_range,  # type: ignore[arg-type]
            gravity=self.gravity,
        )
        if image.ndim == 3:
            image = image[..., ::-1]
        if self.validity:
            one = 255 if image.dtype == np.uint8 else 1
            channel = np.where(measured, one, 0).astype(image.dtype)
            image = np.dstack([image, channel])
        results[key] = np.ascontiguousarray(image)
        results['modalities'] = modalities | {
            self.modality: self._modality(modalities[self.modality])
        }
        return results

    def _in_file(self, results: Mapping[str, Any]) -> np.ndarray | bool:
        """Mask (H, W) of the pixels that the file has a depth of."""
        if 'loaded' in results and not is_moved(results, self.modality):
            valid: np.ndarray = results['loaded'][self.modality].valid
            return valid
        if results['modalities'][self.modality].fill is not None:
            raise ValueError(
                f'`fill` of modality {self.modality!r} must be None where `validity` '
                'is to tell what was measured and depth was moved before, got '
                f'{results["modalities"][self.modality].fill!r}: place EncodeDepth '
                'right behind the loading, or fill by `missing` of EncodeDepth'
            )
        return True

    def _warn_of_implausible(self, depth: np.ndarray, valid: np.ndarray) -> None:
        """Warn, at the first sample with depth, of depth that no scene has."""
        if self._is_checked or self.is_relative or not valid.any():
            return
        self._is_checked = True
        found = doubts(DepthSummary.of(depth, valid), 1.0, ANYWHERE)
        if 'unit' in found:
            warn_once(
                f'unit {self.modality}',
                f'EncodeDepth takes {self.modality!r} for meters: {found["unit"]}, by '
                '`scale` of the modality or of EncodeDepth',
            )

    def _modality(self, depth: Modality) -> Modality:
        """The modality of the encoding."""
        channels = ENCODINGS[self.encoding] + self.validity
        modality_class = NormalPicture if self.encoding == 'normals' else Modality
        return modality_class(
            suffix=depth.suffix, channels=channels, interpolation=depth.interpolation
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({self.encoding!r}, modality={self.modality!r}, '
            f'intrinsics={self.camera}, scale={self.scale}, missing={self.missing!r}, '
            f'validity={self.validity}, depth_range={self.depth_range}, '
            f'gravity={self.gravity})'
        )
