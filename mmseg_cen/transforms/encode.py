"""Encode depth in the pipeline."""

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
    """A modality of pictures of normals, whose directions turn with the image."""

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Turn what the colours mean: the red and green of BGR are x and upwards."""
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
    """Replace the depth of a sample by an encoding of it.

    Belongs right behind the loading: the geometry then moves the encoding, and the
    model, too, has a modality with its channels.

    ==========  ========  ==============================================================
    encoding    channels  values; all are 0 where there is no depth
    ==========  ========  ==============================================================
    metric      1         float32, metres
    minmax      1         float32, [0, 1]
    log         1         float32, log(1 + metres)
    inverse     1         float32, 1/metres
    jet, turbo  3         uint8, BGR: minmax in colours
    normals     3         uint8, BGR: x to the right is red, y to the top green, z to
                          the camera blue
    hha         3         uint8, BGR: horizontal disparity is red, height above ground
                          green, angle with gravity blue
    ==========  ========  ==============================================================

    Those of three channels are as pictures of them are read from files. With
    ``validity``, a channel follows that is 1 (255 in pictures) where depth was
    measured, before any filling.

    Required Keys:

    - modalities (dict[str, Modality])
    - the array of the modality, (H, W)

    Modified Keys:

    - modalities: channels and ``pad_value`` of the modality
    - its array, (H, W) or (H, W, C)

    Args:
        encoding: See the table.
        modality: Name of the depth.
        intrinsics: Camera of the depth maps, for 'normals' and 'hha': 'nyudv2', or a
            dict with fx, fy, cx, cy, width and height, for images of any size.
        scale: Metres per unit of the loaded array; 1 where ``scale`` of the modality
            makes metres of it.
        missing: What stands in for missing depth: 'nearest' (the nearest depth),
            'inpaint' (OpenCV's in-painting), a number of metres, or ``None``: nothing.
        validity: Whether to add the channel of the measured pixels.
        depth_range: Nearest and farthest depth, metres, for 'minmax', 'jet' and
            'turbo'; by default those of the image.
        gravity: Its direction in the camera frame (x right, y down, z ahead), for 'hha'
            of a camera that is mounted; by default it is estimated for each image.

    Raises:
        ValueError: If an option has no meaning, or there is no such depth.
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
            raise ValueError(f'`scale` must be positive, got {scale}')
        if isinstance(missing, str) and missing not in FILLS:
            raise ValueError(
                f'`missing` must be a number, one of {FILLS} or None, got {missing!r}'
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
                f'EncodeDepth is for one of the modalities {list(modalities)}, got '
                f'{self.modality!r}'
            )
        key = modality_key(results, self.modality)
        depth = results[key]
        if depth.ndim != 2:
            raise ValueError(
                f'depth must have one channel, got {self.modality!r} of shape '
                f'{depth.shape}: encode it once only'
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
        """The modality that the depth becomes."""
        channels = ENCODINGS[self.encoding] + self.validity
        kind = NormalPicture if self.encoding == 'normals' else Modality
        return kind(
            suffix=depth.suffix, channels=channels, interpolation=depth.interpolation
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}({self.encoding!r}, modality={self.modality!r}, '
            f'intrinsics={self.camera}, scale={self.scale}, missing={self.missing!r}, '
            f'validity={self.validity}, depth_range={self.depth_range}, '
            f'gravity={self.gravity})'
        )
