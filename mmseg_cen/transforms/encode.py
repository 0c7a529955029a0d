"""A transform that encodes depth, and the modality that depth becomes by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import FILLS, Modality, modality_key

from .depth import fill_invalid, valid_pixels
from .encodings import ENCODINGS, check_encoding, encode_depth


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


@TRANSFORMS.register_module()
class EncodeDepth(BaseTransform):
    """Replace the depth of a sample by one of its encodings.

    Place this transform right behind the loading: the geometry then moves the encoding.
    The model needs a modality with the channels of the encoding.

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
    ``validity``, a channel follows that is 1 (255 in pictures) where depth was
    measured, before any filling.

    Required Keys:

    - modalities (dict[str, Modality])
    - the array of the modality, (H, W)

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
        ValueError: If an option is not allowed, or a sample has no such modality.
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
        depth = depth.astype(np.float32) * np.float32(self.scale)
        measured = valid_pixels(depth) & (depth > 0)
        if self.missing is not None:
            depth = fill_invalid(depth, measured, self.missing)
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
