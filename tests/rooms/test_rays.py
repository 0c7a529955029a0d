import numpy as np
import pytest

from mmseg_cen.rooms.rays import INTERSECT, camera_rays, intersect_room, points_on

HALF_SIZE = np.array([0.5, 0.4, 0.5])
EYES = [(0.3, 1.2, -2.0), (-0.2, -0.9, -1.5)]  # above and below the thing


def test_rays_have_length_one_along_the_optical_axis():
    axis = np.array([np.sin(0.3), 0, np.cos(0.3)])
    np.testing.assert_allclose(camera_rays(48, 64, 0.3) @ axis, 1)


@pytest.mark.parametrize('eye', EYES)
@pytest.mark.parametrize('shape', INTERSECT)
def test_normals_are_unit_vectors_against_the_rays_from_the_surface_outwards(
    shape, eye
):
    eye = np.array(eye)
    rays = camera_rays(96, 128, horizon=0.1 if eye[1] > 0 else 0.9)
    distance, normals = INTERSECT[shape](eye, rays, HALF_SIZE)
    hit = np.isfinite(distance)
    assert 0.02 < hit.mean() < 0.9
    points, normals = points_on(eye, rays, distance)[hit], normals[hit]
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-9)
    assert ((normals * rays[hit]).sum(axis=1) < 1e-9).all()
    local = points / HALF_SIZE
    if shape == 'box':  # the face on which the point lies
        face = np.abs(local).argmax(axis=1)
        expected = np.sign(local) * (np.arange(3) == face[:, None])
    elif shape == 'cylinder':  # the lid or the bottom, or the side
        flat = np.abs(local[:, 1:2]) > 1 - 1e-9
        expected = np.where(flat, [0, np.sign(eye[1]), 0], local * [1, 0, 1])
    else:
        expected = points / HALF_SIZE[0]
    np.testing.assert_allclose(normals, expected, atol=1e-9)


def test_rays_leave_a_room_through_the_nearest_wall_and_meet_its_inner_side():
    size, eye = np.array([4.0, 2.6, 5.0]), np.array([2.0, 1.5, 0.5])
    rays = camera_rays(48, 64)
    distance, normals = intersect_room(eye, rays, size)
    points = points_on(eye, rays, distance)
    np.testing.assert_allclose(points, points.clip(0, size), atol=1e-9)
    plane = np.where(normals < 0, size, 0)[normals != 0]
    np.testing.assert_allclose(points[normals != 0], plane, atol=1e-9)
    assert ((normals != 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize('eye', EYES)
@pytest.mark.parametrize('shape', INTERSECT)
def test_things_behind_the_eye_are_missed(shape, eye):
    behind = np.array(eye) * [1, 1, -1]  # the thing is at the origin
    rays = camera_rays(96, 128, horizon=0.9 if eye[1] > 0 else 0.1)
    assert np.isinf(INTERSECT[shape](behind, rays, HALF_SIZE)[0]).all()
