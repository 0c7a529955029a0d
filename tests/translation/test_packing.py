import copy

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import TRANSFORMS

from mmseg_cen.translation import DeriveDomains, PackTranslationInputs, build_domains
from mmseg_cen.translation.loading import set_domains

RNG = np.random.default_rng(0)
SIZE = (48, 64)
DOMAINS = build_domains(
    dict(
        depth=dict(range=(0, 10)),
        normal=dict(derive='normal'),
        rgb={},
        shade=dict(derive='shade'),
    )
)


def scene():
    """A smooth depth, and what follows from it, with a hole in the target."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    depth = 3 + 0.8 * np.sin(x / 9) * np.cos(y / 11 + 1) + 0.01 * x
    images = dict(depth=depth.astype(np.float32))
    images['rgb'] = RNG.integers(0, 256, (*SIZE, 3), np.uint8)
    camera = dict(fx=60, fy=60, cx=31.5, cy=23.5, width=64, height=48)
    results = dict(
        modalities=DOMAINS,
        sources=('depth', 'normal', 'rgb'),
        target='shade',
        seg_fields=[],
        img_path='a.png',
        helpers=images,
    )
    valid = np.ones(SIZE, bool)
    valid[10:14, 20:30] = False
    set_domains(results, images, valid)
    return DeriveDomains(camera)(results)


def apply(results, type, **kwargs):
    return TRANSFORMS.build(dict(type=type, **kwargs))(copy.deepcopy(results))


def derive_again(results):
    """Normals and shade from the depth that has been moved."""
    height, width = results['depth'].shape
    camera = dict(
        fx=60, fy=60, cx=(width - 1) / 2, cy=(height - 1) / 2, width=width,
        height=height,
    )  # fmt: skip
    again = copy.deepcopy(results) | dict(helpers=dict(depth=results['depth']))
    return DeriveDomains(camera)(again)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_flipped_normals_are_those_of_the_flipped_depth(direction):
    """Moving the pixels alone would leave the walls to the left facing left."""
    flipped = apply(scene(), 'RandomFlip', prob=1.0, direction=direction)
    expected = derive_again(flipped)
    np.testing.assert_allclose(flipped['normal'], expected['normal'], atol=1e-4)
    np.testing.assert_allclose(flipped['shade'], expected['shade'], atol=1e-4)
    moved_only = scene()['normal'][:, ::-1] if direction == 'horizontal' else None
    if moved_only is not None:
        assert np.abs(moved_only - expected['normal']).max() > 0.5


def test_rotated_normals_are_those_of_the_rotated_depth():
    results = scene()
    for key in ('img', 'depth', 'normal', 'shade', 'gt_valid'):
        results[key] = results[key][:, 8:56].copy()
    turned = apply(results, 'RandomRotate', prob=1.0, degree=(90, 90))
    expected = derive_again(turned)
    inside = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(
        turned['normal'][inside], expected['normal'][inside], atol=0.02
    )


@pytest.mark.parametrize(
    ('type', 'options'),
    [
        ('Resize', dict(scale=(32, 24))),
        ('RandomCrop', dict(crop_size=(16, 16))),
        ('CenterCrop', dict(crop_size=(16, 16))),
        ('RandomFlip', dict(prob=1.0)),
    ],
)
@pytest.mark.parametrize('missing', ['normal', 'img'])
def test_domains_are_derived_before_any_is_moved(type, options, missing):
    """Those of a sample that has been moved would be of the one that has not."""
    results = scene()
    del results[missing]
    with pytest.raises(ValueError, match='DeriveDomains right behind'):
        apply(results, type, **options)


def test_normals_alone_are_flipped_as_the_first_of_the_domains():
    results = scene()
    normal = results['normal']
    alone = dict(
        modalities=dict(normal=DOMAINS['normal']), img=normal.copy(), seg_fields=[]
    )
    flipped = apply(alone, 'RandomFlip', prob=1.0)
    np.testing.assert_array_equal(flipped['img'], normal[:, ::-1] * [-1, 1, 1])


def test_one_draw_moves_all_domains_and_the_mask():
    """Every domain is a copy of one pattern, and stays it."""
    pattern = cv2.GaussianBlur(RNG.random(SIZE).astype(np.float32), (0, 0), 3)
    domains = build_domains({n: dict(range=(0, 1)) for n in ('a', 'b', 'c')})
    results = dict(
        modalities=domains, sources=('a', 'b'), target='c', seg_fields=[], img_path=''
    )
    set_domains(results, {n: pattern.copy() for n in domains}, pattern > 0.5)
    for step in (
        dict(type='Resize', scale=(86, 72)),
        dict(type='RandomCrop', crop_size=(40, 40)),
        dict(type='RandomFlip', prob=0.5),
    ):
        results = apply(results, **step)
    packed = PackTranslationInputs()(results)
    inputs, sample = packed['inputs'], packed['data_samples']
    assert inputs.shape == (2, 40, 40)
    assert torch.equal(inputs[0], inputs[1])
    assert torch.equal(inputs[:1], sample.gt_image.data)
    agree = sample.gt_valid.data == (sample.gt_image.data > 0)
    assert agree.float().mean() == 1


def test_interpolated_normals_are_packed_with_length_one():
    resized = apply(scene(), 'Resize', scale=(86, 72))
    inputs = PackTranslationInputs()(resized)['inputs']
    np.testing.assert_allclose(inputs[1:4].norm(dim=0), 1, atol=1e-5)


def test_what_is_padded_is_unknown():
    padded = apply(scene(), 'Pad', size=(80, 60))
    sample = PackTranslationInputs()(padded)['data_samples']
    expected = np.zeros((60, 80), bool)
    expected[:48, :64] = True
    expected[10:14, 20:30] = False
    np.testing.assert_array_equal(sample.gt_valid.data[0], expected)


def test_a_center_crop_takes_the_mask_along():
    cropped = apply(scene(), 'CenterCrop', crop_size=(40, 30))
    sample = PackTranslationInputs()(cropped)['data_samples']
    whole = PackTranslationInputs()(scene())['data_samples']
    for name in ('gt_image', 'gt_valid'):
        expected = getattr(whole, name).data[:, 9:39, 12:52]
        assert torch.equal(getattr(sample, name).data, expected)


def test_a_sample_knows_its_sources_and_where_it_is_from():
    meta = PackTranslationInputs()(scene())['data_samples'].metainfo
    assert meta['sources'] == dict(depth=1, normal=3, rgb=3)
    assert list(meta['sources']) == ['depth', 'normal', 'rgb']
    assert (meta['target'], meta['img_path']) == ('shade', 'a.png')
    assert meta['ori_shape'] == SIZE


def test_domains_of_different_size_are_an_error():
    with pytest.raises(ValueError, match=r"'depth': \(2, 6\).* move all"):
        PackTranslationInputs()(scene() | dict(depth=np.zeros((2, 6))))


@pytest.mark.parametrize('packer', ['PackTranslationInputs', 'PackCyclicInputs'])
def test_marks_that_no_translation_carries_out_are_refused(packer):
    damaged = apply(scene(), 'CorruptModalities', how='zero', modalities=['depth'])
    dropped = scene() | dict(absent=('depth',))
    for results in (damaged, dropped):
        with pytest.raises(ValueError, match='must have no marks, got'):
            apply(results, packer)
    assert len(apply(scene() | dict(absent=()), packer)['inputs'])


@pytest.mark.parametrize(('key', 'name'), [('shade', 'shade'), ('gt_valid', 'depth')])
def test_a_domain_that_is_not_loaded_as_one_is_an_error(key, name):
    results = scene()
    del results[key]
    with pytest.raises(ValueError, match=f"'{name}' must be loaded"):
        PackTranslationInputs()(results)
