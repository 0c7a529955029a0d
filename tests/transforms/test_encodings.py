"""HHA by its definition, pixel by pixel, and on scenes with a known answer."""

import cv2
import matplotlib
import numpy as np
import pytest

from mmseg_cen.transforms import encode_depth, hha
from mmseg_cen.transforms.encodings import ENCODINGS
from mmseg_cen.transforms.surface import NYUDV2_CAMERA, Camera

CAMERA = Camera(fx=70.0, fy=75.0, cx=37.0, cy=29.0, width=80, height=64)
ALL = np.ones((64, 80), bool)


def unit(*vector):
    return np.array(vector) / np.linalg.norm(vector)


def ray_of(camera):
    """Direction (H, W, 3) of the ray of each pixel, z = 1: x right, y down."""
    v, u = np.indices((camera.height, camera.width))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def turned(vectors, gravity):
    """World directions (x right, y down, z ahead) in the frame of a tilted camera."""
    down = unit(*gravity)
    ahead = unit(*(np.array([0, 0, 1.0]) - down[2] * down))
    return vectors @ np.stack([np.cross(down, ahead), down, ahead])


def cast(faces, camera=CAMERA):
    """Depth and normal of the first of some faces that each ray hits.

    Args:
        faces: Point, normal toward the camera, and a predicate of the points (H, W, 3)
            of the plane that are on the face.
    """
    rays = ray_of(camera)
    depth, normals = np.full(rays.shape[:2], np.inf), np.zeros(rays.shape)
    face = np.zeros(depth.shape, np.uint8)
    for k, (point, normal, inside) in enumerate(faces):
        with np.errstate(divide='ignore', invalid='ignore'):
            own = np.dot(point, normal) / (rays @ normal)
            hit = (own > 0) & (own < depth) & inside(rays * own[..., None])
        depth[hit], normals[hit], face[hit] = own[hit], normal, k
    return depth, normals, face


def scene(gravity=(0, 1, 0), camera_height=1.4, camera=CAMERA):
    """A box of 0.5 m on a floor between walls, seen by a tilted camera."""

    def world(*vector):
        return turned(np.array(vector, float), gravity)

    def within(axis, low, high):
        return lambda points: (
            (points @ world(*axis) > low) & (points @ world(*axis) < high)
        )

    def everywhere(points):
        return np.ones(points.shape[:2], bool)

    right, down, ahead = np.eye(3)
    top = camera_height - 0.5

    def both(*tests):
        return lambda points: np.logical_and.reduce([test(points) for test in tests])

    lid = both(within(right, -0.4, 0.5), within(ahead, 1.8, 2.4))
    front = both(within(right, -0.4, 0.5), within(down, top, camera_height))
    faces = [
        (world(0, camera_height, 0), world(0, -1, 0), everywhere),
        (world(0, 0, 3.5), world(0, 0, -1), everywhere),
        (world(1.6, 0, 0), world(-1, 0, 0), everywhere),
        (world(-1.7, 0, 0), world(1, 0, 0), everywhere),
        (world(0, top, 0), world(0, -1, 0), lid),
        (world(0, 0, 1.8), world(0, 0, -1), front),
    ]
    return *cast(faces, camera), world(0, 1, 0)


def true_hha(depth, normals, gravity, camera=CAMERA):
    """What the three letters say, of a scene that is known."""
    points = ray_of(camera) * depth[..., None]
    height = -100 * points @ gravity
    ground = height.min() if height.min() <= -90 else -130
    angle = np.rad2deg(np.arccos((-normals @ gravity).clip(-1, 1)))
    channels = [31000 / np.maximum(100 * depth, 100), height - ground, angle + 38]
    return np.rint(np.stack(channels, axis=-1)).clip(0, 255)


def window_normals(depth, valid, radius, camera):
    """Away from the camera: the plane n . P = 1 in each window, by least squares."""
    rays = ray_of(camera)
    normals = np.zeros(rays.shape)
    for y, x in np.ndindex(depth.shape):
        rows = slice(max(y - radius, 0), y + radius + 1)
        columns = slice(max(x - radius, 0), x + radius + 1)
        inside = valid[rows, columns]
        A, b = rays[rows, columns][inside], 1 / depth[rows, columns][inside]
        if len(A) >= 3 and np.linalg.matrix_rank(A) == 3:
            solution = np.linalg.solve(A.T @ A, A.T @ b)
            normals[y, x] = solution / np.linalg.norm(solution)
    return normals


def by_definition(depth, valid, camera):
    """The algorithm of Gupta et al., and two narrower angles, pixel by pixel."""
    wide = window_normals(depth, valid, 3, camera).reshape(-1, 3)
    wide = wide[np.linalg.norm(wide, axis=1) > 0]
    gravity = np.array([0, 1.0, 0])
    for threshold in np.repeat([45, 15, 5, 1], 5):
        matrix = np.zeros((3, 3))
        angles = np.rad2deg(np.arccos(np.abs(wide @ gravity).clip(0, 1)))
        floors, walls = wide[angles < threshold], wide[angles > 90 - threshold]
        for normal in walls:
            matrix += np.outer(normal, normal)
        for normal in floors:
            matrix -= np.outer(normal, normal)
        values, vectors = np.linalg.eig(matrix)
        new = vectors[:, np.argmin(values)]
        gravity = new * np.sign(new @ gravity)
    narrow = window_normals(depth, valid, 3, camera)
    points = 100 * ray_of(camera) * depth[..., None]
    lowest = min(-point @ gravity for point in points[valid])
    ground = -130 if lowest > -90 else lowest
    out = np.zeros((*depth.shape, 3))
    for y, x in np.argwhere(valid):
        cosine = narrow[y, x] @ gravity
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        if not narrow[y, x].any():
            angle = 180
        out[y, x, 0] = 31000 / max(100 * depth[y, x], 100)
        out[y, x, 1] = -points[y, x] @ gravity - ground
        out[y, x, 2] = angle + 128 - 90
    return np.rint(out).clip(0, 255)


def difference(a, b):
    return np.abs(a.astype(int) - b.astype(int))


GRAVITIES = [(0, 1, 0), (0.08, 0.95, 0.3), (-0.1, 0.9, -0.1), (0.05, 0.8, 0.5)]


@pytest.mark.parametrize('holes', [0.0, 0.3])
@pytest.mark.parametrize('gravity', GRAVITIES)
def test_hha_of_a_box_on_a_floor_is_that_of_the_definition(gravity, holes):
    camera = CAMERA.resized(44, 56)
    depth, *_ = scene(gravity, camera=camera)
    valid = np.random.default_rng(0).random(depth.shape) >= holes
    valid[20:30, 20:35] = holes == 0
    assert np.isfinite(depth).all()
    got = hha(np.where(valid, depth, np.nan), valid, camera)
    assert difference(got, by_definition(depth, valid, camera)).max() <= 1


@pytest.mark.parametrize('gravity', GRAVITIES)
def test_hha_of_a_box_on_a_floor_is_the_truth_away_from_its_edges(gravity):
    depth, normals, face, down = scene(gravity, camera=NYUDV2_CAMERA)
    got = hha(depth, depth > 0, NYUDV2_CAMERA)
    wrong = difference(got, true_hha(depth, normals, down, NYUDV2_CAMERA))
    window = np.ones((7, 7))
    inside = cv2.dilate(face, window) == cv2.erode(face, window)
    assert inside.mean() > 0.9
    assert len(np.unique(face[inside])) >= 3
    assert wrong[inside].max() <= 1
    assert wrong[..., :2].max() <= 1


def tilted(pitch, roll):
    """Gravity in the frame of a camera that looks down and is rolled, degrees."""
    pitch, roll = np.deg2rad([pitch, roll])
    level = np.cos(pitch)
    return level * np.sin(roll), level * np.cos(roll), np.sin(pitch)


@pytest.mark.parametrize(
    ('rows', 'pitch', 'roll', 'box'),
    [
        (120, 0, 0, False),
        (120, 5, 20, True),
        (120, 15, -10, False),
        (120, 40, 20, True),
        (240, 0, -10, True),
        (240, 15, 0, True),
        (240, 40, 0, False),
        (480, 0, 20, False),
        (480, 15, 20, True),
        (480, 40, -10, True),
    ],
)
def test_the_height_of_a_box_on_a_floor_is_the_truth_without_its_gravity(
    rows, pitch, roll, box
):
    """Floor 1.2 m below the camera, wall at 3 m, top of the box at 0.8 m."""
    camera = NYUDV2_CAMERA.resized(rows, rows * 4 // 3)
    right, down, ahead = turned(np.eye(3), tilted(pitch, roll))

    def on(*limits):
        return lambda points: np.logical_and.reduce(
            [
                (points @ axis > low) & (points @ axis < high)
                for axis, low, high in limits
            ]
        )

    width = (right, -0.4, 0.4)
    faces = [(1.2 * down, -down, on()), (3.0 * ahead, -ahead, on())]
    if box:
        faces.append((0.8 * down, -down, on(width, (ahead, 1.6, 2.2))))
        faces.append((1.6 * ahead, -ahead, on(width, (down, 0.8, 1.2))))
    depth, normals, face = cast(faces, camera)
    assert len(np.unique(face)) >= 2 + box
    got = encode_depth(depth.astype(np.float32), 'hha', camera)
    wrong = difference(got, true_hha(depth, normals, down, camera))
    assert wrong[..., :2].max() <= 1


@pytest.mark.parametrize('distance', [0.7, 1.4, 3.0])
@pytest.mark.parametrize('tilt', [-30, -10, 0, 10, 40])
def test_hha_of_a_plane_at_a_known_distance_and_tilt(distance, tilt):
    """A wall, which leans forwards by an angle, with gravity given."""
    angle = np.deg2rad(tilt)
    normal = np.array([0, np.sin(angle), -np.cos(angle)])
    point = np.array([0, 0, distance])
    depth, normals, _ = cast([(point, normal, lambda p: np.ones(p.shape[:2], bool))])
    got = hha(depth, ALL, CAMERA, gravity=np.array([0, 1.0, 0]))
    expected = true_hha(depth, normals, np.array([0, 1.0, 0]))
    assert difference(got, expected).max() <= 1
    assert difference(got[..., 2], np.full(depth.shape, 128 + tilt)).max() <= 1


def test_floors_walls_and_ceilings_have_their_angles():
    camera = NYUDV2_CAMERA
    depth, normals, _, down = scene(GRAVITIES[1], camera=camera)
    got = hha(depth, depth > 0, camera)
    floor = (normals @ down < -0.99) & (got[..., 1] <= 1)
    wall = np.abs(normals @ down) < 0.01
    assert np.median(got[floor][:, 2]) == 38
    assert np.median(got[wall][:, 2]) == 128
    flipped = hha(depth, depth > 0, camera, gravity=-down)  # the floor is a ceiling
    assert np.median(flipped[floor][:, 2]) == 218


def test_a_known_gravity_has_the_place_of_the_estimate():
    depth = scene(GRAVITIES[1])[0]
    known = 9.81 * unit(*GRAVITIES[2])
    got = encode_depth(depth, 'hha', CAMERA, gravity=known)
    expected = hha(depth, ALL, CAMERA, gravity=known / 9.81)
    np.testing.assert_array_equal(got, expected)
    assert difference(got, encode_depth(depth, 'hha', CAMERA)).max() > 9


def test_without_a_ground_the_camera_is_at_130_centimeters():
    wall = np.full((64, 80), 1.5)  # 0.7 m of it below the camera
    got = hha(wall, ALL, CAMERA)
    assert abs(int(got[29, 37, 1]) - 130) <= 1
    assert got[29, 37, 0] == round(31000 / 150)


def test_without_depth_hha_is_black():
    assert not hha(np.zeros((64, 80)), ~ALL, CAMERA).any()
    depth, *_ = scene()
    depth[:20] = 0
    got = encode_depth(depth, 'hha', CAMERA)
    assert not got[:20].any()
    assert got[20:].any(axis=-1).all()


@pytest.fixture
def depth():
    depth = np.random.default_rng(0).uniform(0.5, 4, (64, 80)).astype(np.float32)
    depth[:3] = 0
    depth[5, 5] = np.nan
    return depth


def test_values_are_those_of_their_formulas(depth):
    known = np.nan_to_num(depth) > 0
    inside = depth[known].astype(np.float64)
    low, high = inside.min(), inside.max()
    expected = dict(
        metric=inside,
        log=np.log(1 + inside),
        inverse=1 / inside,
        minmax=(inside - low) / (high - low),
    )
    for encoding, values in expected.items():
        got = encode_depth(depth, encoding)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got[known], values, rtol=1e-5, atol=1e-6)
        assert not got[~known].any()


@pytest.mark.parametrize('encoding', ['jet', 'turbo'])
def test_colors_are_those_of_the_map(depth, encoding):
    known = np.nan_to_num(depth) > 0
    got = encode_depth(depth, encoding)
    gray = np.rint(255 * encode_depth(depth, 'minmax')[known]).astype(int)
    if encoding == 'turbo':
        table = 255 * matplotlib.colormaps['turbo'](np.arange(256))[:, :3]
    else:  # that of MATLAB and OpenCV; matplotlib's differs
        x = 4 * np.arange(256)[:, None] / 255
        table = 255 * (1.5 - np.abs(x - (3, 2, 1))).clip(0, 1)
    assert np.abs(got[known] - table[gray]).max() <= 3
    assert not got[~known].any()
    assert got[known].any(axis=-1).all()


def test_a_range_is_the_same_for_all_images():
    depth = np.array([[0.0, 1, 2, 3, 9]])
    got = encode_depth(depth, 'minmax', depth_range=(1, 5))
    np.testing.assert_allclose(got, [[0, 0, 0.25, 0.5, 1]])
    assert encode_depth(np.full((2, 2), 3.0), 'minmax').tolist() == [[0, 0], [0, 0]]
    assert (encode_depth(depth, 'jet', depth_range=(0, 9))[0, 4] == (128, 0, 0)).all()


def test_normals_are_a_picture_with_y_to_the_top():
    depth, normals, face, _ = scene(camera=NYUDV2_CAMERA)
    got = encode_depth(depth, 'normals', NYUDV2_CAMERA)
    expected = 127.5 + 127.5 * normals * (1, -1, -1)
    close = np.abs(got - expected).max(axis=-1) <= 1
    assert close.mean() > 0.9  # all but the edges
    floor, wall = (np.median(got[face == k], axis=0) for k in (0, 1))
    assert difference(floor, np.array([128, 255, 128])).max() <= 1
    assert difference(wall, np.array([128, 128, 255])).max() <= 1


def test_the_camera_is_that_of_images_of_any_size():
    depth, *_ = scene()
    big = CAMERA.resized(128, 160)
    np.testing.assert_array_equal(
        encode_depth(depth, 'hha', big), encode_depth(depth, 'hha', CAMERA)
    )


def test_nothing_is_finite_nor_anything_else_without_depth():
    for encoding in ENCODINGS:
        got = encode_depth(np.full((64, 80), np.nan), encoding, CAMERA)
        assert got.shape[2:] == ((3,) if ENCODINGS[encoding] == 3 else ())
        assert not got.any()


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(encoding='hsv'), r"one of \['metric'.*got 'hsv'"),
        (dict(encoding='hha'), 'needs the camera'),
        (dict(encoding='normals'), "give 'nyudv2', or fx"),
        (dict(encoding='log', depth_range=(0, 1)), r"\['minmax', .* got 'log': remove"),
        (dict(encoding='jet', depth_range=(2, 1)), r'\(near, far\) in meters'),
        (
            dict(encoding='log', gravity=(0, 1, 0)),
            "'hha' to have .* got 'log'",
        ),
        (dict(encoding='hha', camera=CAMERA, gravity=(0, 0, 0)), 'that is not 0, got'),
        (
            dict(encoding='hha', camera=CAMERA, gravity=(0, 1)),
            r'\(0, 1\): give three',
        ),
    ],
)
def test_what_an_encoding_needs_is_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        encode_depth(np.ones((4, 4)), **kwargs)
