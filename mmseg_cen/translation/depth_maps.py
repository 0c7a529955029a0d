"""Surfaces that a complete depth map shows: normals, shade and edges.

All functions rest on the inverse of the depth, for three reasons: over the image of a
plane it is a linear function of the pixel, so that finite differences of any width are
exact; disparity sensors have the same noise everywhere in it; and its steps, relative
to its value, are relative steps of the depth.

Camera frame of all directions: x to the right of the image, y to its top, z toward the
camera; as a picture, red, green and blue, with gray for zero.

Shapes: H, W; depth in meters along the optical axis, positive and finite everywhere.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.transforms.surface import Camera

Image = NDArray[np.floating[Any]]


def smooth_depth(depth: Image, width: float, step: float = 0.02) -> Image:
    """Depth without its noise, by a bilateral filter of its inverse.

    Planes and edges stay as they are: pixels that differ by more than ``step`` are not
    averaged.

    Args:
        depth: (H, W), meters.
        width: Standard deviation in space, pixels.
        step: Standard deviation of the inverse depth, 1/meters. The noise of a Kinect
            has a standard deviation of 0.003 (Khoshelham and Elberink, Sensors 2012:
            2.85e-3 m per square meter of depth).
    """
    margin = max(1, round(2 * width))
    inverse = cv2.bilateralFilter(
        _extended(1 / depth, margin), 2 * margin + 1, step, width
    )
    return 1 / inverse[margin:-margin, margin:-margin]


def _extended(image: Image, margin: int) -> Image:
    """The image, continued linearly beyond its borders."""
    while (step := min(margin, min(image.shape) - 1)) < margin:
        if step < 1:
            raise ValueError(
                f'images must be larger than 1 pixel, got {image.shape}: take larger '
                'ones'
            )
        image, margin = _extended(image, step), margin - step
    return np.pad(image, margin, mode='reflect', reflect_type='odd')


def _slope(image: Image, axis: int, reach: int, tolerance: float) -> Image:
    """Derivative along an axis, per pixel, that does not look across edges.

    A weighted mean of the differences to the left, to both sides and to the right; a
    smaller second difference gets a larger weight: weighted essentially non-oscillatory
    (Jiang and Shu, J. Comput. Phys. 1996). Exact for linear images.
    """
    margin = 2 * reach
    padded = _extended(image, margin)
    rows, columns = image.shape

    def at(offset: int) -> Image:
        y, x = (margin + offset, margin) if axis == 0 else (margin, margin + offset)
        return padded[y : y + rows, x : x + columns]

    before2, before, here, after, after2 = (at(k * reach) for k in range(-2, 3))
    candidates = [
        (here - before, here - 2 * before + before2),
        ((after - before) / 2, after - 2 * here + before),
        (after - here, after2 - 2 * after + here),
    ]
    slope = np.zeros_like(image)
    total = np.zeros_like(image)
    for difference, curvature in candidates:
        weight = (curvature**2 + tolerance**2) ** -2.0
        slope += weight * difference
        total += weight
    return slope / (total * reach)


def normals_from_depth(
    depth: Image, camera: Camera, reach: int = 1, tolerance: float = 2e-3
) -> Image:
    """Unit normals of the visible surface, toward the camera.

    Sharp at edges, and needs a complete depth map. The normals of
    :func:`mmseg_cen.transforms.surface.surface_normals` average the noise in a window
    and allow holes.

    For points P = depth * ray on a plane n . P = d, the inverse depth is n . ray / d:
    its derivatives along the image give n up to its length.

    Args:
        depth: (H, W), meters.
        camera: Camera of an image of this size.
        reach: Width of the differences, pixels; a larger one is smoother, and loses
            details.
        tolerance: Second difference of the inverse depth, 1/meters, up to which a
            surface counts as smooth.

    Returns:
        (H, W, 3), see the module for the frame.
    """
    inverse = (1 / depth).astype(np.float64)
    x, y = camera.rays()
    across = _slope(inverse, 1, reach, tolerance) * camera.fx
    up = -_slope(inverse, 0, reach, tolerance) * camera.fy
    # n . ray with the ray (x, y, -1), and n = -(across, up, rest) toward the camera.
    toward = inverse - across * x - up * y
    normals = np.stack([-across, -up, toward], axis=-1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return (normals / length).astype(np.float32)


def shade_normals(
    normals: Image, camera: Camera, light: Sequence[float] | None = None
) -> Image:
    """Brightness of a matt white surface, by Lambert's law.

    Args:
        normals: (H, W, 3), unit vectors.
        camera: Camera of an image of this size.
        light: Direction to a light that is far away, (3,), in the camera frame;
            ``None``: a lamp at the camera.

    Returns:
        (H, W), in [0, 1].

    Raises:
        ValueError: If ``light`` is not a direction.
    """
    if light is None:
        x, y = np.broadcast_arrays(*camera.rays())
        toward = np.stack([-x, -y, np.ones_like(x)], axis=-1)
    else:
        toward = np.asarray(light, dtype=np.float32)
        if toward.shape != (3,) or not toward.any():
            raise ValueError(
                f'`light` must be a direction (x, y, z), got {light}: give three '
                'numbers, not all 0'
            )
    toward = toward / np.linalg.norm(toward, axis=-1, keepdims=True)
    return (normals * toward).sum(axis=-1).clip(0, 1).astype(np.float32)


def depth_edges(depth: Image) -> Image:
    """Steps of the depth, relative to the depth behind them.

    The second difference of the inverse depth, which vanishes on planes however steep,
    over the inverse depth of the nearest of its pixels; the larger value of both axes.

    Args:
        depth: (H, W), meters.

    Returns:
        (H, W), in [0, 1]: 0 on planes; 1 - near / far on both sides of a step.
    """
    inverse = _extended(1 / depth, 1)

    def relative(before: Image, here: Image, after: Image) -> Image:
        return np.abs(before - 2 * here + after) / np.maximum(
            np.maximum(before, after), here
        )

    here = inverse[1:-1, 1:-1]
    across = relative(inverse[1:-1, :-2], here, inverse[1:-1, 2:])
    up = relative(inverse[:-2, 1:-1], here, inverse[2:, 1:-1])
    return np.maximum(across, up).clip(0, 1)
