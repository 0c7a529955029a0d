"""Laws of every transform that moves pixels, those of resizing and of geometry."""

import pickle

import numpy as np
import pytest
from mmcv.transforms import TestTimeAug as TimeAug  # not a test class
from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms.moving import by_channel, moved
from mmseg_cen.transforms.sampling import resize_nearest

H, W = 37, 53  # of the samples
LABEL_OFFSET = 1000
DEPTH_PAD = -7.0

MOVES = [
    dict(type='Resize', scale=(80, 61)),
    dict(type='Resize', scale=(40, 90), keep_ratio=True),
    dict(type='Resize', scale_factor=0.6),
    dict(type='RandomResize', scale=(W, H), ratio_range=(0.5, 2.0)),
    dict(type='RandomResize', scale=[(30, 20), (90, 80)], keep_ratio=True),
    dict(type='RandomResize', scale=(W, H), ratio_range=(0.5, 1.0), min_side=30),
    dict(type='RandomChoiceResize', scales=[(30, 30), (70, 60)]),
    dict(type='ResizeShortestEdge', scale=(25, 45), max_size=50),
    dict(type='ResizeToMultiple', size_divisor=16),
    dict(type='RandomFlip', prob=1.0, direction='horizontal'),
    dict(type='RandomFlip', prob=1.0, direction='vertical'),
    dict(type='RandomFlip', prob=0.9, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='RandomFlip', prob=1.0, direction='diagonal'),
    dict(type='RandomCrop', crop_size=(20, 30)),
    dict(type='RandomCrop', crop_size=(20, 30), cat_max_ratio=0.00167),
    dict(type='CenterCrop', crop_size=(30, 20)),
    dict(type='CenterCrop', crop_size=(60, 30), auto_pad=True),
    dict(type='Pad', size=(64, 48)),
    dict(type='Pad', size_divisor=32),
    dict(type='Pad', size=(64, 48), padding_mode='reflect'),
    dict(type='RandomRotate', prob=0.9, degree=40),
    dict(type='RandomRotate', prob=0.9, degree=(10, 20), auto_bound=True),
    dict(type='RandomRotate', prob=1.0, degree=30, center=(10.0, 12.0)),
    dict(type='RandomRotate', prob=0.0, degree=30),
    dict(
        type='RandomCutOut',
        prob=0.9,
        n_holes=(2, 5),
        cutout_shape=[(4, 5), (6, 3)],
        seg_fill_in=255,
    ),
    dict(type='RandomCutOut', prob=1.0, n_holes=2, cutout_ratio=(0.2, 0.1)),
]
of_every_move = pytest.mark.parametrize(
    'move', MOVES, ids=[f'{i}-{move["type"]}' for i, move in enumerate(MOVES)]
)


# Most that a nearest and a bilinear pixel are apart, in source pixels. OpenCV places
# rotated pixels in steps of 1/32.
TOLERANCE = 0.5 + 1 / 32


def assert_equal_results(got, expected):
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, np.ndarray):
            assert got[key].dtype == value.dtype, key
            np.testing.assert_array_equal(got[key], value, err_msg=key)
        else:
            assert got[key] == value, key


@of_every_move
def test_all_modalities_and_labels_are_moved_equally(move, build, coordinates):
    np.random.seed(0)
    before = coordinates()['gt_seg_map']
    results = build(move)(coordinates())
    label = results['gt_seg_map']
    inside = label != 255
    assert results['seg_fields'] == ['gt_seg_map']
    depth, flow, rgb, spectrum = (
        results[key] for key in ('depth', 'flow', 'img', 'spectrum')
    )
    shape = label.shape
    assert [a.shape for a in (depth, flow, rgb, spectrum)] == [
        shape, (*shape, 2), (*shape, 3), (*shape, 5)
    ]  # fmt: skip

    # Labels, and modalities that take the nearest value, hold original or padding
    # values only, and the same at the same pixel.
    assert np.isin(label[inside], before).all()
    if move.get('cutout_ratio') is not None:  # which leaves the labels alone
        inside = depth != DEPTH_PAD
        assert 0 < np.mean(~inside) < 0.2
        assert np.array_equal(label, before)
    np.testing.assert_array_equal(depth, np.where(inside, label, DEPTH_PAD))
    np.testing.assert_array_equal(
        spectrum,
        np.where(inside[..., None], label[..., None], 1) * np.arange(1, 6),
    )

    # Modalities that interpolate are there up to the pixel they interpolate over, but
    # for the padded border, into which they blend.
    place = label[inside] - LABEL_OFFSET
    off = flow[inside] - np.stack([place % W, place // W], axis=-1)
    assert (np.abs(off) <= TOLERANCE).all(axis=-1).mean() > 0.9
    off = rgb[inside].astype(float)[:, :2] - np.stack([place % W, place // W], axis=-1)
    assert (np.abs(off) <= TOLERANCE + 0.5).all(axis=-1).mean() > 0.9


@pytest.mark.parametrize('move', [m for m in MOVES if 'min_side' not in m])
def test_samples_without_modalities_are_treated_as_by_the_parent(move, build, plain):
    transform = build(move)
    replaced = next(
        base
        for base in type(transform).__mro__
        if not base.__module__.startswith('mmseg_cen.')
    )
    kwargs = {k: v for k, v in move.items() if k != 'type'}
    with DefaultScope.overwrite_default_scope('mmseg'):
        parent = replaced(**kwargs)
    np.random.seed(0)
    got = transform(plain())
    np.random.seed(0)
    assert_equal_results(got, parent(plain()))


@of_every_move
def test_one_modality_rgb_is_treated_as_a_plain_image(move, build, plain):
    np.random.seed(0)
    expected = build(move)(plain())
    np.random.seed(0)
    modalities = build_modalities(('rgb',))
    got = build(move)({**plain(), 'modalities': modalities})
    assert got.pop('modalities') == modalities
    if move.get('auto_bound'):  # with which the toolbox forgets the size
        expected['img_shape'] = expected['img'].shape[:2]
    if 'Resize' in move['type']:  # of which the toolbox shifts the labels
        size = expected['img_shape'][::-1]
        expected['gt_seg_map'] = resize_nearest(plain()['gt_seg_map'], size)
    assert_equal_results(got, expected)


@of_every_move
def test_the_draw_does_not_depend_on_the_modalities(move, build, coordinates):
    moved_samples = []
    for names in ('rgb',), ('depth', 'flow', 'spectrum', 'rgb'), ('depth', 'flow'):
        np.random.seed(5)
        moved_samples.append(build(move)(coordinates(names)))
    rgb, several, no_rgb = moved_samples
    for other in (several, no_rgb):
        np.testing.assert_array_equal(other['gt_seg_map'], rgb['gt_seg_map'])
    # Without rgb, the first modality is the image of the toolbox.
    np.testing.assert_array_equal(no_rgb['img'], several['depth'])
    np.testing.assert_array_equal(no_rgb['flow'], several['flow'])


def test_transforms_can_be_sent_to_another_process_after_use(build, coordinates):
    for move in MOVES:
        transform = build(move)
        np.random.seed(0)
        transform(coordinates())
        again = pickle.loads(pickle.dumps(transform))
        np.random.seed(1)
        expected = transform(coordinates())
        np.random.seed(1)
        assert_equal_results(again(coordinates()), expected)


@pytest.mark.parametrize(
    'move',
    [
        dict(type='RandomResize', scale=(60, 50), ratio_range=(1.0, 1.0)),
        dict(type='RandomChoiceResize', scales=[(60, 50)]),
        dict(type='ResizeShortestEdge', scale=50, max_size=90),
        dict(type='CenterCrop', crop_size=(60, 50), auto_pad=True),
    ],
)
def test_inner_transforms_are_multimodal_without_a_default_scope(
    move, coordinates, monkeypatch
):
    monkeypatch.setattr(DefaultScope, 'get_current_instance', lambda: None)
    results = TRANSFORMS.build(move)(coordinates())
    label = results['gt_seg_map']
    assert label.shape[0] == 50
    expected = np.where(label == 255, DEPTH_PAD, label)
    np.testing.assert_array_equal(results['depth'], expected)


def test_every_view_of_test_time_augmentation_moves_all_modalities(coordinates):
    with DefaultScope.overwrite_default_scope('mmseg'):
        augment = TimeAug(
            transforms=[
                [dict(type='Resize', scale_factor=s) for s in (0.5, 1.0, 1.5)],
                [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
                [dict(type='PackMultimodalInputs')],
            ]
        )
    views = augment(coordinates(('depth', 'flow')))
    assert len(views['inputs']) == 6
    for inputs, sample in zip(views['inputs'], views['data_samples'], strict=True):
        h, w = sample.img_shape
        assert inputs.shape == (3, h, w)
        depth, x, y = inputs.numpy()
        off_x = (depth - LABEL_OFFSET) % W - x
        off_y = (depth - LABEL_OFFSET) // W - y
        assert max(np.abs(off_x).max(), np.abs(off_y).max()) <= TOLERANCE
        assert (x[0, 0] > x[0, -1]) == sample.flip


def test_the_loop_gives_each_modality_its_options_and_all_the_same_draw(coordinates):
    sample = coordinates(('depth', 'rgb'))
    seen = moved(sample, lambda image, modality, draw: (image, modality, draw), draw=3)
    assert set(seen) == {'depth', 'img'}
    assert seen['img'][0] is sample['img']
    assert seen['img'][1:] == (sample['modalities']['rgb'], 3)
    assert seen['depth'][1:] == (sample['modalities']['depth'], 3)
    assert moved(dict(img=sample['img']), lambda *_: None) == {}


def test_each_channel_has_its_own_value_however_many_there_are():
    image = np.zeros((2, 3, 6), np.float32)
    filled = by_channel(lambda plane, value: plane + value, image, tuple(range(6)))
    np.testing.assert_array_equal(filled, np.broadcast_to(range(6), (2, 3, 6)))
    flat = by_channel(lambda plane, value: plane + value, image[..., 0], 7.0)
    np.testing.assert_array_equal(flat, np.full((2, 3), 7.0))


@pytest.mark.parametrize(
    'move',
    [
        dict(type='Resize', scale=(80, 61)),
        dict(type='RandomRotate', prob=1.0, degree=40),
        dict(type='Pad', size=(64, 48)),
        dict(type='CenterCrop', crop_size=(60, 30), auto_pad=True),
        dict(type='RandomCrop', crop_size=(20, 30), cat_max_ratio=0.9),
        dict(
            type='RandomCutOut',
            prob=1.0,
            n_holes=3,
            cutout_shape=(9, 9),
            seg_fill_in=255,
        ),
    ],
)
@pytest.mark.parametrize('ignore_index', [255, 65535, -1])
def test_pixels_from_outside_of_the_image_have_the_ignored_label(
    build, coordinates, move, ignore_index
):
    """Though transforms say 255, which is a class of many."""
    sample = coordinates(('rgb', 'depth')) | dict(ignore_index=ignore_index)
    sample['gt_seg_map'] = sample['gt_seg_map'].astype(np.int32)
    stored = sample['gt_seg_map'].copy()
    found = build(move)(sample)['gt_seg_map']
    new = np.setdiff1d(found, stored).tolist()
    assert new == ([] if move['type'] in ('Resize', 'RandomCrop') else [ignore_index])
    assert found.dtype == np.int32


def test_a_modality_that_was_not_loaded_is_named(build, coordinates):
    sample = coordinates(('rgb', 'depth'))
    del sample['depth']
    for transform in (
        dict(type='RandomFlip', prob=1.0, direction='horizontal'),
        dict(type='PackMultimodalInputs'),
    ):
        with pytest.raises(ValueError, match=r"no \['depth'\] .*LoadModalities"):
            build(transform)(sample)
