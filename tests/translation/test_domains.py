from dataclasses import asdict

import numpy as np
import pytest

from mmseg_cen.translation import build_domains
from mmseg_cen.translation.domains import select_domains, unit_vectors
from mmseg_cen.translation.taskonomy import DOMAINS

RNG = np.random.default_rng(0)
NORMAL = dict(channels=3, dtype='uint8', scale=2 / 255, offset=-1.0, vectors=True)


def domain(name='x', **options):
    return build_domains({name: options})[name]


def normals(*shape):
    return unit_vectors(RNG.normal(size=(*shape, 3))).astype(np.float32)


def test_encoding_is_linear_in_the_range_and_clipped_beyond():
    depth = domain(range=(2, 10))
    image = np.array([[0, 2, 4, 6, 10, 99]], np.float32)
    np.testing.assert_allclose(depth.encode(image), [[-1, -1, -0.5, 0, 1, 1]])
    np.testing.assert_allclose(
        depth.decode(depth.encode(image)), [[2, 2, 4, 6, 10, 10]], rtol=1e-6
    )


def test_taskonomy_depth_is_encoded_as_in_the_released_code():
    """There, log(1 + stored) / 11.1 in [0, 1]."""
    depth = build_domains(DOMAINS)['depth_euclidean']
    stored = np.array([[0, 1, 512, 5120, 65534]], np.uint16)
    image, valid = depth.read(stored)
    assert valid.all()
    np.testing.assert_allclose(image, stored / 512, rtol=1e-6)
    expected = 2 * np.log(1 + stored.astype(float)) / 11.1 - 1
    np.testing.assert_allclose(depth.encode(image), expected, atol=1e-6)
    np.testing.assert_allclose(
        depth.decode(depth.encode(image)), image, rtol=2e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    'options',
    [
        dict(dtype='uint16', scale=1 / 512, range=(0, 128), nodata=65535),
        dict(dtype='uint8', scale=1 / 255),
        dict(channels=2, dtype='uint8', scale=1 / 127, offset=-1.0),
        dict(channels=3, dtype='uint8'),
    ],
)
def test_stored_values_survive_the_round_trip(options):
    form = domain(**options)
    high = np.iinfo(options['dtype']).max
    shape = (20, 30, form.channels) if form.channels > 1 else (20, 30)
    stored = RNG.integers(0, high, shape, options['dtype'])
    image, valid = form.read(stored)
    assert valid.all()
    assert image.dtype == np.float32
    np.testing.assert_array_equal(form.store(image), stored)
    back = form.store(form.decode(form.encode(image)))
    np.testing.assert_allclose(back, stored, atol=1)


def test_no_data_is_invalid_filled_and_stored_as_such():
    depth = domain(dtype='uint16', scale=0.5, nodata=(65535, 0), range=(0, 10))
    stored = np.array([[4, 65535, 8], [0, 6, 6]], np.uint16)
    image, valid = depth.read(stored)
    np.testing.assert_array_equal(valid, [[True, False, True], [False, True, True]])
    assert image[0, 1] in (2, 4, 3)
    assert image[1, 0] in (2, 3)
    np.testing.assert_array_equal(
        depth.store(image, valid), [[4, 65535, 8], [65535, 6, 6]]
    )


def test_nan_is_invalid():
    image, valid = domain(range=(0, 1), fill=0.25).read(np.array([[0.5, np.nan]]))
    np.testing.assert_array_equal(image, np.float32([[0.5, 0.25]]))
    np.testing.assert_array_equal(valid, [[True, False]])


def test_gray_stands_for_no_normal():
    stored = np.full((1, 3, 3), 128, np.uint8)
    stored[0, 1] = [128, 255, 128]
    image, valid = domain(**NORMAL).read(stored)
    np.testing.assert_array_equal(valid, [[False, True, False]])
    np.testing.assert_allclose(image, np.tile([0.0, 1, 0], (1, 3, 1)), atol=0.01)


def test_normals_have_length_one_in_every_form():
    vectors = domain(**NORMAL)
    image = normals(30, 40)
    read, _ = vectors.read(vectors.store(image))
    np.testing.assert_allclose(read, image, atol=0.01)
    shorter = 0.4 * image
    encoded = vectors.encode(shorter)
    for form in (read, encoded, vectors.decode(encoded)):
        np.testing.assert_allclose(np.linalg.norm(form, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(encoded, image, atol=1e-6)


def test_only_vectors_are_reoriented():
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])  # clockwise, as y points down
    image = normals(4, 5)
    same = domain(channels=3, dtype='uint8').reorient(image, quarter)
    np.testing.assert_array_equal(same, image)
    turned = domain(**NORMAL).reorient(image, quarter)
    # What pointed to the right now points down, what pointed up to the right.
    x, y, z = np.moveaxis(image, -1, 0)
    np.testing.assert_allclose(turned, np.stack([y, -x, z], -1), atol=1e-6)


def test_domains_survive_as_plain_dicts():
    domains = build_domains(DOMAINS)
    plain = {name: asdict(domain) for name, domain in domains.items()}
    assert build_domains(plain) == domains


@pytest.mark.parametrize(
    'options', [dict(scale=1 / 255), dict(offset=-1.0), dict(derive='normal')]
)
def test_images_stay_as_they_are_stored(options):
    with pytest.raises(ValueError, match="domain 'rgb' must have no `scale`"):
        build_domains(dict(rgb=options))
    assert build_domains(dict(rgb=dict(scale=1)))['rgb'].range == (0, 255)


def test_derived_domains_need_no_other_option():
    domains = build_domains({n: dict(derive=n) for n in ('normal', 'shade', 'edge')})
    assert domains['normal'].vectors
    assert domains['shade'].range == (0, 1)
    assert all(d.interpolation == 'bilinear' for d in domains.values())


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(), 'range'),
        (dict(dtype='uint16'), 'range'),
        (dict(range=(1, 1)), 'range'),
        (dict(range=(0, 1, 2)), 'range'),
        (dict(range=(0, np.inf)), r'two finite ones'),
        (dict(range=(-1, 1), log_unit=1), 'log_unit'),
        (dict(range=(0, 1), log_unit=0), 'log_unit'),
        (dict(range=(0, 1), fill=None), 'fill'),
        (dict(range=(0, 1), channels=3, stored_channels=2), 'stored_channels'),
        (dict(vectors=True), 'must have 3 channels'),
        (dict(derive='color'), 'derive'),
        (dict(range=(0, 1), color=3), 'color'),
        (dict(range=(0, 1), dtype='uint5'), 'uint5'),
        (dict(range=(0, 1), dtype='uint16', nodata=-1), r'`nodata` must .*0\.\.65535'),
        (dict(dtype='uint8', nodata=(0, 65535)), '`nodata` must be values that uint8'),
        (dict(range=(0, 1), nodata='0..9'), '`nodata` must be one or several numbers'),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        domain(**options)


@pytest.mark.parametrize(
    ('sources', 'target', 'message'),
    [
        (('a', 'b'), 'a', 'must not be a source'),
        (('a', 'a'), 'b', 'must differ'),
        (('a', 'q'), 'b', r"must be some of .* got \['q'\]"),
        (('a',), 'q', r"must be some of .* got \['q'\]"),
        ('ab', 'c', 'list of one or more'),
        ((), 'a', 'list of one or more'),
    ],
)
def test_sources_and_target_must_be_known_and_distinct(sources, target, message):
    with pytest.raises(ValueError, match=message):
        select_domains('abc', sources, target)


def test_the_order_is_that_of_the_streams_and_the_target_last():
    assert select_domains('abc', ['c', 'a'], 'b') == ('c', 'a', 'b')
