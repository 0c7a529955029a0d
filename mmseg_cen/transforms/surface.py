"""The surface that a depth map shows: its points, its normals, and which way is down.

Camera frame of all points and directions: x to the right of the image, y to its bottom,
z forwards.

All is computed from the inverse of the depth, which is a linear function of the pixel
over the image of a plane: its fit is exact on planes, however steep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .depth import valid_pixels

Image = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Args:
        fx: Focal length in widths of a pixel.
        fy: Focal length in heights of a pixel.
        cx: Column of the optical axis, pixels; the center of the first pixel is 0.
        cy: Row of the optical axis.
        width: Width of the image to which these numbers belong, pixels.
        height: Height of that image.

    Raises:
        ValueError: If focal lengths or sizes are not positive.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.fx, self.fy, self.width, self.height) <= 0:
            raise ValueError(
                'focal lengths and sizes of a camera must be positive, got '
                f'{self}: give fx, fy, cx, cy of an image of width x height'
            )

    def resized(self, height: int, width: int) -> 'Camera':
        """The camera of the image after it is resized."""
        x, y = width / self.width, height / self.height
        return Camera(
            fx=self.fx * x,
            fy=self.fy * y,
            cx=(self.cx + 0.5) * x - 0.5,
            cy=(self.cy + 0.5) * y - 0.5,
            width=width,
            height=height,
        )

    def rays(self) -> tuple[Image, Image]:
        """Slopes x / depth (1, W) and y / depth (H, 1) of the pixels, y to the top."""
        x = (np.arange(self.width, dtype=np.float32) - self.cx) / self.fx
        y = (self.cy - np.arange(self.height, dtype=np.float32)) / self.fy
        return x[None].astype(np.float32), y[:, None].astype(np.float32)


# The color camera of NYU Depth V2, to which its depth is registered, from the toolbox
# of Silberman et al., ECCV 2012.
NYUDV2_CAMERA = Camera(518.857901, 519.469611, 325.582449, 253.736166, 640, 480)


def build_camera(camera: str | Mapping[str, Any] | Camera) -> Camera:
    """Build a camera from its name or its options.

    Raises:
        ValueError: If the name is not known, or options are wrong.
    """
    if isinstance(camera, Camera):
        return camera
    if camera == 'nyudv2':
        return NYUDV2_CAMERA
    try:
        return Camera(**camera)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(
            "`camera` must be 'nyudv2' or a dict with fx, fy, cx, cy, width and "
            f'height, got {camera!r}: choose one'
        ) from error


def parse_camera(values: Sequence[str] | None) -> Camera | None:
    """Build the camera of a command line: 'nyudv2' or six numbers, None if not given.

    Raises:
        ValueError: If the values are neither.
    """
    if values is None:
        return None
    if list(values) == ['nyudv2']:
        return NYUDV2_CAMERA
    try:
        fx, fy, cx, cy, width, height = map(float, values)
    except ValueError as error:
        raise ValueError(
            "--camera must be 'nyudv2' or FX FY CX CY WIDTH HEIGHT, got "
            f'{" ".join(values)}: give one of them'
        ) from error
    return Camera(fx, fy, cx, cy, int(width), int(height))


def surface_normals(
    depth: Image,
    camera: Camera,
    radius: int = 3,
    valid: Mask | None = None,
    stride: int = 1,
) -> Image:
    """Estimate unit normals of the visible surface, toward the camera.

    Each is the normal of the plane that fits the inverse depth best in a square window
    around the pixel (least squares), as in Gupta et al., ECCV 2014. Where the window
    looks across an edge, the normal lies between the normals of both sides.

    Args:
        depth: (H, W); the unit does not matter.
        camera: Of an image of this size.
        radius: The window has 2 * radius + 1 pixels a side, fewer at the border.
        valid: Mask (H, W) of the pixels that count, by default all with a depth. Other
            pixels get the normal of the valid ones around.
        stride: Compute every n-th row and column only.

    Returns:
        (H / stride, W / stride, 3), float32, in the camera frame; 0 where the window
        has no three pixels that are not in line.

    Raises:
        ValueError: If the radius is not positive.
    """
    if radius < 1:
        raise ValueError(f'`radius` must be positive, got {radius}: raise it')
    if valid is None:
        valid = valid_pixels(depth)
    inverse = np.zeros(depth.shape)
    np.divide(1, depth, out=inverse, where=valid)
    moments = (
        _full_moments(*depth.shape, radius)
        if valid.all()
        else _moments(valid.astype(float), radius)
    )
    n, u, v, uu, uv, vv = (m[::stride, ::stride] for m in moments)
    column, row = _coordinates(*depth.shape)
    w, uw, vw = (
        _window_sum(weighted, radius)[::stride, ::stride]
        for weighted in (inverse, inverse * column, inverse * row)
    )
    # The means, and the (co)variances times n.
    n = np.maximum(n, 1)
    u, v, w = u / n, v / n, w / n
    uu, uv, vv = uu - n * u * u, uv - n * u * v, vv - n * v * v
    uw, vw = uw - n * u * w, vw - n * v * w
    determinant = uu * vv - uv * uv
    known = determinant > 1e-3  # 1/3 for three adjacent pixels
    determinant[~known] = 1
    slope_u = (vv * uw - uv * vw) / determinant
    slope_v = (uu * vw - uv * uw) / determinant
    # The fit at the optical axis, in the coordinates of `_coordinates`.
    axis_u = camera.cx - (depth.shape[1] - 1) / 2
    axis_v = camera.cy - (depth.shape[0] - 1) / 2
    w += slope_u * (axis_u - u) + slope_v * (axis_v - v)
    slope_u *= camera.fx
    slope_v *= camera.fy
    length = np.sqrt(slope_u * slope_u + slope_v * slope_v + w * w)
    scale = np.zeros_like(length)
    np.divide(-1, length, out=scale, where=known & (length > 0))
    normals = np.empty((*length.shape, 3), np.float32)
    for axis, component in enumerate((slope_u, slope_v, w)):
        np.multiply(component, scale, out=normals[..., axis], casting='same_kind')
    return normals


def estimate_gravity(normals: Image, iterations: int = 5) -> NDArray[np.float64]:
    """Estimate the direction of gravity in the camera frame, a unit vector (3,).

    It is as parallel as possible to the normals of floors and ceilings, and as
    perpendicular as possible to the normals of walls. A normal counts as one of these
    if it is parallel or perpendicular to the last estimate within an angle: at first 45
    degrees, then 15 (Gupta et al., CVPR 2013), then 5 and 1, which leave out windows
    that look across an edge. The first estimate is the y axis.

    Args:
        normals: (..., 3), unit vectors of either sign; zeros are left out. Without any
            normal, the result is the y axis.
        iterations: Most iterations for each angle; they end when the estimate rests.
    """
    flat = normals.reshape(-1, 3)
    flat = np.ascontiguousarray(flat[flat.any(axis=1)].T, dtype=np.float64)
    gravity = np.array([0.0, 1.0, 0.0])
    if not flat.size:
        return gravity
    for angle in np.deg2rad([45, 15, 5, 1]):
        for _ in range(iterations):
            cosine = np.abs(gravity @ flat)
            sign = (cosine < np.sin(angle)).astype(float)  # walls
            sign -= cosine > np.cos(angle)  # floors
            spread = (flat * sign) @ flat.T
            # Where nothing is known, as in front of a single wall, the estimate stays.
            spread -= 1e-6 * flat.shape[1] * np.outer(gravity, gravity)
            last = gravity
            _, vectors = np.linalg.eigh(spread)
            gravity = vectors[:, 0] * (1 if vectors[:, 0] @ last >= 0 else -1)
            if np.abs(gravity - last).max() < 1e-6:
                break
    return gravity


def _window_sum(image: Image, radius: int) -> Image:
    """Sum over the part of each window that lies in the image."""
    side = 2 * radius + 1
    return cv2.boxFilter(
        image, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
    )


def _coordinates(height: int, width: int) -> tuple[Image, Image]:
    """Column (1, W) and row (H, 1) of the pixels, from the center of the image."""
    column = np.arange(width)[None] - (width - 1) / 2
    row = np.arange(height)[:, None] - (height - 1) / 2
    return column, row


def _moments(mask: Image, radius: int) -> tuple[Image, ...]:
    """Sums of 1, u, v, uu, uv, vv over each window, where the mask is 1."""
    u, v = _coordinates(*mask.shape)
    return tuple(
        _window_sum(mask * weight, radius)
        for weight in (1.0, u, v, u * u, u * v, v * v)
    )


@lru_cache(maxsize=4)
def _full_moments(height: int, width: int, radius: int) -> tuple[Image, ...]:
    return _moments(np.ones((height, width)), radius)
