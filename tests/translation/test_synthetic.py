import pickle

import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from mmseg_cen.rooms import furnish, render, render_view
from mmseg_cen.translation.depth_maps import normals_from_depth, shade_normals
from mmseg_cen.translation.synthetic import DOMAINS, room_camera

LOAD = dict(type='LoadSyntheticDomains')
PACK = dict(type='PackTranslationInputs')
SIZE = (48, 64)


def build(pipeline=(LOAD,), sources=('shade', 'texture'), target='rgb', **kwargs):
    # Serializing collects garbage, which takes longer than to render.
    options = dict(num_samples=4, image_size=SIZE, serialize_data=False) | kwargs
    return DATASETS.build(
        dict(
            type='SyntheticTranslationDataset',
            pipeline=list(pipeline),
            sources=sources,
            target=target,
            **options,
        )
    )


def everything(index=0, image_size=SIZE, **load):
    names = [name for name in DOMAINS if name != 'rgb']
    return build([LOAD | load], names, image_size=image_size)[index]


@pytest.mark.parametrize('index', [0, 3])
def test_image_and_depth_are_those_of_the_segmentation_data(index):
    sample = everything(index)
    rgb, depth, _ = render(furnish(np.random.default_rng([0, index])), *SIZE)
    np.testing.assert_array_equal(sample['img'][..., ::-1], rgb)
    np.testing.assert_array_equal(sample['depth'], depth)


@pytest.mark.parametrize('index', [0, 3])
def test_normals_are_those_of_the_depth(index):
    """The exact ones of the ray caster, and those of the finite differences."""
    sample = everything(index, image_size=(96, 128))
    got = normals_from_depth(sample['depth'], room_camera(96, 128))
    cosine = (got * sample['normal']).sum(-1)
    assert np.quantile(cosine, 0.1) > np.cos(np.radians(2))
    np.testing.assert_allclose(np.linalg.norm(sample['normal'], axis=-1), 1, atol=1e-5)


def test_shade_is_that_of_a_lamp_at_the_camera():
    sample = everything()
    expected = shade_normals(sample['normal'], room_camera(*SIZE))
    np.testing.assert_array_equal(sample['shade'], expected)
    assert sample['shade'].min() > -1e-6
    assert sample['shade'].std() > 0.05


def test_painted_things_are_seen_in_the_texture_only():
    """Of two rooms that differ in solidity alone, it alone is the same."""
    painted, solid = everything(), everything(painted=False)
    for name in ('img', 'texture', 'albedo'):
        np.testing.assert_array_equal(painted[name], solid[name])
    for name in ('depth', 'normal', 'shade', 'edge'):
        assert (painted[name] != solid[name]).mean() > 0.01, name


def test_edges_of_the_albedo_do_not_see_the_light():
    """Two walls of one color have an edge in the image, by their shade."""
    sample, albedo = everything(), everything(texture_of='albedo')
    assert (albedo['texture'] < sample['texture'] - 0.005).mean() > 0.01
    view = render_view(furnish(np.random.default_rng([0, 0])), *SIZE)
    np.testing.assert_array_equal(sample['albedo'], view.albedo)
    # Light takes away from a color.
    assert (sample['img'][..., ::-1] / 255 <= view.albedo + 0.01).all()


def test_noise_is_that_of_the_depth_only():
    exact, noisy = everything(), everything(noise=1.0)
    assert 1e-3 < np.abs(exact['depth'] - noisy['depth']).mean() < 0.1
    for name in ('edge', 'normal', 'shade'):
        np.testing.assert_array_equal(exact[name], noisy[name])


@pytest.mark.parametrize('cache', [True, False])
def test_samples_depend_on_seed_and_index_only(cache):
    pipeline = [LOAD | dict(cache=cache), PACK]
    forwards, backwards = build(pipeline), build(pipeline, num_samples=9)
    first = [forwards[index] for index in range(4)]
    for index in (3, 2, 1, 0, 3):
        for dataset in (forwards, backwards):
            sample = dataset[index]
            assert torch.equal(sample['inputs'], first[index]['inputs'])
            target = first[index]['data_samples'].gt_image.data
            assert torch.equal(sample['data_samples'].gt_image.data, target)
    other = build(pipeline, seed=1)[0]
    assert not torch.equal(other['inputs'], first[0]['inputs'])


def test_a_transform_that_writes_into_a_sample_leaves_the_next_epoch_alone():
    dataset = build()
    sample = dataset[0]
    before = {key: sample[key].copy() for key in ('img', 'shade', 'texture')}
    for key in before:
        sample[key][:] = 0
    for key, expected in before.items():
        np.testing.assert_array_equal(dataset[0][key], expected)


def test_any_sources_give_any_target():
    for target, (name, options) in zip(
        ('normal', 'depth', 'rgb', 'shade', 'rgb', 'rgb', 'rgb'),
        DOMAINS.items(),
        strict=True,
    ):
        sample = build([LOAD, PACK], (name,), target)[0]
        channels = options.get('channels', 3 if name == 'rgb' else 1)
        assert sample['inputs'].shape == (channels, *SIZE)
        assert sample['inputs'].abs().max() <= 1
        assert sample['inputs'].std() > 0.1
        assert 'gt_valid' not in sample['data_samples']


def test_samples_pass_through_the_geometry():
    pipeline = [
        LOAD,
        dict(type='Resize', scale=(70, 54)),
        dict(type='RandomCrop', crop_size=(48, 48)),
        dict(type='RandomFlip', prob=0.5),
        PACK,
    ]
    packed = build(pipeline, ('depth', 'normal'))[2]
    assert packed['inputs'].shape == (4, 48, 48)
    assert packed['data_samples'].gt_image.data.shape == (3, 48, 48)


def test_ranges_can_be_replaced():
    near = dict(depth=dict(range=(0, 3)))
    wide = build([LOAD, PACK], ('depth',))[0]['inputs']
    inputs = build([LOAD, PACK], ('depth',), domains=near)[0]['inputs']
    meters = 1 + (wide + 1) * 2.5
    np.testing.assert_allclose(inputs, (meters / 1.5 - 1).clamp(-1, 1), atol=1e-5)


def test_dataset_survives_pickling_to_a_worker():
    dataset = build([LOAD, PACK], serialize_data=True)
    expected = dataset[0]['inputs']
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[0]['inputs'], expected)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_samples=0), 'num_samples'),
        (dict(seed=-1), 'seed'),
        (dict(image_size=(64,)), 'image_size'),
        (dict(image_size=(1, 64)), 'image_size'),
        (dict(sources=('heat',)), 'heat'),
        (dict(sources=('rgb',)), 'must not be a source'),
        (dict(domains=dict(heat={})), 'heat'),
        (dict(pipeline=[LOAD | dict(noise=-1)]), 'noise'),
        (dict(pipeline=[LOAD | dict(blur=-1)]), 'blur'),
        (dict(pipeline=[LOAD | dict(texture_of='depth')]), 'texture_of'),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_directions_that_a_flip_would_not_turn_are_warned_of(warned):
    """Vectors turn with the image, other domains of three channels do not."""
    for options, said in (({}, 0), (dict(vectors=False, range=(-1.0, 1.0)), 1)):
        DATASETS.build(
            dict(
                type='SyntheticTranslationDataset',
                sources=('rgb',),
                target='normal',
                num_samples=1,
                domains=dict(normal=options),
                pipeline=[dict(type='RandomFlip', prob=0.5)],
                serialize_data=False,
            )
        )
        assert len(warned) == said
    assert "'normal' has directions" in warned[0]
    assert 'set vectors=True' in warned[0]
