"""Laws of loading the domains of a sample from files."""

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmseg_cen.translation import LoadDomains, build_domains
from mmseg_cen.translation.loading import load_domain

RNG = np.random.default_rng(0)
SIZE = (12, 16)
DOMAINS = build_domains(
    dict(
        rgb={},
        depth=dict(dtype='uint16', scale=1e-3, nodata=0, range=(0, 10)),
        normal=dict(
            channels=3, dtype='uint8', scale=2 / 255, offset=-1.0, vectors=True
        ),
        shade=dict(derive='shade'),
    )
)
GRAY = RNG.integers(1, 9000, SIZE, np.uint16)
COLORS = RNG.integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture
def load(tmp_path):
    """Function that stores arrays as the files of domains, and loads them."""

    def run(target='depth', used=('rgb', 'depth', 'normal'), **arrays):
        arrays = dict(rgb=COLORS, depth=GRAY, normal=COLORS) | arrays
        paths = {name: str(tmp_path / f'{name}.png') for name in arrays}
        for name, path in paths.items():
            assert cv2.imwrite(path, arrays[name])
        results = dict(
            modalities={name: DOMAINS[name] for name in used},
            target=target,
            file_domains={name: DOMAINS[name] for name in paths},
            modality_paths=paths,
            seg_fields=[],
        )
        return LoadDomains()(results)

    return run


def test_every_domain_is_an_array_in_physical_units(load):
    results = load()
    np.testing.assert_array_equal(results['img'], COLORS)  # the toolbox wants BGR
    np.testing.assert_allclose(results['depth'], GRAY / 1000, rtol=1e-5)
    vectors = COLORS[..., ::-1] / 127.5 - 1
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    known = length[..., 0] > 0.5
    expected = (vectors / length)[known]
    np.testing.assert_allclose(results['normal'][known], expected, atol=1e-5)
    assert results['img_shape'] == results['ori_shape'] == SIZE
    assert results['helpers'].keys() == {'rgb', 'depth', 'normal'}


@pytest.mark.parametrize(
    ('name', 'array', 'message'),
    [
        ('depth', COLORS[..., 0], 'must hold uint16, got uint8'),
        ('depth', GRAY[:6], r'one size.*depth \(6, 16\)'),
        ('normal', COLORS[..., 0], 'must have 3 channel'),
        ('normal', GRAY, 'must hold uint8, got uint16'),
        ('depth', np.stack([GRAY, GRAY, GRAY + 1], -1), 'in colors'),
        ('depth', np.stack([GRAY] * 4, -1), 'must have 1 ch'),
    ],
)
def test_a_file_that_is_not_as_stated_is_refused(load, name, array, message):
    with pytest.raises(ValueError, match=message) as error:
        load(**{name: array})
    assert f'{name}.png' in str(error.value)


def test_gray_in_three_channels_is_gray(load):
    three = load(depth=np.stack([GRAY] * 3, -1))
    np.testing.assert_array_equal(three['depth'], load()['depth'])


def test_unknown_pixels_of_the_target_are_marked_and_moved_like_a_label(load):
    holed = GRAY.copy()
    holed[3:5, 7] = 0
    as_target = load(depth=holed)
    np.testing.assert_array_equal(as_target['gt_valid'], holed > 0)
    assert as_target['gt_valid'].dtype == np.uint8
    assert as_target['seg_fields'] == ['gt_valid']
    # Unknown pixels of a source are filled, and count.
    as_source = load('rgb', depth=holed)
    assert as_source['gt_valid'].all()
    assert as_source['depth'].min() > 0


def test_pixels_of_an_image_may_be_unknown_too(load, monkeypatch):
    """As the black borders of rectified images."""
    framed = COLORS | 1
    framed[:, :2] = 0
    monkeypatch.setitem(DOMAINS, 'rgb', build_domains(dict(rgb=dict(nodata=0)))['rgb'])
    as_target = load('rgb', rgb=framed)
    np.testing.assert_array_equal(as_target['gt_valid'], framed.any(-1))
    as_source = load('depth', rgb=framed)
    assert as_source['gt_valid'].all()
    assert as_source['img'].dtype == np.uint8
    np.testing.assert_array_equal(as_source['img'][:, 2:], framed[:, 2:])
    np.testing.assert_array_equal(as_source['img'][:, 0], framed[:, 2])


def test_a_derived_target_is_known_where_its_origin_is(load):
    holed = GRAY.copy()
    holed[3:5, 7] = 0
    results = load('shade', ('rgb', 'shade'), depth=holed)
    np.testing.assert_array_equal(results['gt_valid'], holed > 0)
    assert 'depth' not in results  # only a helper


def test_a_file_without_valid_pixels_is_announced(load, warned):
    assert not load(depth=np.zeros_like(GRAY))['gt_valid'].any()
    assert len(warned) == 1
    assert 'depth.png has no valid pixel' in warned[0]


def test_a_unit_that_does_not_fit_the_range_is_announced(load, monkeypatch, warned):
    """In the network, all of such a depth is the farthest: an error of nothing."""
    assert load()['depth'].max() < 10
    assert not warned
    millimeters = build_domains(dict(depth=dict(nodata=0, range=(0, 10))))['depth']
    monkeypatch.setitem(DOMAINS, 'depth', millimeters)
    load('shade', ('rgb', 'shade'))  # the depth is a helper, and not encoded
    assert not warned
    load()
    assert len(warned) == 1
    assert 'depth.png' in warned[0]
    assert 'lie outside of range=(0, 10)' in warned[0]


@pytest.mark.parametrize(
    ('name', 'array', 'options'),
    [
        ('depth', GRAY, dict(scale=1e-3, range=(0, 10))),
        (
            'normal',
            COLORS | 1,
            dict(channels=3, scale=2 / 255, offset=-1.0, vectors=True),
        ),
    ],
)
def test_zeros_that_count_are_announced(
    name, array, options, load, monkeypatch, warned
):
    """As depth, they are at the camera; as normals, (-1, -1, -1)."""
    holed = array.copy()
    holed[3:5, 7] = 0
    named, careless = (
        build_domains({name: options | own})[name] for own in (dict(nodata=0), {})
    )
    monkeypatch.setitem(DOMAINS, name, named)
    assert (load(name, **{name: holed})['gt_valid'] == 0).sum() >= 2
    monkeypatch.setitem(DOMAINS, name, careless)
    load(**{name: array})
    assert not warned
    load(**{name: holed})
    assert len(warned) == 1
    assert '1.0% of the pixels' in warned[0]
    assert 'set nodata=0 of the domain' in warned[0]


def test_what_a_file_calls_no_measurement_may_be_named_by_nodata(tmp_path, warned):
    array = np.full(SIZE, 2.5, np.float32)
    array[0, :3] = -9999
    tags = ImageFileDirectory_v2()
    tags[42113] = '-9999'
    path = str(tmp_path / 'height.tif')
    Image.fromarray(array).save(path, tiffinfo=tags)
    for options in (dict(nodata=-9999), dict(nodata=(0, -9999)), dict(invalid=-9999)):
        domain = build_domains(dict(height=dict(range=(0, 10), **options)))['height']
        image, valid = load_domain('height', domain, path)
        assert (image == 2.5).all()
        assert (~valid).sum() == 3
        assert not warned
    load_domain(
        'height', build_domains(dict(height=dict(range=(0, 10))))['height'], path
    )
    assert len(warned) == 1


def test_domains_have_the_options_of_modalities(load, tmp_path):
    """Sentinels, sizes and orientation, as in the loading of a segmentation."""
    options = dict(
        scale=1e-3, range=(0, 10), invalid='20000..65535', resize=True, fill='nearest'
    )
    domains = build_domains(dict(rgb={}, depth=options))
    small = np.full((SIZE[0] // 2, SIZE[1] // 2), 2000, np.uint16)
    small[0, 0] = 65535
    paths = dict(rgb=str(tmp_path / 'rgb.png'), depth=str(tmp_path / 'depth.png'))
    assert cv2.imwrite(paths['rgb'], COLORS)
    assert cv2.imwrite(paths['depth'], small)
    results = LoadDomains()(
        dict(
            modalities=domains,
            target='depth',
            file_domains=domains,
            modality_paths=paths,
            seg_fields=[],
        )
    )
    np.testing.assert_allclose(results['depth'], np.full(SIZE, 2.0), rtol=1e-6)
    assert (results['gt_valid'] == 0).sum() == 4
    assert not results['gt_valid'][:2, :2].any()
