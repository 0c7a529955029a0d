from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mmseg_cen.datasets.rooms import (
    CLASS_OF,
    CLASSES,
    MATERIALS,
    Scene,
    Thing,
    camera_rays,
    furnish,
    render,
    sense_depth,
)

SIZE = np.array([4.0, 2.6, 5.0])
EYE = np.array([2.0, 1.5, 0.5])
HEIGHT, WIDTH = 48, 64


def thing(**changes) -> Thing:
    ball = Thing(
        shape='sphere',
        centre=np.array([2.0, 1.4, 3.0]),
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


def labelled(label: np.ndarray, name: str) -> np.ndarray:
    return label == CLASSES.index(name)


def world_points(depth: np.ndarray, yaw: float = 0.0) -> np.ndarray:
    """Points (H, W, 3) behind the pixels, from depth and pinhole model alone."""
    row, column = np.indices(depth.shape)
    focal = 0.68 * WIDTH
    x = depth * (column + 0.5 - WIDTH / 2) / focal
    y = depth * (0.36 * HEIGHT - row - 0.5) / focal
    cos, sin = np.cos(yaw), np.sin(yaw)
    return EYE + np.stack([cos * x + sin * depth, y, cos * depth - sin * x], axis=-1)


# --- Geometry -------------------------------------------------------------------------


def test_rays_have_length_one_along_the_optical_axis():
    axis = np.array([np.sin(0.3), 0, np.cos(0.3)])
    np.testing.assert_allclose(camera_rays(HEIGHT, WIDTH, 0.3) @ axis, 1)


@pytest.mark.parametrize('yaw', [0.0, 0.4])
def test_every_pixel_of_an_empty_room_lies_on_the_surface_it_is_labelled_as(yaw):
    _, depth, label = render(room(yaw=yaw), HEIGHT, WIDTH)
    points = world_points(depth, yaw)
    gaps = {
        'wall': np.minimum(points, SIZE - points)[..., [0, 2]].min(axis=-1),
        'floor': points[..., 1],
        'ceiling': SIZE[1] - points[..., 1],
    }
    for name, gap in gaps.items():
        part = labelled(label, name)
        assert part.any()
        np.testing.assert_allclose(gap[part], 0, atol=1e-5)
    assert (points > -1e-5).all()
    assert (points < SIZE + 1e-5).all()


def test_solid_rooms_are_the_same_ones_without_pictures():
    for index in range(20):
        mixed = furnish(np.random.default_rng([0, index]))
        solid = furnish(np.random.default_rng([0, index]), solid=True)
        assert all(thing.solid for thing in solid.things)
        for a, b in zip(mixed.things, solid.things, strict=True):
            assert (a.material, a.shape, a.yaw) == (b.material, b.shape, b.yaw)
            np.testing.assert_array_equal(a.centre, b.centre)
        names = {CLASSES[k] for k in np.unique(render(solid, HEIGHT, WIDTH)[2])}
        assert not names & {'picture', 'rug'}


def test_far_wall_is_at_its_distance_everywhere():
    _, depth, _ = render(room(), HEIGHT, WIDTH)
    assert depth.max() == pytest.approx(4.5)
    assert (np.isclose(depth, 4.5)).mean() > 0.2


def test_sphere_is_at_the_distance_of_a_sphere():
    ball = thing()
    _, depth, label = render(room(ball), HEIGHT, WIDTH)
    part = labelled(label, 'lamp')
    points = world_points(depth)[part]
    np.testing.assert_allclose(
        np.linalg.norm(points - ball.centre, axis=-1), 0.5, atol=1e-5
    )
    np.testing.assert_array_less(points[:, 2], ball.centre[2])  # its near side
    # The outline: rays within the angle asin(r / d) of the centre.
    rays = world_points(np.ones_like(depth)) - EYE
    to_centre = ball.centre - EYE
    distance = np.linalg.norm(to_centre)
    cosine = rays @ to_centre / np.linalg.norm(rays, axis=-1) / distance
    np.testing.assert_array_equal(part, cosine >= np.sqrt(1 - (0.5 / distance) ** 2))


def test_cylinder_shows_its_lid_and_its_side():
    drum = thing(
        shape='cylinder',
        centre=np.array([2.1, 0.4, 2.5]),
        half_size=np.array([0.5, 0.4, 0.5]),
        material='jade',
    )
    _, depth, label = render(room(drum), HEIGHT, WIDTH)
    points = world_points(depth)[labelled(label, 'stool')]
    radius = np.linalg.norm((points - drum.centre)[:, [0, 2]], axis=-1)
    on_lid = np.isclose(points[:, 1], 0.8, atol=1e-5)
    assert 0.1 < on_lid.mean() < 0.9
    np.testing.assert_array_less(radius[on_lid], 0.5)
    np.testing.assert_allclose(radius[~on_lid], 0.5, atol=1e-5)
    assert points[:, 1].min() > -1e-6


@pytest.mark.parametrize('yaw', [0.0, 0.5, -2.0])
def test_every_pixel_of_a_box_lies_on_a_face_of_it(yaw):
    box = thing(
        shape='box',
        centre=np.array([2.1, 0.4, 2.5]),
        half_size=np.array([0.5, 0.4, 0.3]),
        yaw=yaw,
        material='timber',
    )
    _, depth, label = render(room(box), HEIGHT, WIDTH)
    offset = world_points(depth)[labelled(label, 'table')] - box.centre
    along_x = offset @ [np.cos(yaw), 0, -np.sin(yaw)]
    along_z = offset @ [np.sin(yaw), 0, np.cos(yaw)]
    local = np.abs(np.stack([along_x, offset[:, 1], along_z], axis=-1))
    np.testing.assert_allclose((local / box.half_size).max(axis=-1), 1, atol=1e-5)


def test_nearer_things_hide_those_behind_in_any_order():
    ball, box = (
        thing(),
        thing(shape='box', centre=np.array([2.1, 1.2, 4.0]), material='timber'),
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
        labelled(painted[2], 'balloon'), labelled(solid[2], 'lamp')
    )


# --- What the modalities tell ---------------------------------------------------------


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


def test_material_and_solidity_are_tossed_independently():
    things = [thing for scene in drawn(300) for thing in scene.things]
    for material in set(MATERIALS) - {'plaster', 'planks', 'whitewash'}:
        solid = [thing.solid for thing in things if thing.material == material]
        assert len(solid) > 100
        # Four standard deviations of a fair coin.
        assert abs(np.mean(solid) - 0.5) < 2 / np.sqrt(len(solid)), material


@pytest.mark.parametrize('pair', ['table sofa', 'stool bin', 'lamp balloon'])
def test_joint_classes_share_their_materials_and_their_solidity(pair):
    one, other = (
        {key for key, name in CLASS_OF.items() if name == wanted}
        for wanted in pair.split()
    )
    assert {material for material, _ in one} == {material for material, _ in other}
    assert {solid for _, solid in one} == {solid for _, solid in other} == {True, False}
    assert not one & other


def test_every_class_occurs_often_enough_to_be_learned():
    counts = np.zeros(len(CLASSES))
    images = np.zeros(len(CLASSES))
    for scene in drawn(60):
        pixels = np.bincount(render(scene, 32, 32)[2].ravel(), minlength=len(CLASSES))
        counts += pixels
        images += pixels > 0
    assert (counts / counts.sum()).min() > 0.01
    assert images.min() > 10


def test_every_class_has_a_rule_and_every_rule_a_class():
    assert {*CLASS_OF.values(), 'wall', 'floor', 'ceiling'} == set(CLASSES)
    assert {material for material, _ in CLASS_OF} < set(MATERIALS)


# --- Sensor ---------------------------------------------------------------------------


def test_sensor_without_noise_and_holes_reports_the_depth():
    depth = np.full((HEIGHT, WIDTH), 3, np.float32)
    sensed = sense_depth(depth, np.random.default_rng(0), noise=0, hole_rate=0)
    np.testing.assert_array_equal(sensed, depth)


def test_sensor_noise_grows_as_that_of_a_kinect():
    for distance, deviation in ((0.4, 0.0012), (3.0, 0.0140), (5.0, 0.0414)):
        depth = np.full((200, 200), distance, np.float32)
        sensed = sense_depth(depth, np.random.default_rng(0), noise=2)
        assert sensed.std() == pytest.approx(2 * deviation, rel=0.03)
        assert sensed.mean() == pytest.approx(distance, abs=1e-3)


def test_holes_are_zero_and_more_frequent_beside_steps():
    depth = np.full((400, 400), 2, np.float32)
    depth[:, 200:] = 3
    hole = sense_depth(depth, np.random.default_rng(0), hole_rate=0.02) == 0
    beside = hole[:, 199:201]
    assert beside.mean() == pytest.approx(0.2, abs=0.06)
    assert np.delete(hole, [199, 200], axis=1).mean() == pytest.approx(0.02, abs=0.002)
