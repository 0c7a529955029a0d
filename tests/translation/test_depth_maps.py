import cv2
import numpy as np
import pytest

from mmseg_cen.transforms.surface import Camera
from mmseg_cen.translation.depth_maps import (
    depth_edges,
    normals_from_depth,
    shade_normals,
    smooth_depth,
)

H, W = 60, 80
CAMERA = Camera(fx=70, fy=65, cx=37.5, cy=31.2, width=W, height=H)
RNG = np.random.default_rng(0)


def rays():
    """Direction (H, W, 3) of every pixel: x right, y up, z toward the camera."""
    v, u = np.mgrid[:H, :W]
    x, y = (u - CAMERA.cx) / CAMERA.fx, -(v - CAMERA.cy) / CAMERA.fy
    return np.stack([x, y, -np.ones_like(x)], axis=-1)


def unit(*vector):
    return np.array(vector) / np.linalg.norm(vector)


def plane(normal, distance=2.0):
    """Depth of the plane n . P = -distance."""
    return (-distance / (rays() @ normal)).astype(np.float32)


def sphere(center=(0.1, -0.1, -3.0), radius=0.8):
    """Depth and normals of a sphere, and where it is seen."""
    ray, center = rays(), np.array(center)
    a, b = (ray**2).sum(-1), ray @ center
    discriminant = b**2 - a * (center @ center - radius**2)
    hit = discriminant > 0
    depth = (b - np.sqrt(np.where(hit, discriminant, 0))) / a
    normals = (depth[..., None] * ray - center) / radius
    return depth, normals, hit


def angles(one, other):
    """Degrees between unit vectors."""
    return np.degrees(np.arccos((one * other).sum(-1).clip(-1, 1)))


PLANES = [
    unit(0, 0, 1),
    unit(0.5, 0, 1),
    unit(0, 1, 0.6),
    unit(-0.6, -0.8, 1.5),
]


@pytest.mark.parametrize('normal', PLANES)
@pytest.mark.parametrize('reach', [1, 3])
def test_normals_of_a_plane_are_exact_up_to_the_border(normal, reach):
    got = normals_from_depth(plane(normal), CAMERA, reach)
    assert angles(got, normal).max() < 0.1


def test_axes_are_right_up_and_toward_the_camera():
    """A floor far below is nearer at the bottom of the image."""
    v = np.arange(H)[:, None] - CAMERA.cy
    floor = np.where(v > 1, 1.5 * CAMERA.fy / np.maximum(v, 1), 100) + np.zeros((H, W))
    normals = normals_from_depth(floor.astype(np.float32), CAMERA)
    np.testing.assert_allclose(normals[50, 40], [0, 1, 0], atol=1e-3)


def test_normals_of_a_sphere_are_its_radii():
    depth, expected, hit = sphere()
    normals = normals_from_depth(np.where(hit, depth, 9).astype(np.float32), CAMERA)
    inside = cv2.erode(hit.astype(np.uint8), np.ones((7, 7))) > 0
    assert inside.sum() > 200
    assert angles(normals, expected)[inside].max() < 3


def test_normals_do_not_look_across_an_edge():
    """Two parallel walls: no pixel beside the step has a normal of its own."""
    depth = np.full((H, W), 2.0, np.float32)
    depth[:, 40:] = 3.5
    assert angles(normals_from_depth(depth, CAMERA), unit(0, 0, 1)).max() < 1
    across = np.gradient(depth, axis=1) != 0  # plain central differences do
    assert across.sum() == 2 * H


def test_noise_is_smoothed_and_edges_are_kept():
    truth = np.where(np.arange(W) < 40, plane(PLANES[1]), plane(PLANES[1], 3.0))
    noise = 2.85e-3 * truth**2 * RNG.normal(size=truth.shape)
    noisy = (truth + noise).astype(np.float32)
    smooth = smooth_depth(noisy, 3)
    assert np.abs(smooth - truth).mean() < 0.4 * np.abs(noisy - truth).mean()
    assert np.abs(smooth - truth).max() < 0.15  # the step is one of a meter and more
    error = [
        np.median(angles(normals_from_depth(z, CAMERA, 2), PLANES[1]))
        for z in (noisy, smooth)
    ]
    assert error[1] < 0.5 * error[0]


def test_smoothing_leaves_planes_as_they_are():
    depth = plane(PLANES[3])
    np.testing.assert_allclose(smooth_depth(depth, 2), depth, rtol=1e-3)


def test_shade_of_a_lamp_at_the_camera_is_the_cosine_to_the_ray():
    _, normals, hit = sphere()
    shade = shade_normals(normals, CAMERA)
    ray = rays()
    cosine = -(normals * ray).sum(-1) / np.linalg.norm(ray, axis=-1)
    np.testing.assert_allclose(shade[hit], cosine[hit].clip(0, 1), atol=1e-5)
    assert shade[hit].max() > 0.99


def test_shade_of_a_far_light_is_the_same_all_over_a_plane():
    normals = np.broadcast_to(PLANES[2], (H, W, 3)).astype(np.float32)
    light = (0, 3, 0)
    np.testing.assert_allclose(
        shade_normals(normals, CAMERA, light), PLANES[2][1], atol=1e-6
    )
    assert not shade_normals(normals, CAMERA, (0, -1, 0)).any()
    with pytest.raises(ValueError, match='direction'):
        shade_normals(normals, CAMERA, (0, 0, 0))


@pytest.mark.parametrize('normal', PLANES)
def test_planes_have_no_edges_however_steep(normal):
    assert depth_edges(plane(normal)).max() < 1e-4


def test_an_edge_is_the_relative_step_on_both_of_its_sides():
    depth = np.full((H, W), 2.0, np.float32)
    depth[20:, :] = 2.5
    edges = depth_edges(depth)
    np.testing.assert_allclose(edges[19:21], 1 - 2 / 2.5, rtol=1e-5)
    assert not edges[:19].any()
    assert not edges[21:].any()
    np.testing.assert_allclose(depth_edges(7 * depth), edges, atol=1e-6)  # no unit
