import numpy as np
import pytest

from mmseg_cen.transforms.surface import NYUDV2_CAMERA, Camera
from mmseg_cen.translation import DeriveDomains, build_domains
from mmseg_cen.translation.depth_maps import (
    depth_edges,
    normals_from_depth,
    shade_normals,
    smooth_depth,
)
from mmseg_cen.translation.derived import Derivation, texture_edges

H, W = 60, 80
CAMERA = Camera(fx=70, fy=65, cx=37.5, cy=31.2, width=W, height=H)
RNG = np.random.default_rng(0)
COLUMNS, ROWS = np.arange(W, dtype=np.float32), np.arange(H, dtype=np.float32)[:, None]
DEPTH = 2 + 0.01 * COLUMNS + 0.02 * ROWS


def test_texture_edges_are_the_gradient_of_the_colors():
    ramp = np.zeros((H, W, 3), np.uint8)
    ramp[..., 1] = 2 * np.arange(W)
    np.testing.assert_allclose(texture_edges(ramp)[5:-5, 5:-5], 2 / 255, rtol=1e-3)
    turned = texture_edges(ramp.transpose(1, 0, 2).copy())
    np.testing.assert_allclose(turned, texture_edges(ramp).T, atol=1e-5)
    assert texture_edges(np.full((H, W, 3), 90, np.uint8)).max() < 1e-6


def test_edges_between_colors_of_one_brightness_are_seen():
    image = np.zeros((H, W, 3), np.uint8)
    image[:, :40, 0] = image[:, 40:, 2] = 200
    edges = texture_edges(image)
    assert edges[:, 39:41].min() > 0.2
    assert edges[:, :30].max() < 1e-6


def test_derivation_computes_what_is_asked_for():
    depth = DEPTH
    rgb = RNG.integers(0, 256, (H, W, 3), np.uint8)
    derive = Derivation(CAMERA, reach=2, blur=2.0)
    every = derive({'normal', 'shade', 'edge', 'texture'}, rgb, depth)
    normals = normals_from_depth(depth, CAMERA, 2)
    np.testing.assert_array_equal(every['normal'], normals)
    np.testing.assert_array_equal(every['shade'], shade_normals(normals, CAMERA))
    np.testing.assert_array_equal(every['edge'], depth_edges(depth))
    np.testing.assert_array_equal(every['texture'], texture_edges(rgb, 2.0))
    for name, image in every.items():
        alone = derive([name], rgb, depth)
        assert list(alone) == [name]
        np.testing.assert_array_equal(alone[name], image)
        assert image.dtype == np.float32
    assert derive([]) == {}


def test_smoothing_comes_before_normals_and_edges():
    depth = (DEPTH + 0.02 * RNG.normal(size=(H, W))).astype(np.float32)
    smooth = Derivation(CAMERA, smoothing=2)(['edge', 'normal'], depth=depth)
    np.testing.assert_array_equal(smooth['edge'], depth_edges(smooth_depth(depth, 2)))


@pytest.mark.parametrize(
    ('names', 'given', 'message'),
    [
        (['color'], {}, r"must be some of .* got \['color'\]"),
        (
            ['texture'],
            dict(depth=np.ones((H, W))),
            "`rgb` must be given to derive 'texture'",
        ),
        (
            ['texture'],
            dict(rgb=np.ones((H, W, 3), np.uint16)),
            "`rgb` must be uint8 to derive 'texture', got uint16",
        ),
        (
            ['edge'],
            dict(rgb=np.ones((H, W, 3))),
            r"`depth` must be given to derive \['edge'\]",
        ),
        (['edge'], dict(depth=np.zeros((H, W))), 'fill the invalid'),
        (['edge'], dict(depth=np.full((H, W), np.nan)), 'fill the invalid'),
        (['normal'], dict(depth=np.ones((H, W))), '`camera` must be given'),
    ],
)
def test_what_is_missing_is_named(names, given, message):
    with pytest.raises(ValueError, match=message):
        Derivation()(names, **given)


@pytest.mark.parametrize(
    'options',
    [
        dict(smoothing=-1),
        dict(blur=-1),
        dict(step=0),
        dict(tolerance=0),
        dict(reach=0),
        dict(reach=1.5),
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Derivation(**options)


def test_the_transform_derives_the_domains_that_have_no_files():
    domains = build_domains(
        dict(
            depth=dict(range=(0, 10)),
            normal=dict(derive='normal'),
            rgb={},
            relief=dict(derive='shade'),
        )
    )
    results = dict(modalities=domains, helpers=dict(depth=DEPTH))
    derived = DeriveDomains('nyudv2', smoothing=1.0)(dict(results))
    expected = Derivation(NYUDV2_CAMERA, smoothing=1.0)(
        ['normal', 'shade'], depth=DEPTH
    )
    assert derived.keys() - results.keys() == {'normal', 'relief'}
    np.testing.assert_array_equal(derived['normal'], expected['normal'])
    np.testing.assert_array_equal(derived['relief'], expected['shade'])


def test_an_image_of_another_ratio_than_the_camera_is_announced(warned):
    depth = np.full((48, 64), 2.0, np.float32)
    derive = Derivation(NYUDV2_CAMERA)
    for whole in (depth, depth[:, :-1]):  # a column less by rounding
        derive(['normal'], depth=whole)
    derive(['edge'], depth=depth[:, 8:-8])  # needs no camera
    assert not warned
    derive(['normal'], depth=depth[:, 8:-8])
    assert len(warned) == 1
    assert 'depth of 48x48 pixels is taken for the whole image' in warned[0]


def test_a_depth_map_without_a_valid_pixel_is_named():
    domains = build_domains(dict(depth=dict(range=(0, 10)), edge=dict(derive='edge')))
    results = dict(
        modalities=domains,
        helpers=dict(depth=np.zeros((H, W), np.float32)),
        modality_paths=dict(depth='depth/7.png'),
    )
    message = r'depth/7\.png: depth must be positive .* leave out a sample'
    with pytest.raises(ValueError, match=message):
        DeriveDomains()(results)


@pytest.mark.parametrize('camera', ['kinect', dict(fx=3), dict(focal=2)])
def test_an_unknown_camera_is_an_error(camera):
    with pytest.raises(ValueError, match='nyudv2'):
        DeriveDomains(camera)


def test_a_resized_camera_sees_the_same_directions():
    """Halving an image puts the centers of its pixels between those of four."""
    half = NYUDV2_CAMERA.resized(240, 320)
    x, y = NYUDV2_CAMERA.rays()
    x2, y2 = half.rays()
    np.testing.assert_allclose(x2[0], x[0].reshape(-1, 2).mean(1), atol=1e-6)
    np.testing.assert_allclose(y2[:, 0], y[:, 0].reshape(-1, 2).mean(1), atol=1e-6)


def test_a_camera_without_focal_length_is_refused():
    with pytest.raises(ValueError, match='positive'):
        Camera(0, 1, 2, 3, 4, 5)
