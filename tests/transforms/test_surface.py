"""Surfaces of scenes with a known answer, and least squares pixel by pixel."""

import numpy as np
import pytest

from mmseg_cen.transforms.surface import (
    NYUDV2_CAMERA,
    Camera,
    build_camera,
    estimate_gravity,
    parse_camera,
    surface_normals,
)

CAMERA = Camera(fx=70.0, fy=75.0, cx=37.0, cy=29.0, width=80, height=64)


def unit(*vector):
    return np.array(vector) / np.linalg.norm(vector)


def ray_of(camera):
    """Direction (H, W, 3) of the ray of each pixel, with z = 1."""
    v, u = np.indices((camera.height, camera.width))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def plane(normal, distance, camera=CAMERA):
    """Depth of the plane with a unit normal at a distance from the camera."""
    with np.errstate(divide='ignore'):
        return distance / (ray_of(camera) @ -np.asarray(normal))


def by_definition(depth, camera, radius, valid):
    """The plane n . P = 1 of each window by a solver for least squares."""
    rays = ray_of(camera)
    H, W = depth.shape
    normals = np.zeros((H, W, 3))
    for y in range(H):
        for x in range(W):
            rows = slice(max(y - radius, 0), y + radius + 1)
            columns = slice(max(x - radius, 0), x + radius + 1)
            inside = valid[rows, columns]
            matrix = rays[rows, columns][inside]
            if np.linalg.matrix_rank(matrix) < 3:
                continue
            target = 1 / depth[rows, columns][inside]
            solution = np.linalg.lstsq(matrix, target, rcond=None)[0]
            normals[y, x] = -solution / np.linalg.norm(solution)
    return normals


@pytest.mark.parametrize('radius', [1, 3, 10])
@pytest.mark.parametrize('normal', [(0, 0, -1), (0.1, -0.9, -0.4), (0.8, 0.1, -0.5)])
def test_the_normal_of_a_plane_is_exact_everywhere(normal, radius):
    normal = unit(*normal)
    depth = plane(normal, 1.4)
    depth = np.where(depth > 0, depth, np.nan)
    got = surface_normals(depth, CAMERA, radius)
    far = np.isnan(depth)  # above the horizon
    np.testing.assert_allclose(got[~far], np.tile(normal, ((~far).sum(), 1)), atol=1e-5)


@pytest.mark.parametrize('share', [0.0, 0.4, 0.9])
def test_normals_are_those_of_least_squares_over_valid_pixels(share):
    rng = np.random.default_rng(0)
    camera = Camera(20.0, 22.0, 9.0, 6.5, 20, 14)
    depth = rng.uniform(1, 2, (14, 20))
    valid = rng.random(depth.shape) >= share
    expected = by_definition(depth, camera, 2, valid)
    got = surface_normals(np.where(valid, depth, 0), camera, 2)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    depth[~valid] = np.inf
    np.testing.assert_array_equal(surface_normals(depth, camera, 2), got)
    np.testing.assert_array_equal(
        surface_normals(depth, camera, 2, stride=3), got[::3, ::3]
    )


def test_normals_point_to_the_camera_and_have_length_one():
    depth = np.random.default_rng(0).uniform(2, 2.1, (64, 80))
    normals = surface_normals(depth, CAMERA)
    assert ((normals * ray_of(CAMERA)).sum(-1) < 0).mean() > 0.99
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)


def test_the_unit_of_the_depth_does_not_matter():
    depth = np.random.default_rng(0).uniform(1, 3, (64, 80))
    np.testing.assert_allclose(
        surface_normals(depth, CAMERA), surface_normals(1000 * depth, CAMERA), atol=1e-5
    )


def test_without_depth_there_is_no_normal():
    assert not surface_normals(np.zeros((64, 80)), CAMERA).any()


def test_rays_are_the_slopes_of_the_pixels_with_y_to_the_top():
    x, y = CAMERA.rays()
    assert x.shape == (1, 80)
    assert y.shape == (64, 1)
    expected = ray_of(CAMERA)
    np.testing.assert_allclose(
        np.broadcast_to(x, (64, 80)), expected[..., 0], rtol=1e-5
    )
    np.testing.assert_allclose(
        np.broadcast_to(-y, (64, 80)), expected[..., 1], rtol=1e-5
    )


def test_a_resized_camera_sees_the_same():
    small = NYUDV2_CAMERA.resized(240, 320)
    assert vars(small.resized(480, 640)) == pytest.approx(vars(NYUDV2_CAMERA))
    # The outer edges of the image are the same rays.
    assert (-0.5 - small.cx) / small.fx == pytest.approx(
        (-0.5 - NYUDV2_CAMERA.cx) / NYUDV2_CAMERA.fx
    )


def room(gravity, camera=CAMERA, height=1.4):
    """Depth of a floor, three walls and a ceiling around a camera."""
    down = np.asarray(gravity)
    ahead = unit(*(np.array([0, 0, 1.0]) - down[2] * down))
    right = np.cross(down, ahead)
    faces = [(-down, height), (down, 1.2), (-ahead, 3.0), (-right, 1.8), (right, 1.5)]
    depths = np.stack([plane(normal, distance, camera) for normal, distance in faces])
    return np.where(depths > 0, depths, np.inf).min(axis=0)


@pytest.mark.parametrize(
    'gravity', [(0, 1, 0), (0.1, 0.9, 0.3), (-0.3, 0.9, -0.1), (0.05, 0.85, 0.5)]
)
def test_gravity_is_found_in_a_room(gravity):
    gravity = unit(*gravity)
    normals = surface_normals(room(gravity), CAMERA, radius=2)
    found = estimate_gravity(normals)
    assert np.rad2deg(np.arccos(found @ gravity)) < 0.5
    assert np.linalg.norm(found) == pytest.approx(1)
    np.testing.assert_allclose(estimate_gravity(-normals), found)


def test_without_normals_gravity_is_the_y_axis():
    assert estimate_gravity(np.zeros((4, 5, 3))).tolist() == [0, 1, 0]


@pytest.mark.parametrize('change', [dict(fx=0), dict(height=-1)])
def test_a_camera_has_positive_lengths(change):
    with pytest.raises(ValueError, match='must be positive'):
        Camera(**{**vars(CAMERA), **change})


def test_a_camera_is_a_name_or_options():
    assert build_camera('nyudv2') is NYUDV2_CAMERA
    assert build_camera(vars(CAMERA)) == CAMERA
    for bad in ('kinect', dict(fx=1.0)):
        with pytest.raises(ValueError, match='with fx, fy, cx, cy, width and height'):
            build_camera(bad)
    assert build_camera(CAMERA) is CAMERA


def test_a_camera_of_a_command_line_is_a_name_or_six_numbers():
    assert parse_camera(None) is None
    assert parse_camera(['nyudv2']) is NYUDV2_CAMERA
    numbers = [str(value) for value in vars(CAMERA).values()]
    assert parse_camera(numbers) == CAMERA
    for bad in (['kinect'], numbers[1:], [*numbers[1:], 'x']):
        with pytest.raises(ValueError, match=r'CX CY WIDTH HEIGHT, got '):
            parse_camera(bad)


def test_a_radius_is_positive():
    with pytest.raises(ValueError, match='got 0'):
        surface_normals(np.ones((4, 4)), CAMERA, radius=0)
