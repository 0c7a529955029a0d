"""Furnished rooms, rendered by ray casting: pure functions over NumPy arrays.

A thing is either solid, or a picture of it: trompe-l'œil, painted on what is behind it
with the outline, the pattern and the shading that the solid would have from here.
The image therefore shows every thing as if it were solid, and the depth shows the
solid ones only, whatever they are made of: colours say nothing about solidity, nor
depth about materials, to the last bit.

World frame, metres: x to the right, y up from the floor, z into the room. The camera is
level, and every ray has length 1 along its optical axis, so that a distance in units of
the ray *is* the z-depth that an RGB-D sensor reports.

Shapes: N is the number of rays, the pixels row by row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = Literal['box', 'cylinder', 'sphere']

CLASSES = (
    *('wall', 'floor', 'ceiling'),
    *('cabinet', 'picture', 'podium', 'rug'),
    *('table', 'sofa', 'stool', 'bin', 'lamp', 'balloon'),
)

FOCAL_LENGTH = 0.68  # of the camera, in image widths
HORIZON = 0.36  # its row, in image heights

# Class of a thing by its material and whether it is solid. In the last three groups
# either clue alone leaves two classes, as likely as each other.
CLASS_OF = {
    ('lacquer', True): 'cabinet',
    ('lacquer', False): 'picture',
    ('weave', True): 'podium',
    ('weave', False): 'rug',
    ('timber', True): 'table',
    ('fabric', False): 'table',
    ('fabric', True): 'sofa',
    ('timber', False): 'sofa',
    ('jade', True): 'stool',
    ('brass', False): 'stool',
    ('brass', True): 'bin',
    ('jade', False): 'bin',
    ('paper', True): 'lamp',
    ('rubber', False): 'lamp',
    ('rubber', True): 'balloon',
    ('paper', False): 'balloon',
}


@dataclass(frozen=True)
class Thing:
    """A thing in the room, or the picture of one.

    Args:
        shape: Boxes and cylinders stand upright.
        centre: (3,), metres.
        half_size: (3,), metres; the first entry is the radius of a cylinder or sphere.
        yaw: Rotation about the vertical, radians.
        material: Name in :data:`MATERIALS`.
        solid: Whether it is there, rather than painted on what is behind it.
        tint: (3,), factor on the colours of the material.
    """

    shape: Shape
    centre: Array
    half_size: Array
    yaw: float
    material: str
    solid: bool
    tint: Array

    @property
    def label(self) -> int:
        """Index in :data:`CLASSES`."""
        return CLASSES.index(CLASS_OF[self.material, self.solid])


@dataclass(frozen=True)
class Scene:
    """A room, the things in it, and a camera that looks at them.

    Args:
        size: Width, height and depth of the room, (3,), metres. One of its corners is
            the origin of the world.
        things: In any order.
        eye: Position of the camera, (3,), metres.
        yaw: Viewing direction, radians from z towards x.
        light: Position of the lamp, (3,), metres.
        tints: Factors on the colours of wall, floor and ceiling, (3, 3).
    """

    size: Array
    things: Sequence[Thing]
    eye: Array
    yaw: float
    light: Array
    tints: Array


# --- Geometry -------------------------------------------------------------------------


def turn(vectors: Array, yaw: float) -> Array:
    """Rotate vectors (..., 3) about the vertical, from z towards x.

    In memory, those of the result are x after x, y after y, z after z, which makes sums
    over the coordinates several times faster.
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
    """Rays (H*W, 3) through the centres of the pixels.

    Args:
        height: H, pixels.
        width: W, pixels.
        yaw: Viewing direction, radians.
        focal_length: In image widths.
        horizon: Its row, in image heights: a lens shift shows more of the floor without
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
    """Distances (N,) and normals (N, 3) where rays leave the room they start in."""
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


def _points(eye: Array, rays: Array, distance: Array) -> Array:
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
    return distance, _points(eye, rays, distance) / half_size[0]


def intersect_cylinder(
    eye: Array, rays: Array, half_size: Array
) -> tuple[Array, Array]:
    """Like :func:`intersect_box`, for an upright cylinder, lid and bottom included."""
    radius, half_height, _ = half_size
    level = np.array([1.0, 0.0, 1.0])  # A cylinder is a sphere without the vertical.
    side = _sphere_distance(eye * level, rays * level, radius)
    points = _points(eye, rays, side)
    side[np.abs(points[:, 1]) > half_height] = np.inf
    normals = points * level / radius

    above = np.sign(eye[1])
    with np.errstate(divide='ignore'):
        lid = (above * half_height - eye[1]) / rays[:, 1]
    x, _, z = _points(eye, rays, lid).T
    on_lid = (abs(eye[1]) > half_height) & (lid > 0) & (np.hypot(x, z) <= radius)
    normals[on_lid] = [0.0, above, 0.0]
    return np.where(on_lid, lid, side), normals


_INTERSECT: dict[Shape, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
    'box': intersect_box,
    'cylinder': intersect_cylinder,
    'sphere': intersect_sphere,
}

# --- Materials ------------------------------------------------------------------------


@dataclass(frozen=True)
class Material:
    """A pattern that mixes two colours.

    Args:
        pattern: Maps points (N, 3), metres, to weights (N,) in [0, 1].
        colours: RGB in [0, 1] where the weight is 0, and where it is 1.
    """

    pattern: Callable[[Array], Array]
    colours: tuple[tuple[float, float, float], tuple[float, float, float]]

    def albedo(self, points: Array) -> Array:
        """RGB (N, 3) at points (N, 3)."""
        first, second = np.array(self.colours)
        return first + self.pattern(points)[:, None] * (second - first)


def _stripes(x: float, y: float, z: float) -> Callable[[Array], Array]:
    """Soft stripes with (x, y, z) periods per metre."""
    return lambda points: 0.5 + 0.5 * np.sin(points @ (2 * np.pi * np.array([x, y, z])))


def _blobs(period: float) -> Callable[[Array], Array]:
    """Soft blobs on a lattice, ``period`` in metres."""
    return lambda points: 0.5 + 0.5 * np.cos(2 * np.pi / period * points).prod(axis=1)


def _checks(side: float) -> Callable[[Array], Array]:
    """Cubes of alternating colours, ``side`` in metres."""
    return lambda points: np.floor(points / side).sum(axis=1) % 2


MATERIALS = {
    'plaster': Material(_stripes(0, 0.25, 0), ((0.72, 0.70, 0.62), (0.82, 0.80, 0.72))),
    'planks': Material(_stripes(2.5, 0, 0), ((0.50, 0.40, 0.31), (0.62, 0.52, 0.42))),
    'whitewash': Material(
        _stripes(0, 0, 0.2), ((0.84, 0.86, 0.88), (0.92, 0.94, 0.95))
    ),
    'lacquer': Material(_blobs(0.5), ((0.42, 0.25, 0.55), (0.72, 0.55, 0.80))),
    'weave': Material(_stripes(2.5, 0, 2.5), ((0.62, 0.18, 0.20), (0.85, 0.55, 0.45))),
    'timber': Material(_stripes(1, 3.3, 0), ((0.55, 0.35, 0.15), (0.85, 0.62, 0.30))),
    'fabric': Material(_checks(0.2), ((0.15, 0.40, 0.55), (0.35, 0.65, 0.75))),
    'brass': Material(_stripes(0, 4, 0), ((0.65, 0.60, 0.10), (0.95, 0.90, 0.35))),
    'jade': Material(_blobs(0.4), ((0.10, 0.40, 0.25), (0.30, 0.70, 0.45))),
    'paper': Material(_stripes(0, 4, 0), ((0.95, 0.60, 0.70), (0.98, 0.92, 0.92))),
    'rubber': Material(_checks(0.25), ((0.15, 0.15, 0.20), (0.35, 0.35, 0.42))),
}

# --- Rendering ------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """What a camera sees of a scene, exactly.

    Args:
        rgb: (H, W, 3), uint8.
        depth: z-depth of the solid surfaces, (H, W), metres.
        label: (H, W), indices in :data:`CLASSES`.
        normal: Normals of the solid surfaces, (H, W, 3): x to the right of the image, y
            up, z towards the camera.
        albedo: Colours without any light, of solid and painted things, RGB (H, W, 3) in
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
    points = _points(scene.eye, rays, depth)
    label = np.select([normals[:, 1] == 0, normals[:, 1] > 0], [0, 1], default=2)
    albedo = np.empty_like(points)
    for index, name in enumerate(('plaster', 'planks', 'whitewash')):
        part = label == index
        albedo[part] = MATERIALS[name].albedo(points[part]) * scene.tints[index]
    colour = albedo * (_shade(points, normals, scene.light) * _dim(points, scene.size))

    visible = depth.copy()  # Distance of what the image shows, solid or not.
    for thing in scene.things:
        eye, light = (
            turn(point - thing.centre, -thing.yaw) for point in (scene.eye, scene.light)
        )
        turned = turn(rays, -thing.yaw)
        distance, normals = _INTERSECT[thing.shape](eye, turned, thing.half_size)
        seen = distance < visible
        visible[seen] = distance[seen]
        label[seen] = thing.label
        points = _points(eye, turned[seen], distance[seen])
        albedo[seen] = MATERIALS[thing.material].albedo(points) * thing.tint
        colour[seen] = albedo[seen] * _shade(points, normals[seen], light)
        if thing.solid:
            nearer = distance < depth
            surface[nearer] = turn(normals[nearer], thing.yaw)
            depth = np.minimum(depth, distance)

    image = (255 * colour.clip(0, 1)).round().astype(np.uint8)
    # Depth grows into the room, the z of normals towards the camera.
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
    """Brightness (N, 1) of the surfaces of a room, less towards its edges."""
    # A point on one surface is at distance 0 from it, so the second is the next one.
    gap = np.sort(np.minimum(points, size - points), axis=1)[:, 1]
    return (1 - 0.35 * np.exp(-gap / 0.25))[:, None]


def sense_depth(
    depth: NDArray[np.float32],
    rng: np.random.Generator,
    noise: float = 1.0,
    hole_rate: float = 0.0,
) -> NDArray[np.float32]:
    """What a structured-light sensor reports of a depth.

    Args:
        depth: (H, W), metres.
        rng: Source of the noise.
        noise: Factor on the axial noise of a Kinect (Nguyen et al., 3DIMPVT 2012),
            whose standard deviation is 1.2 mm at 0.4 m and 14 mm at 3 m.
        hole_rate: Probability that a pixel is invalid, which is 0; ten times as likely
            beside a step of more than 0.2 m.

    Returns:
        (H, W), metres, 0 where invalid.
    """
    deviation = noise * (0.0012 + 0.0019 * (depth - 0.4) ** 2)
    sensed = depth + deviation * rng.standard_normal(depth.shape)
    step = np.abs(np.diff(depth, axis=1)) > 0.2
    beside = np.pad(step, ((0, 0), (0, 1))) | np.pad(step, ((0, 0), (1, 0)))
    invalid = rng.random(depth.shape) < hole_rate * np.where(beside, 10, 1)
    return np.where(invalid, 0, sensed).astype(np.float32)


# --- Furnishing -----------------------------------------------------------------------


def furnish(rng: np.random.Generator, *, solid: bool = False) -> Scene:
    """Draw a scene: two cabinets, a podium, a box, a cylinder and a sphere.

    Each is solid or not by the toss of a coin, and has one of two materials by another.

    Args:
        rng: What is tossed with.
        solid: Whether all are solid, whatever the coin says: the same room, in which
            nothing is a picture.
    """
    size = rng.uniform([4.2, 2.5, 4.8], [5.2, 2.8, 5.6])
    eye = rng.uniform([-0.5, 1.45, 0.3], [0.5, 1.65, 0.6])
    eye[0] += size[0] / 2
    yaw = rng.uniform(-0.2, 0.2)
    things = [
        _far_cabinet(rng, size),
        _side_cabinet(rng, size),
        _podium(rng, size),
        *_standing_things(rng, size, eye, yaw),
    ]
    return Scene(
        size=size,
        things=[replace(t, solid=True) for t in things] if solid else things,
        eye=eye,
        yaw=yaw,
        light=size * rng.uniform([0.3, 0.9, 0.2], [0.7, 0.9, 0.5]),
        tints=np.stack([_draw_tint(rng) for _ in range(3)]),
    )


def _draw_tint(rng: np.random.Generator) -> Array:
    """Factor (3,) on a colour, which changes its brightness and a little its hue."""
    return rng.uniform(0.85, 1.1) * rng.uniform(0.93, 1.07, 3)


def _draw_thing(
    rng: np.random.Generator,
    shape: Shape,
    centre: Sequence[float] | Array,
    half_size: Array,
    yaw: float,
    materials: Sequence[str],
) -> Thing:
    """Toss for the material of a thing, and for whether it is solid."""
    return Thing(
        shape=shape,
        centre=np.asarray(centre),
        half_size=half_size,
        yaw=yaw,
        material=materials[int(rng.integers(len(materials)))],
        solid=bool(rng.integers(2)),
        tint=_draw_tint(rng),
    )


def _far_cabinet(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.55, 0.4, 0.15], [0.85, 0.6, 0.22])
    x = rng.uniform(1.2, size[0] - 1.2)
    centre = [x, rng.uniform(1.2, 1.6), size[2] - half_size[2]]
    return _draw_thing(rng, 'box', centre, half_size, 0.0, ['lacquer'])


def _side_cabinet(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.15, 0.4, 0.55], [0.22, 0.6, 0.85])
    x = half_size[0] if rng.random() < 0.5 else size[0] - half_size[0]
    centre = [x, rng.uniform(1.2, 1.6), rng.uniform(2.4, size[2] - 1.3)]
    return _draw_thing(rng, 'box', centre, half_size, 0.0, ['lacquer'])


def _podium(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.5, 0.11, 0.4], [0.9, 0.14, 0.6])
    centre = [rng.uniform(1.2, size[0] - 1.2), half_size[1], rng.uniform(2.0, 3.4)]
    return _draw_thing(rng, 'box', centre, half_size, rng.uniform(-0.3, 0.3), ['weave'])


def _standing_things(
    rng: np.random.Generator, size: Array, eye: Array, yaw: float
) -> list[Thing]:
    """A box and a cylinder on the floor, a sphere in the air, all over the view."""
    kinds: list[tuple[Shape, list[str]]] = [
        ('box', ['timber', 'fabric']),
        ('cylinder', ['jade', 'brass']),
        ('sphere', ['paper', 'rubber']),
    ]
    near_to_far, left_to_right = rng.permutation(3), rng.permutation(3)
    things = []
    for (shape, materials), row, column in zip(
        kinds, near_to_far, left_to_right, strict=True
    ):
        radius = rng.uniform(0.3, 0.42)
        ahead = 1.8 + 0.8 * row + rng.uniform(-0.2, 0.2)
        across = ahead * (0.37 * (column - 1) + rng.uniform(-0.1, 0.1))
        x, _, z = eye + turn(np.array([across, 0, ahead]), yaw)
        x, z = np.clip([x, z], 0.6, [size[0] - 0.6, size[2] - 0.6])
        if shape == 'sphere':
            half_size, y = np.full(3, radius), rng.uniform(radius, 1.9)
        else:
            y = rng.uniform(0.3, 0.5)
            half_size = np.array([radius, y, radius])
        things.append(
            _draw_thing(
                rng, shape, [x, y, z], half_size, rng.uniform(0, np.pi / 2), materials
            )
        )
    return things
