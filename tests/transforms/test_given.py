"""Samples that are given as files or arrays."""

import cv2
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import LoadGivenModalities

RNG = np.random.default_rng(0)
SIZE = (6, 8)
RGB = RNG.integers(0, 256, (*SIZE, 3), np.uint8)  # blue first
DEPTH = RNG.integers(800, 4000, SIZE).astype(np.uint16)


def modalities(**depth):
    return build_modalities(
        dict(rgb={}, depth=dict(dtype='uint16', scale=0.001, fill='nearest') | depth)
    )


def load(sample, optional=(), **depth):
    return LoadGivenModalities(modalities(**depth), optional)(dict(img_path=sample))


@pytest.fixture
def files(tmp_path):
    for name, image in (('rgb', RGB), ('depth', DEPTH)):
        assert cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    return {name: str(tmp_path / f'{name}.png') for name in ('rgb', 'depth')}


def test_files_arrays_and_tensors_are_loaded_alike(files):
    arrays = dict(rgb=RGB, depth=DEPTH)
    tensors = dict(
        rgb=torch.from_numpy(RGB).permute(2, 0, 1), depth=torch.from_numpy(DEPTH)[None]
    )
    for sample in (files, arrays, tensors):
        loaded = load(sample)
        assert_array_equal(loaded['img'], RGB)
        np.testing.assert_allclose(loaded['depth'], DEPTH * 0.001, rtol=1e-6)
    assert load(files)['img_path'] == files['rgb']
    assert load(arrays)['img_path'] is None


def test_the_byte_order_of_an_array_is_no_part_of_its_type():
    loaded = load(dict(rgb=RGB, depth=DEPTH.astype('>u2')))
    np.testing.assert_allclose(loaded['depth'], DEPTH * 0.001, rtol=1e-6)


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'float32'])
def test_arrays_of_three_channels_are_those_of_their_file(dtype, tmp_path):
    """Pictures, of 8 bits, are blue first in memory; all else is as in the file."""
    array = RGB.astype(dtype)
    np.save(tmp_path / 'normal.npy', array)
    loader = LoadGivenModalities(
        build_modalities(dict(rgb={}, normal=dict(channels=3)))
    )
    from_file, from_memory = (
        loader(dict(img_path=dict(rgb=RGB, normal=normal)))['normal']
        for normal in (
            str(tmp_path / 'normal.npy'),
            array[..., ::-1] if dtype == 'uint8' else array,
        )
    )
    assert_array_equal(from_file, from_memory)


def test_floats_of_any_width_are_taken_where_floats_are_described():
    options = dict(dtype='float32', scale=None)
    loaded = load(dict(rgb=RGB, depth=DEPTH / 1000), **options)
    assert loaded['depth'].dtype == np.float32


@pytest.mark.parametrize(
    ('sample', 'message'),
    [
        ('room.png', r"got 'room.png': write dict\(rgb=…, depth=…\)"),
        (None, 'got one array: write'),
        (dict(rgb=RGB), r"got none of \['depth'\]"),
        (dict(rgb=RGB, dpth=DEPTH), r"got \['dpth'\]"),
        (
            dict(rgb=RGB, depth=DEPTH.astype(np.float32)),
            'got float32: .*--depth-unit 1',
        ),
        (dict(rgb=RGB / 255, depth=DEPTH), 'rgb: an array must hold uint8, .* float64'),
        (dict(rgb=RGB, depth=DEPTH[:3, :4]), 'got 4x3 .*, add --resize-depth'),
        (dict(rgb=RGB, depth=DEPTH.T), 'got 6x8 .*: one of them is turned: turn it'),
        (dict(rgb=RGB, depth=RGB), r'must have 1 channel\(s\), got 3'),
        (dict(rgb=RGB, depth=3), 'must be a path, an array or a tensor, got int'),
    ],
)
def test_other_samples_are_refused_with_the_remedy(sample, message):
    with pytest.raises(ValueError, match=message):
        load(sample)


def test_depth_of_another_size_is_resized_nearest_if_that_is_asked():
    loaded = load(dict(rgb=RGB, depth=DEPTH[::2, ::2]), resize=True)
    expected = DEPTH[::2, ::2].repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(loaded['depth'], expected * 0.001, rtol=1e-6)


def test_an_optional_modality_may_be_absent_but_not_all():
    loaded = load(dict(rgb=RGB, depth=None), optional=('depth',))
    assert loaded['absent'] == ('depth',)
    assert loaded['depth'].shape == SIZE
    with pytest.raises(ValueError, match='one modality at least'):
        load({}, optional=('rgb', 'depth'))


def test_depth_in_another_unit_is_said(warned):
    load(dict(rgb=RGB, depth=DEPTH))
    assert not warned
    load(dict(rgb=RGB, depth=DEPTH * 10))
    assert 'by its unit of 0.001 m' in warned[0]
