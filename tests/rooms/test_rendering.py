from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mmseg_cen.rooms import CLASSES, Scene, Thing, furnish, render, render_view

SIZE = np.array([4.0, 2.6, 5.0])
EYE = np.array([2.0, 1.5, 0.5])
HEIGHT, WIDTH = 48, 64


def thing(**changes) -> Thing:
    ball = Thing(
        shape='sphere',
        center=np.array([2.0, 1.4, 3.0]),
        half_size=np.full(3, 0.5),
        yaw=0.0,
        material='paper',
        solid=True,
        tint=np.ones(3),
    )
    return replace(ball, **changes)


def room(*things: Thing, yaw: float = 0.0) -> Scene:
    return Scene(
        size=SIZE,
        things=things,
        eye=EYE,
        yaw=yaw,
        light=np.array([2.0, 2.4, 2.0]),
        tints=np.ones((3, 3)),
    )


def drawn(count: int, seed: int = 0) -> list[Scene]:
    return [furnish(np.random.default_rng([seed, index])) for index in range(count)]


def labeled(label: np.ndarray, name: str) -> np.ndarray:
    return label == CLASSES.index(name)


def world_points(depth: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """Points (H, W, 3) behind the pixels, from depth and pinhole model alone."""
    row, column = np.indices(depth.shape)
    focal = 0.68 * WIDTH
    x = depth * (column + 0.5 - WIDTH / 2) / focal
    y = depth * (0.36 * HEIGHT - row - 0.5) / focal
    cos, sin = np.cos(yaw), np.sin(yaw)
    return EYE + np.stack([cos * x + sin * depth, y, cos * depth - sin * x], axis=-1)


@pytest.mark.parametrize('yaw', [0.0, 0.4])
def test_every_pixel_of_an_empty_room_lies_on_the_surface_it_is_labeled_as(yaw):
    _, depth, label = render(room(yaw=yaw), HEIGHT, WIDTH)
    points = world_points(depth, yaw)
    gaps = {
        'wall': np.minimum(points, SIZE - points)[..., [0, 2]].min(axis=-1),
        'floor': points[..., 1],
        'ceiling': SIZE[1] - points[..., 1],
    }
    for name, gap in gaps.items():
        part = labeled(label, name)
        assert part.any()
        np.testing.assert_allclose(gap[part], 0, atol=1e-5)
    assert (points > -1e-5).all()
    assert (points < SIZE + 1e-5).all()


def test_far_wall_is_at_its_distance_everywhere():
    _, depth, _ = render(room(), HEIGHT, WIDTH)
    assert depth.max() == pytest.approx(4.5)
    assert (np.isclose(depth, 4.5)).mean() > 0.2


def test_sphere_is_at_the_distance_of_a_sphere():
    ball = thing()
    _, depth, label = render(room(ball), HEIGHT, WIDTH)
    part = labeled(label, 'lamp')
    points = world_points(depth)[part]
    np.testing.assert_allclose(
        np.linalg.norm(points - ball.center, axis=-1), 0.5, atol=1e-5
    )
    np.testing.assert_array_less(points[:, 2], ball.center[2])  # its near side
    # The outline: rays within the angle asin(r / d) of the center.
    rays = world_points(np.ones_like(depth)) - EYE
    to_center = ball.center - EYE
    distance = np.linalg.norm(to_center)
    cosine = rays @ to_center / np.linalg.norm(rays, axis=-1) / distance
    np.testing.assert_array_equal(part, cosine >= np.sqrt(1 - (0.5 / distance) ** 2))


def test_cylinder_shows_its_lid_and_its_side():
    drum = thing(
        shape='cylinder',
        center=np.array([2.1, 0.4, 2.5]),
        half_size=np.array([0.5, 0.4, 0.5]),
        material='jade',
    )
    _, depth, label = render(room(drum), HEIGHT, WIDTH)
    points = world_points(depth)[labeled(label, 'stool')]
    radius = np.linalg.norm((points - drum.center)[:, [0, 2]], axis=-1)
    on_lid = np.isclose(points[:, 1], 0.8, atol=1e-5)
    assert 0.1 < on_lid.mean() < 0.9
    np.testing.assert_array_less(radius[on_lid], 0.5)
    np.testing.assert_allclose(radius[~on_lid], 0.5, atol=1e-5)
    assert points[:, 1].min() > -1e-6


@pytest.mark.parametrize('yaw', [0.0, 0.5, -2.0])
def test_every_pixel_of_a_box_lies_on_a_face_of_it(yaw):
    box = thing(
        shape='box',
        center=np.array([2.1, 0.4, 2.5]),
        half_size=np.array([0.5, 0.4, 0.3]),
        yaw=yaw,
        material='timber',
    )
    _, depth, label = render(room(box), HEIGHT, WIDTH)
    offset = world_points(depth)[labeled(label, 'table')] - box.center
    along_x = offset @ [np.cos(yaw), 0, -np.sin(yaw)]
    along_z = offset @ [np.sin(yaw), 0, np.cos(yaw)]
    local = np.abs(np.stack([along_x, offset[:, 1], along_z], axis=-1))
    np.testing.assert_allclose((local / box.half_size).max(axis=-1), 1, atol=1e-5)


def test_nearer_things_hide_those_behind_in_any_order():
    ball, box = (
        thing(),
        thing(shape='box', center=np.array([2.1, 1.2, 4.0]), material='timber'),
    )
    for one, other in zip(
        render(room(ball, box), HEIGHT, WIDTH),
        render(room(box, ball), HEIGHT, WIDTH),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_painted_thing_looks_like_the_solid_and_is_as_far_as_what_is_behind():
    solid = render(room(thing()), HEIGHT, WIDTH)
    painted = render(room(thing(solid=False)), HEIGHT, WIDTH)
    empty = render(room(), HEIGHT, WIDTH)
    np.testing.assert_array_equal(painted[0], solid[0])
    np.testing.assert_array_equal(painted[1], empty[1])
    np.testing.assert_array_equal(
        labeled(painted[2], 'balloon'), labeled(solid[2], 'lamp')
    )


def changed(scene: Scene, things: Sequence[Thing]) -> Scene:
    return replace(scene, things=things)


@pytest.mark.parametrize('scene', drawn(5))
def test_image_does_not_depend_on_what_is_solid(scene):
    image, _, label = render(scene, HEIGHT, WIDTH)
    flipped = [replace(thing, solid=not thing.solid) for thing in scene.things]
    other_image, _, other_label = render(changed(scene, flipped), HEIGHT, WIDTH)
    np.testing.assert_array_equal(other_image, image)
    furniture = label >= CLASSES.index('cabinet')
    assert (other_label[furniture] != label[furniture]).all()


@pytest.mark.parametrize('scene', drawn(5))
def test_depth_does_not_depend_on_materials_nor_on_what_is_painted(scene):
    _, depth, _ = render(scene, HEIGHT, WIDTH)
    solid = [
        replace(thing, material='lacquer') for thing in scene.things if thing.solid
    ]
    np.testing.assert_array_equal(
        render(changed(scene, solid), HEIGHT, WIDTH)[1], depth
    )


LIGHT = np.array([2.0, 2.4, 2.0])


def lit(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Brightness (...) of matt surfaces under the lamp of :func:`room`."""
    to_light = LIGHT - points
    cosine = (to_light * normals).sum(axis=-1) / np.linalg.norm(to_light, axis=-1)
    return 0.6 + 0.4 * np.maximum(cosine, 0)


def assert_colors(view, part, brightness):
    expected = 255 * view.albedo[part] * brightness[part][:, None]
    assert np.abs(view.rgb[part] - expected).max() <= 0.51  # rounded to whole numbers


def test_walls_are_matt_and_dimmed_toward_the_edges_of_the_room():
    view = render_view(room(), HEIGHT, WIDTH)
    points = world_points(view.depth)
    gaps = np.minimum(points, SIZE - points)
    axis = gaps.argmin(axis=-1)[..., None]
    inwards = np.where(points < SIZE / 2, 1.0, -1.0) * (np.arange(3) == axis)
    dimmed = 1 - 0.35 * np.exp(-np.sort(gaps, axis=-1)[..., 1] / 0.25)
    assert_colors(view, np.ones(axis.shape[:2], bool), lit(points, inwards) * dimmed)
    # In the frame of the image, z is toward the camera.
    np.testing.assert_allclose(view.normal, inwards * [1, 1, -1], atol=1e-6)


@pytest.mark.parametrize('yaw', [0.0, 0.3])
def test_a_ball_is_matt_and_has_the_normals_of_a_ball(yaw):
    ball = thing(yaw=1.0)
    view = render_view(room(ball, yaw=yaw), HEIGHT, WIDTH)
    outwards = (world_points(view.depth, yaw) - ball.center) / 0.5
    part = labeled(view.label, 'lamp')
    assert part.sum() > 50
    assert_colors(view, part, lit(outwards * 0.5 + ball.center, outwards))
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y, z = outwards[part].T
    expected = np.stack([cos * x - sin * z, y, -(sin * x + cos * z)], axis=-1)
    np.testing.assert_allclose(view.normal[part], expected, atol=1e-4)


def test_normals_of_a_box_turn_with_it():
    box = thing(
        shape='box',
        center=np.array([2.1, 0.4, 2.5]),
        half_size=np.array([0.5, 0.4, 0.3]),
        yaw=0.5,
        material='timber',
    )
    view = render_view(room(box), HEIGHT, WIDTH)
    offset = world_points(view.depth)[labeled(view.label, 'table')] - box.center
    x, y, z = view.normal[labeled(view.label, 'table')].T
    normal = np.stack([x, y, -z], axis=-1)
    # How far a face is from the center: half the size of the box across that face.
    across = (offset * normal).sum(axis=-1)
    assert {round(float(a), 4) for a in across} == {0.5, 0.4, 0.3}


def test_colors_of_walls_and_things_are_tinted():
    tinted = replace(room(), tints=np.array([[0.5] * 3, [0.7] * 3, [0.9] * 3]))
    plain, view = (render_view(scene, HEIGHT, WIDTH) for scene in (room(), tinted))
    factor = np.choose(plain.label, [0.5, 0.7, 0.9])[..., None]
    np.testing.assert_allclose(view.albedo, plain.albedo * factor, rtol=1e-5)
    plain, view = (
        render_view(room(thing(tint=np.full(3, tint))), HEIGHT, WIDTH)
        for tint in (1.0, 0.8)
    )
    part = labeled(view.label, 'lamp')
    np.testing.assert_allclose(view.albedo[part], 0.8 * plain.albedo[part], rtol=1e-5)
