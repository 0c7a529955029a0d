"""Domains that follow from what people have: a depth map and its camera, or an image.

Everything rests on the inverse of the depth, for three reasons: over the image of a
plane it is a linear function of the pixel, so that finite differences of any width are
exact; the noise of disparity sensors is the same everywhere in it; and its steps, in
relation to its value, are relative steps of the depth.

Camera frame of all directions: x to the right of the image, y to its top, z towards the
camera; as a picture, red, green and blue, with grey for zero.

Shapes: H, W; depth in metres along the optical axis, positive and finite everywhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.transforms.surface import Camera

Image = NDArray[np.floating[Any]]

# What each derived domain is computed from.
RECIPES = {'normal': 'depth', 'shade': 'depth', 'edge': 'depth', 'texture': 'rgb'}


def smooth_depth(depth: Image, width: float, step: float = 0.02) -> Image:
    """Depth without its noise, by a bilateral filter of its inverse.

    Planes stay what they are, and so do edges: what differs by more than ``step`` is
    not averaged.

    Args:
        depth: (H, W), metres.
        width: Standard deviation in space, pixels.
        step: Standard deviation of the inverse depth, 1/metres. The noise of a Kinect
            has one of 0.003 (Khoshelham and Elberink, Sensors 2012: 2.85e-3 m per
            square metre of depth).
    """
    margin = max(1, round(2 * width))
    inverse = cv2.bilateralFilter(
        _extended(1 / depth, margin), 2 * margin + 1, step, width
    )
    return 1 / inverse[margin:-margin, margin:-margin]


def _extended(image: Image, margin: int) -> Image:
    """Image continued linearly beyond its borders."""
    while (step := min(margin, min(image.shape) - 1)) < margin:
        if step < 1:
            raise ValueError(f'images must be larger than 1 pixel, got {image.shape}')
        image, margin = _extended(image, step), margin - step
    return np.pad(image, margin, mode='reflect', reflect_type='odd')


def _slope(image: Image, axis: int, reach: int, tolerance: float) -> Image:
    """Derivative along an axis, per pixel, that does not look across edges.

    A weighted mean of the differences to the left, to both sides and to the right, of
    which those with the smaller second difference count more: weighted essentially
    non-oscillatory (Jiang and Shu, J. Comput. Phys. 1996). Exact for linear images.
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
    """Unit normals of the visible surface, towards the camera.

    Sharp at edges, for complete depth: those of
    :func:`mmseg_cen.transforms.surface.surface_normals` are of a window, whose noise
    they average, with holes.

    For points P = depth * ray on a plane n . P = d, the inverse depth is n . ray / d:
    its derivatives along the image give n up to its length.

    Args:
        depth: (H, W), metres.
        camera: Of an image of this size.
        reach: Width of the differences, pixels; more is smoother, and loses details.
        tolerance: Second difference of the inverse depth, 1/metres, up to which a
            surface counts as smooth.

    Returns:
        (H, W, 3), see the module for the frame.
    """
    inverse = (1 / depth).astype(np.float64)
    x, y = camera.rays()
    across = _slope(inverse, 1, reach, tolerance) * camera.fx
    up = -_slope(inverse, 0, reach, tolerance) * camera.fy
    # n . ray with the ray (x, y, -1), and n = -(across, up, rest) towards the camera.
    towards = inverse - across * x - up * y
    normals = np.stack([-across, -up, towards], axis=-1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return (normals / length).astype(np.float32)


def shade_normals(
    normals: Image, camera: Camera, light: Sequence[float] | None = None
) -> Image:
    """Brightness of a matt white surface (Lambert's law).

    Args:
        normals: (H, W, 3), unit vectors.
        camera: Of an image of this size.
        light: Direction to a light that is far away, (3,), in the camera frame;
            ``None``: a lamp at the camera.

    Returns:
        (H, W), in [0, 1].

    Raises:
        ValueError: If ``light`` is no direction.
    """
    if light is None:
        x, y = np.broadcast_arrays(*camera.rays())
        towards = np.stack([-x, -y, np.ones_like(x)], axis=-1)
    else:
        towards = np.asarray(light, dtype=np.float32)
        if towards.shape != (3,) or not towards.any():
            raise ValueError(f'`light` must be a direction (x, y, z), got {light}')
    towards = towards / np.linalg.norm(towards, axis=-1, keepdims=True)
    return (normals * towards).sum(axis=-1).clip(0, 1).astype(np.float32)


def depth_edges(depth: Image) -> Image:
    """Steps of the depth, in relation to the depth behind them.

    The second difference of the inverse depth, which vanishes on planes however steep,
    over the inverse depth of the nearest of its pixels; the greater one of both axes.

    Args:
        depth: (H, W), metres.

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


def texture_edges(rgb: NDArray[Any], width: float = 1.0) -> Image:
    """Soft edges of an image: the gradient of its blurred colours, by Sobel's operator.

    The first half of Canny's detector (PAMI 1986), without the thinning and the
    thresholds, as the edges of Taskonomy are; of the colours, the greatest gradient.

    Args:
        rgb: (H, W, 3) or (H, W), uint8, in any order of the channels.
        width: Standard deviation of the blur, pixels.

    Returns:
        (H, W), change per pixel in units of the full brightness.
    """
    image = np.atleast_3d(rgb).astype(np.float32) / 255
    if width > 0:
        image = np.atleast_3d(cv2.GaussianBlur(image, (0, 0), width))
    across, up = (
        np.atleast_3d(cv2.Sobel(image, cv2.CV_32F, *order, ksize=3, scale=1 / 8))
        for order in ((1, 0), (0, 1))
    )
    return np.hypot(across, up).max(axis=-1)


@dataclass(frozen=True)
class Derivation:
    """How domains are derived.

    Args:
        camera: Needed for 'normal' and 'shade'; of the images in any size.
        smoothing: Width of :func:`smooth_depth`, pixels; 0: as it is.
        step: See there.
        reach: See :func:`normals_from_depth`.
        tolerance: See there.
        light: See :func:`shade_normals`.
        blur: Width of the blur in :func:`texture_edges`, pixels.

    Raises:
        ValueError: If a width is negative, or ``reach`` or a tolerance not positive.
    """

    camera: Camera | None = None
    smoothing: float = 0.0
    step: float = 0.02
    reach: int = 1
    tolerance: float = 2e-3
    light: Sequence[float] | None = None
    blur: float = 1.0

    def __post_init__(self) -> None:
        if min(self.smoothing, self.blur) < 0 or min(self.step, self.tolerance) <= 0:
            raise ValueError(
                '`smoothing` and `blur` must not be negative, `step` and `tolerance` '
                f'be positive, got {self}'
            )
        if not isinstance(self.reach, int) or self.reach < 1:
            raise ValueError(f'`reach` must be a positive integer, got {self.reach!r}')

    def __call__(
        self,
        names: Collection[str],
        rgb: NDArray[Any] | None = None,
        depth: Image | None = None,
    ) -> dict[str, Image]:
        """Compute the domains ``names``, keys of :data:`RECIPES`.

        Args:
            names: What to compute.
            rgb: (H, W, 3), uint8.
            depth: (H, W), metres; needs to be positive and finite.

        Raises:
            ValueError: If what is needed for them is missing.
        """
        if unknown := sorted(set(names) - set(RECIPES)):
            raise ValueError(
                f'unknown derived domains {unknown}: known are {sorted(RECIPES)}'
            )
        derived: dict[str, Image] = {}
        if 'texture' in names:
            if rgb is None:
                raise ValueError("'texture' is derived from 'rgb', which is missing")
            derived['texture'] = texture_edges(rgb, self.blur)
        if not set(names) - {'texture'}:
            return derived
        if depth is None:
            raise ValueError(
                f"{sorted(set(names) - {'texture'})} are derived from 'depth', which "
                'is missing'
            )
        if wrong := int((~(np.isfinite(depth) & (depth > 0))).sum()):
            raise ValueError(
                f'depth must be positive and finite, got {wrong} of {depth.size} '
                'pixels that are not: fill the invalid pixels'
            )
        if self.smoothing > 0:
            depth = smooth_depth(depth, self.smoothing, self.step)
        if 'edge' in names:
            derived['edge'] = depth_edges(depth)
        if {'normal', 'shade'} & set(names):
            if self.camera is None:
                raise ValueError(
                    "'normal' and 'shade' need the `camera` of the images, got None"
                )
            camera = self.camera.resized(*depth.shape)
            normals = normals_from_depth(depth, camera, self.reach, self.tolerance)
            if 'normal' in names:
                derived['normal'] = normals
            if 'shade' in names:
                derived['shade'] = shade_normals(normals, camera, self.light)
        return derived
