"""Encodings of depth: what a network may be shown in the place of metres.

All are functions of a depth map (H, W) in metres and the mask (H, W) of its valid
pixels. Values are float32 (H, W), pictures uint8 (H, W, 3) in the order of their names;
both are 0 where there is no depth.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .depth import valid_pixels
from .surface import (
    Camera,
    Image,
    Mask,
    build_camera,
    estimate_gravity,
    surface_normals,
)

Picture = NDArray[np.uint8]

COLOUR_MAPS = {'jet': cv2.COLORMAP_JET, 'turbo': cv2.COLORMAP_TURBO}
#: The encodings, and the number of their channels.
ENCODINGS = {
    'metric': 1, 'minmax': 1, 'log': 1, 'inverse': 1,
    'jet': 3, 'turbo': 3, 'normals': 3, 'hha': 3,
}  # fmt: skip
NEEDS_CAMERA = ('normals', 'hha')
HAS_RANGE = ('minmax', 'jet', 'turbo')

# Constants of HHA, from the released code of Gupta et al., ECCV 2014.
DISPARITY = 31000  # divided by the depth in centimetres
LEAST_DEPTH = 100  # centimetres, for the disparity
NEAR_GROUND = 90  # centimetres below the camera, less than which is no ground
CAMERA_HEIGHT = 130  # centimetres, assumed without a ground
ANGLE_OFFSET = 128 - 90  # degrees: right angles are in the middle
GRAVITY_RADIUS = 10 / 480  # of its windows, in shorter sides of the image


def min_max(
    depth: Image, valid: Mask, depth_range: tuple[float, float] | None = None
) -> Image:
    """Depth in [0, 1], linearly from the nearest to the farthest.

    Args:
        depth: (H, W), metres.
        valid: (H, W).
        depth_range: Nearest and farthest depth, metres, beyond which it is clipped; by
            default those of the image. An image of one depth is 0.
    """
    if not valid.any():
        return np.zeros(depth.shape, np.float32)
    near, far = depth_range or (depth[valid].min(), depth[valid].max())
    scaled = (depth - near) / max(far - near, 1e-12)
    return np.where(valid, scaled.clip(0, 1), 0).astype(np.float32)


def logarithm(depth: Image, valid: Mask) -> Image:
    """log(1 + depth / metre)."""
    return np.log1p(np.where(valid, depth, 0)).astype(np.float32)


def inverse(depth: Image, valid: Mask) -> Image:
    """1 / depth, in 1/metre."""
    out = np.zeros(depth.shape)
    return np.divide(1, depth, out=out, where=valid).astype(np.float32)


def colour(
    depth: Image,
    valid: Mask,
    colour_map: str = 'jet',
    depth_range: tuple[float, float] | None = None,
) -> Picture:
    """Picture of :func:`min_max` in a colour map, 'jet' or 'turbo': red, green, blue.

    Without depth it is black, which no colour of these is.
    """
    grey = np.rint(255 * min_max(depth, valid, depth_range)).astype(np.uint8)
    bgr = cv2.applyColorMap(grey, COLOUR_MAPS[colour_map])
    return np.where(valid[..., None], bgr[..., ::-1], 0).astype(np.uint8)


def normal_picture(
    depth: Image, valid: Mask, camera: Camera, radius: int = 3
) -> Picture:
    """Picture of :func:`surface_normals`: x to the right, y to the top, z to us.

    -1 and 1 are 0 and 255; without depth it is black.

    Args:
        depth: (H, W), metres.
        valid: (H, W).
        camera: Of an image of this size.
        radius: See there.
    """
    normals = surface_normals(depth, camera, radius, valid) * (1, -1, -1)
    known = valid & normals.any(axis=-1)
    picture = np.rint(127.5 + 127.5 * normals)
    return np.where(known[..., None], picture, 0).astype(np.uint8)


def hha(
    depth: Image,
    valid: Mask,
    camera: Camera,
    radius: int = 3,
    gravity: Sequence[float] | NDArray[np.floating[Any]] | None = None,
) -> Picture:
    """Horizontal disparity, height above ground, angle with gravity.

    - 31000 / depth, of at least 1 m, in centimetres;
    - the height over the lowest point, centimetres. If that is less than 90 cm below
      the camera, it is no ground, which is taken to be 130 cm below it;
    - the angle in degrees between gravity and the normal that points away from the
      camera, plus 38: floors are 38, walls 128, ceilings 218. Without a normal, 218.

    They are rounded, and clipped to 0..255: heights beyond 2.55 m are one. Without
    depth, all three are 0. "Learning Rich Features from RGB-D Images for Object
    Detection and Segmentation", ECCV 2014, with the constants of its released code.

    Args:
        depth: (H, W), metres.
        valid: (H, W).
        camera: Of an image of this size.
        radius: Of the normals of the third channel, see :func:`surface_normals`; 3 in
            the released code.
        gravity: Its direction in the camera frame (x right, y down, z ahead), a vector
            (3,) of any length; by default an estimate on normals over wider windows, of
            radius 10 where the shorter side of the image has 480 pixels, and of at
            least 3.
    """
    if not valid.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    if gravity is None:
        side = min(depth.shape)
        wide = max(3, round(side * GRAVITY_RADIUS))
        stride = max(1, side // 120)
        gravity = estimate_gravity(surface_normals(depth, camera, wide, valid, stride))
    down = np.asarray(gravity, np.float32) / np.float32(np.linalg.norm(gravity))
    centimetres = np.where(valid, 100 * depth, LEAST_DEPTH).astype(np.float32)
    x, y = camera.rays()
    height = centimetres * (y * down[1] - x * down[0] - down[2])
    lowest = height.min(where=valid, initial=np.inf)
    height -= lowest if lowest <= -NEAR_GROUND else -CAMERA_HEIGHT
    normals = surface_normals(depth, camera, radius, valid)
    angle = np.rad2deg(np.arccos((-normals @ down).clip(-1, 1)))
    angle[(normals == 0).all(axis=-1)] = 180
    disparity = DISPARITY / np.maximum(centimetres, LEAST_DEPTH)
    picture = np.zeros((*depth.shape, 3), np.uint8)
    for c, channel in enumerate((disparity, height, angle + ANGLE_OFFSET)):
        picture[..., c] = np.where(valid, np.rint(channel).clip(0, 255), 0)
    return picture


def check_encoding(
    encoding: str,
    camera: str | Mapping[str, Any] | Camera | None = None,
    depth_range: Sequence[float] | None = None,
    gravity: Sequence[float] | NDArray[np.floating[Any]] | None = None,
) -> Camera | None:
    """The camera, built; raise a ValueError unless the encoding has all that it needs.

    Args:
        encoding: One of :data:`ENCODINGS`.
        camera: Name or options of one.
        depth_range: Of the encodings in :data:`HAS_RANGE`.
        gravity: Of 'hha'.
    """
    if encoding not in ENCODINGS:
        raise ValueError(
            f'`encoding` must be one of {list(ENCODINGS)}, got {encoding!r}'
        )
    if encoding in NEEDS_CAMERA and camera is None:
        raise ValueError(
            f'the encoding {encoding!r} needs the camera of the depth maps, got none: '
            "give 'nyudv2', or fx, fy, cx, cy, width and height"
        )
    if depth_range is not None:
        if encoding not in HAS_RANGE:
            raise ValueError(
                f'`depth_range` is for the encodings {list(HAS_RANGE)}, got it for '
                f'{encoding!r}'
            )
        if np.shape(depth_range) != (2,) or not 0 <= depth_range[0] < depth_range[1]:
            raise ValueError(
                f'`depth_range` must be (near, far) in metres, got {depth_range}'
            )
    if gravity is not None:
        if encoding != 'hha':
            raise ValueError(
                f"`gravity` is for the encoding 'hha', got it for {encoding!r}"
            )
        if np.shape(gravity) != (3,) or not 0 < np.linalg.norm(gravity) < np.inf:
            raise ValueError(
                '`gravity` must be its direction in the camera frame, three numbers '
                f'(x right, y down, z ahead) that are not all 0, got {gravity!r}'
            )
    return None if camera is None else build_camera(camera)


def encode_depth(
    depth: Image,
    encoding: str,
    camera: Camera | None = None,
    depth_range: tuple[float, float] | None = None,
    valid: Mask | None = None,
    gravity: Sequence[float] | NDArray[np.floating[Any]] | None = None,
) -> Image | Picture:
    """Encode a depth map.

    Args:
        depth: (H, W), metres; 0, NaN and infinity are no depth.
        encoding: One of :data:`ENCODINGS`.
        camera: Of images of any size; needed by :data:`NEEDS_CAMERA`.
        depth_range: Of :func:`min_max`.
        valid: Mask (H, W) of the pixels with a depth; by default those.
        gravity: Of :func:`hha`, where it is known.

    Returns:
        (H, W) float32, or (H, W, 3) uint8 with the channels in the order of the name of
        the encoding, and of pictures red, green, blue.
    """
    check_encoding(encoding, camera, depth_range, gravity)
    if valid is None:
        valid = valid_pixels(depth) & (depth > 0)
    if encoding == 'minmax':
        return min_max(depth, valid, depth_range)
    if encoding == 'log':
        return logarithm(depth, valid)
    if encoding == 'inverse':
        return inverse(depth, valid)
    if encoding in COLOUR_MAPS:
        return colour(depth, valid, encoding, depth_range)
    if camera is not None and encoding in NEEDS_CAMERA:
        camera = camera.resized(*depth.shape)
        if encoding == 'hha':
            return hha(depth, valid, camera, gravity=gravity)
        return normal_picture(depth, valid, camera)
    return np.where(valid, depth, 0).astype(np.float32)
