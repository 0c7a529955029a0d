"""Rays of a camera, and where they hit rooms, boxes, cylinders and spheres."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .scene import Array, Shape

FOCAL_LENGTH = 0.68  # of the camera, in image widths
HORIZON = 0.36  # row of the horizon, in image heights


def turn(vectors: Array, yaw: float) -> Array:
    """Rotate vectors (..., 3) about the vertical, from z toward x.

    The result lies in memory as all x, then all y, then all z, so that sums over the
    coordinates are several times faster.
    """
    cos, sin = np.cos(yaw), np.sin(yaw)
    rotation = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    return (rotation @ vectors.T).T


def camera_rays(
    height: int,
    width: int,
    yaw: float = 0.0,
    focal_length: float = FOCAL_LENGTH,
    horizon: float = HORIZON,
) -> Array:
    """Rays (H*W, 3) through the centers of the pixels.

    Args:
        height: H, pixels.
        width: W, pixels.
        yaw: Viewing direction, radians.
        focal_length: In image widths.
        horizon: Its row, in image heights. A lens shift shows more of the floor without
            tilting the walls.
    """
    x = (np.arange(width) + 0.5 - width / 2) / (focal_length * width)
    y = (horizon * height - np.arange(height) - 0.5) / (focal_length * width)
    rays = np.stack(np.broadcast_arrays(x, y[:, None], 1.0))
    return turn(rays.reshape(3, -1).T, yaw)


def _slabs(eye: Array, rays: Array, half_size: Array) -> tuple[Array, Array]:
    """Distances (N, 3) at which rays enter and leave the slabs |x_i| <= half_size_i."""
    with np.errstate(divide='ignore'):
        inverse = 1 / rays
    near, far = (-half_size - eye) * inverse, (half_size - eye) * inverse
    return np.minimum(near, far), np.maximum(near, far)


def _facing_normals(rays: Array, axis: NDArray[np.intp]) -> Array:
    """Unit vectors (N, 3) along ``axis`` (N,), against the rays."""
    return np.where(np.arange(3) == axis[:, None], -np.sign(rays), 0.0)


def intersect_room(eye: Array, rays: Array, size: Array) -> tuple[Array, Array]:
    """Distances (N,) and normals (N, 3) where rays hit the room around them."""
    _, leave = _slabs(eye - size / 2, rays, size / 2)
    return leave.min(axis=1), _facing_normals(rays, leave.argmin(axis=1))


def intersect_box(eye: Array, rays: Array, half_size: Array) -> tuple[Array, Array]:
    """Where rays hit a box around the origin.

    Args:
        eye: Where the rays start, (3,), outside.
        rays: (N, 3).
        half_size: (3,).

    Returns:
        Distances (N,) in units of the rays, infinite for a miss, and normals (N, 3).
    """
    enter, leave = _slabs(eye, rays, half_size)
    distance = enter.max(axis=1)
    hit = (distance > 0) & (distance <= leave.min(axis=1))
    normals = _facing_normals(rays, enter.argmax(axis=1))
    return np.where(hit, distance, np.inf), normals


def points_on(eye: Array, rays: Array, distance: Array) -> Array:
    """Points (N, 3) on the rays; the eye itself for a miss."""
    return eye + np.where(np.isfinite(distance), distance, 0.0)[:, None] * rays


def _sphere_distance(eye: Array, rays: Array, radius: float) -> Array:
    """Distances (N,) to a sphere around the origin, infinite for a miss."""
    a, b = (rays**2).sum(axis=1), rays @ eye
    with np.errstate(divide='ignore', invalid='ignore'):
        # The smaller root of |eye + t rays|² = radius², NaN where there is none.
        distance = (-b - np.sqrt(b**2 - a * (eye @ eye - radius**2))) / a
    return np.where(distance > 0, distance, np.inf)


def intersect_sphere(eye: Array, rays: Array, half_size: Array) -> tuple[Array, Array]:
    """Like :func:`intersect_box`, for a sphere of radius ``half_size[0]``."""
    distance = _sphere_distance(eye, rays, half_size[0])
    return distance, points_on(eye, rays, distance) / half_size[0]


def intersect_cylinder(
    eye: Array, rays: Array, half_size: Array
) -> tuple[Array, Array]:
    """Like :func:`intersect_box`, for an upright cylinder, lid and bottom included."""
    radius, half_height, _ = half_size
    level = np.array([1.0, 0.0, 1.0])  # A cylinder is a sphere without the vertical.
    side = _sphere_distance(eye * level, rays * level, radius)
    points = points_on(eye, rays, side)
    side[np.abs(points[:, 1]) > half_height] = np.inf
    normals = points * level / radius

    above = np.sign(eye[1])
    with np.errstate(divide='ignore'):
        lid = (above * half_height - eye[1]) / rays[:, 1]
    x, _, z = points_on(eye, rays, lid).T
    on_lid = (abs(eye[1]) > half_height) & (lid > 0) & (np.hypot(x, z) <= radius)
    normals[on_lid] = [0.0, above, 0.0]
    return np.where(on_lid, lid, side), normals


#: How rays hit a thing of each shape, in the frame of the thing.
INTERSECT: dict[Shape, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
    'box': intersect_box,
    'cylinder': intersect_cylinder,
    'sphere': intersect_sphere,
}
