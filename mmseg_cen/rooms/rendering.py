"""Render a scene: image, depth, labels, normals and albedo, by one ray per pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .materials import MATERIALS
from .rays import INTERSECT, camera_rays, intersect_room, points_on, turn
from .scene import Array, Scene


@dataclass(frozen=True)
class View:
    """What a camera sees of a scene, exactly.

    Args:
        rgb: (H, W, 3), uint8.
        depth: z-depth of the solid surfaces, (H, W), meters.
        label: (H, W), indices in :data:`~mmseg_cen.rooms.scene.CLASSES`.
        normal: Normals of the solid surfaces, (H, W, 3): x to the right of the image, y
            up, z toward the camera.
        albedo: Colors without any light, of solid and painted things, RGB (H, W, 3) in
            [0, 1].
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    label: NDArray[np.uint8]
    normal: NDArray[np.float32]
    albedo: NDArray[np.float32]


def render(
    scene: Scene, height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    """Image, depth and labels of :func:`render_view`."""
    view = render_view(scene, height, width)
    return view.rgb, view.depth, view.label


def render_view(scene: Scene, height: int, width: int) -> View:
    """Cast a ray through every pixel.

    Args:
        scene: What to look at.
        height: H, pixels.
        width: W, pixels.
    """
    rays = camera_rays(height, width, scene.yaw)
    depth, normals = intersect_room(scene.eye, rays, scene.size)
    surface = normals.copy()  # Normals of what the depth shows.
    points = points_on(scene.eye, rays, depth)
    label = np.select([normals[:, 1] == 0, normals[:, 1] > 0], [0, 1], default=2)
    albedo = np.empty_like(points)
    for index, name in enumerate(('plaster', 'planks', 'whitewash')):
        part = label == index
        albedo[part] = MATERIALS[name].albedo(points[part]) * scene.tints[index]
    color = albedo * (_shade(points, normals, scene.light) * _dim(points, scene.size))

    visible = depth.copy()  # Distance of what the image shows, solid or not.
    for thing in scene.things:
        eye, light = (
            turn(point - thing.center, -thing.yaw) for point in (scene.eye, scene.light)
        )
        turned = turn(rays, -thing.yaw)
        distance, normals = INTERSECT[thing.shape](eye, turned, thing.half_size)
        seen = distance < visible
        visible[seen] = distance[seen]
        label[seen] = thing.label
        points = points_on(eye, turned[seen], distance[seen])
        albedo[seen] = MATERIALS[thing.material].albedo(points) * thing.tint
        color[seen] = albedo[seen] * _shade(points, normals[seen], light)
        if thing.solid:
            nearer = distance < depth
            surface[nearer] = turn(normals[nearer], thing.yaw)
            depth = np.minimum(depth, distance)

    image = (255 * color.clip(0, 1)).round().astype(np.uint8)
    # Depth grows into the room, the z of normals toward the camera.
    normal = turn(surface, -scene.yaw) * [1, 1, -1]
    return View(
        rgb=image.reshape(height, width, 3),
        depth=depth.astype(np.float32).reshape(height, width),
        label=label.astype(np.uint8).reshape(height, width),
        normal=normal.astype(np.float32).reshape(height, width, 3),
        albedo=albedo.clip(0, 1).astype(np.float32).reshape(height, width, 3),
    )


def _shade(points: Array, normals: Array, light: Array) -> Array:
    """Brightness (N, 1) of matt surfaces under a lamp at ``light`` (3,)."""
    to_light = light - points
    cosine = (to_light * normals).sum(axis=1) / np.linalg.norm(to_light, axis=1)
    return (0.6 + 0.4 * cosine.clip(min=0))[:, None]


def _dim(points: Array, size: Array) -> Array:
    """Brightness (N, 1) of the surfaces of a room, less toward its edges."""
    # A point on one surface is at distance 0 from it, so the second is the next one.
    gap = np.sort(np.minimum(points, size - points), axis=1)[:, 1]
    return (1 - 0.35 * np.exp(-gap / 0.25))[:, None]
