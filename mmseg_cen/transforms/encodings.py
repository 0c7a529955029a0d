"""Encodings of depth: images that a network sees in the place of meters.

Each is a function of a depth map (H, W) in meters and the mask (H, W) of its valid
pixels. Values are float32 (H, W). Pictures are uint8 (H, W, 3), with the channels in
the order of their names. Both are 0 where there is no depth.
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

COLOR_MAPS = {'jet': cv2.COLORMAP_JET, 'turbo': cv2.COLORMAP_TURBO}
#: Number of channels of each encoding.
ENCODINGS = {
    'metric': 1, 'minmax': 1, 'log': 1, 'inverse': 1,
    'jet': 3, 'turbo': 3, 'normals': 3, 'hha': 3,
}  # fmt: skip
NEEDS_CAMERA = ('normals', 'hha')
HAS_RANGE = ('minmax', 'jet', 'turbo')

# Constants of HHA, from the released code of Gupta et al., ECCV 2014.
DISPARITY = 31000  # divided by the depth in centimeters
LEAST_DEPTH = 100  # centimeters; for the disparity, less depth counts as this
NEAR_GROUND = 90  # centimeters; the ground is at least so far below the camera
CAMERA_HEIGHT = 130  # centimeters, assumed if no ground is seen
ANGLE_OFFSET = 128 - 90  # degrees; puts right angles in the middle
GRAVITY_RADIUS = 10 / 480  # of windows for gravity, in shorter sides of the image


def min_max(
    depth: Image, valid: Mask, depth_range: tuple[float, float] | None = None
) -> Image:
    """Scale depth to [0, 1], linearly from the nearest to the farthest.

    Args:
        depth: (H, W), meters.
        valid: (H, W).
        depth_range: Nearest and farthest depth, meters; depth beyond is clipped. By
            default the range of the image; an image of one depth is 0.
    """
    if not valid.any():
        return np.zeros(depth.shape, np.float32)
    near, far = depth_range or (depth[valid].min(), depth[valid].max())
    scaled = (depth - near) / max(far - near, 1e-12)
    return np.where(valid, scaled.clip(0, 1), 0).astype(np.float32)


def logarithm(depth: Image, valid: Mask) -> Image:
    """Logarithm of 1 + depth / meter."""
    return np.log1p(np.where(valid, depth, 0)).astype(np.float32)


def inverse(depth: Image, valid: Mask) -> Image:
    """Inverse of the depth, 1/meter."""
    out = np.zeros(depth.shape)
    return np.divide(1, depth, out=out, where=valid).astype(np.float32)


def colorize(
    depth: Image,
    valid: Mask,
    color_map: str = 'jet',
    depth_range: tuple[float, float] | None = None,
) -> Picture:
    """Show :func:`min_max` in the colors of a map, 'jet' or 'turbo': red, green, blue.

    Pixels without depth are black, a color that neither map has.
    """
    gray = np.rint(255 * min_max(depth, valid, depth_range)).astype(np.uint8)
    bgr = cv2.applyColorMap(gray, COLOR_MAPS[color_map])
    return np.where(valid[..., None], bgr[..., ::-1], 0).astype(np.uint8)


def normal_picture(
    depth: Image, valid: Mask, camera: Camera, radius: int = 3
) -> Picture:
    """Show normals as colors: red is x to the right, green y upwards, blue z to us.

    -1 and 1 become 0 and 255; pixels without depth are black.

    Args:
        depth: (H, W), meters.
        valid: (H, W).
        camera: Camera of an image of this size.
        radius: See :func:`surface_normals`.
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
    """Encode horizontal disparity, height above ground, angle with gravity.

    - 31000 / depth in centimeters, where depth below 1 m counts as 1 m;
    - the height above the lowest point, centimeters. If that point is less than 90 cm
      below the camera, it is not the ground, which is then assumed at 130 cm below;
    - the angle in degrees between gravity and the normal that points away from the
      camera, plus 38: floors are 38, walls 128, ceilings 218. Without a normal, 218.

    All are rounded, and clipped to 0..255, so that heights beyond 2.55 m look alike.
    Without depth, all three are 0. "Learning Rich Features from RGB-D Images for Object
    Detection and Segmentation", ECCV 2014, with the constants of its released code.

    Args:
        depth: (H, W), meters.
        valid: (H, W).
        camera: Camera of an image of this size.
        radius: Radius for the normals of the third channel, see
            :func:`surface_normals`; 3 in the released code.
        gravity: Direction of gravity in the camera frame (x right, y down, z ahead), a
            vector (3,) of any length. By default it is estimated from normals over
            wider windows, of radius 10 where the shorter side of the image has 480
            pixels, and of at least 3.
    """
    if not valid.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    if gravity is None:
        side = min(depth.shape)
        wide = max(3, round(side * GRAVITY_RADIUS))
        stride = max(1, side // 120)
        gravity = estimate_gravity(surface_normals(depth, camera, wide, valid, stride))
    down = np.asarray(gravity, np.float32) / np.float32(np.linalg.norm(gravity))
    centimeters = np.where(valid, 100 * depth, LEAST_DEPTH).astype(np.float32)
    x, y = camera.rays()
    height = centimeters * (y * down[1] - x * down[0] - down[2])
    lowest = height.min(where=valid, initial=np.inf)
    height -= lowest if lowest <= -NEAR_GROUND else -CAMERA_HEIGHT
    normals = surface_normals(depth, camera, radius, valid)
    angle = np.rad2deg(np.arccos((-normals @ down).clip(-1, 1)))
    angle[(normals == 0).all(axis=-1)] = 180
    disparity = DISPARITY / np.maximum(centimeters, LEAST_DEPTH)
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
    """Check that an encoding has all that it needs, and build its camera.

    Args:
        encoding: One of :data:`ENCODINGS`.
        camera: Name or options of a camera, for encodings in :data:`NEEDS_CAMERA`.
        depth_range: For encodings in :data:`HAS_RANGE`.
        gravity: For 'hha'.

    Raises:
        ValueError: If something is missing, or is not for this encoding.
    """
    if encoding not in ENCODINGS:
        raise ValueError(
            f'`encoding` must be one of {list(ENCODINGS)}, got {encoding!r}: choose one'
        )
    if encoding in NEEDS_CAMERA and camera is None:
        raise ValueError(
            f'{encoding!r} needs the camera of the depth maps, which must be known, '
            "got none: give 'nyudv2', or fx, fy, cx, cy, width and height"
        )
    if depth_range is not None:
        if encoding not in HAS_RANGE:
            raise ValueError(
                f'`encoding` must be one of {list(HAS_RANGE)} to have a `depth_range`, '
                f'got {encoding!r}: remove the range'
            )
        if np.shape(depth_range) != (2,) or not 0 <= depth_range[0] < depth_range[1]:
            raise ValueError(
                f'`depth_range` must be (near, far) in meters, got {depth_range}: give '
                'two numbers, the smaller one first'
            )
    if gravity is not None:
        if encoding != 'hha':
            raise ValueError(
                f"`encoding` must be 'hha' to have a `gravity`, got {encoding!r}: "
                'remove the gravity'
            )
        if np.shape(gravity) != (3,) or not 0 < np.linalg.norm(gravity) < np.inf:
            raise ValueError(
                '`gravity` must be a direction in the camera frame that is not 0, got '
                f'{gravity!r}: give three numbers (x right, y down, z ahead)'
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
        depth: (H, W), meters; 0, NaN and infinity mean no depth.
        encoding: One of :data:`ENCODINGS`.
        camera: Camera of images of any size; for encodings in :data:`NEEDS_CAMERA`.
        depth_range: See :func:`min_max`.
        valid: Mask (H, W) of the pixels with a depth; by default found in the depth.
        gravity: See :func:`hha`.

    Returns:
        (H, W) float32, or (H, W, 3) uint8 with the channels in the order of the name of
        the encoding; in other pictures red, green, blue.

    Raises:
        ValueError: If something is missing or is not for this encoding, or the image
            has another ratio of width and height than the images of the camera.
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
    if encoding in COLOR_MAPS:
        return colorize(depth, valid, encoding, depth_range)
    if camera is not None and encoding in NEEDS_CAMERA:
        camera = _camera_of(depth, camera)
        if encoding == 'hha':
            return hha(depth, valid, camera, gravity=gravity)
        return normal_picture(depth, valid, camera)
    return np.where(valid, depth, 0).astype(np.float32)


def _camera_of(depth: Image, camera: Camera) -> Camera:
    """The camera of a depth map that is resized, but not cropped."""
    height, width = depth.shape
    off = abs(height * camera.width - width * camera.height)
    if off > max(camera.width, camera.height):  # one row or column by rounding
        raise ValueError(
            f'depth must have the ratio of the images of its camera, {camera.width} x '
            f'{camera.height}, got {width} x {height}: encode it before it is cropped, '
            'or give the camera of images of this size'
        )
    return camera.resized(height, width)
