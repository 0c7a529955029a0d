"""Draw a room, and the things that stand and hang in it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .rays import turn
from .scene import Array, Scene, Shape, Thing


def furnish(rng: np.random.Generator, *, solid: bool = False) -> Scene:
    """Draw a scene: two cabinets, a podium, a box, a cylinder and a sphere.

    One toss of a coin tells whether a thing is solid, another one which of its
    materials it has.

    Args:
        rng: Source of all draws.
        solid: Whether all things are solid, whatever the coin says: the same room, in
            which nothing is a picture.
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
    """Draw a factor (3,) on colors: much of brightness, and a little of hue."""
    return rng.uniform(0.85, 1.1) * rng.uniform(0.93, 1.07, 3)


def _draw_thing(
    rng: np.random.Generator,
    shape: Shape,
    center: Sequence[float] | Array,
    half_size: Array,
    yaw: float,
    materials: Sequence[str],
) -> Thing:
    """Draw the material of a thing, whether it is solid, and its tint."""
    return Thing(
        shape=shape,
        center=np.asarray(center),
        half_size=half_size,
        yaw=yaw,
        material=materials[int(rng.integers(len(materials)))],
        solid=bool(rng.integers(2)),
        tint=_draw_tint(rng),
    )


def _far_cabinet(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.55, 0.4, 0.15], [0.85, 0.6, 0.22])
    x = rng.uniform(1.2, size[0] - 1.2)
    center = [x, rng.uniform(1.2, 1.6), size[2] - half_size[2]]
    return _draw_thing(rng, 'box', center, half_size, 0.0, ['lacquer'])


def _side_cabinet(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.15, 0.4, 0.55], [0.22, 0.6, 0.85])
    x = half_size[0] if rng.random() < 0.5 else size[0] - half_size[0]
    center = [x, rng.uniform(1.2, 1.6), rng.uniform(2.4, size[2] - 1.3)]
    return _draw_thing(rng, 'box', center, half_size, 0.0, ['lacquer'])


def _podium(rng: np.random.Generator, size: Array) -> Thing:
    half_size = rng.uniform([0.5, 0.11, 0.4], [0.9, 0.14, 0.6])
    center = [rng.uniform(1.2, size[0] - 1.2), half_size[1], rng.uniform(2.0, 3.4)]
    return _draw_thing(rng, 'box', center, half_size, rng.uniform(-0.3, 0.3), ['weave'])


def _standing_things(
    rng: np.random.Generator, size: Array, eye: Array, yaw: float
) -> list[Thing]:
    """A box and a cylinder on the floor, a sphere in the air, all over the view."""
    shapes: list[tuple[Shape, list[str]]] = [
        ('box', ['timber', 'fabric']),
        ('cylinder', ['jade', 'brass']),
        ('sphere', ['paper', 'rubber']),
    ]
    near_to_far, left_to_right = rng.permutation(3), rng.permutation(3)
    things = []
    for (shape, materials), row, column in zip(
        shapes, near_to_far, left_to_right, strict=True
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
