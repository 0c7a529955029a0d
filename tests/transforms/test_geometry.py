import pickle

import numpy as np
import pytest
from mmcv.transforms import TestTimeAug as TimeAug  # not a test class
from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import geometry

H, W = 37, 53
LABEL_OFFSET = 1000  # keeps the values of labels apart from their padding value 255
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
    dict(type='RandomFlip', prob=0.9, direction=['horizontal', 'vertical', 'diagonal']),
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
    dict(
        type='RandomCutOut',
        prob=0.9,
        n_holes=(2, 5),
        cutout_shape=[(4, 5), (6, 3)],
        seg_fill_in=255,
    ),
]
NAMES = [f'{i}-{move["type"]}' for i, move in enumerate(MOVES)]


def build(config):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return TRANSFORMS.build(config)


def plain(shape=(H, W)):
    """A sample of the toolbox: random image and labels."""
    rng = np.random.default_rng(0)
    return dict(
        img=rng.integers(0, 256, (*shape, 3), np.uint8),
        gt_seg_map=rng.integers(0, 9, shape, np.uint8),
        seg_fields=['gt_seg_map'],
        img_shape=shape,
        ori_shape=shape,
    )


def coordinates(names=('rgb', 'depth', 'flow', 'spectrum')):
    """A sample every pixel of which tells its place.

    - labels and depth (nearest): y * W + x, offset
    - flow (bilinear): x, y
    - rgb (bilinear): x, y, 0, as uint8
    - spectrum (nearest, five channels): the depth, times 1 to 5
    """
    options = dict(
        rgb={},
        depth=dict(pad_value=DEPTH_PAD),
        flow=dict(channels=2, interpolation='bilinear', pad_value=[-1, -2]),
        spectrum=dict(channels=5, pad_value=[1, 2, 3, 4, 5]),
    )
    y, x = np.indices((H, W), dtype=np.float32)
    place = y * W + x + LABEL_OFFSET
    arrays = dict(
        rgb=np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8),
        depth=place.copy(),
        flow=np.stack([x, y], axis=-1),
        spectrum=place[..., None] * np.arange(1, 6, dtype=np.float32),
    )
    main = 'rgb' if 'rgb' in names else names[0]
    return dict(
        modalities=build_modalities({name: options[name] for name in names}),
        gt_seg_map=place,
        seg_fields=['gt_seg_map'],
        img_shape=(H, W),
        ori_shape=(H, W),
        **{'img' if name == main else name: arrays[name] for name in names},
    )


def tolerance(shape):
    """Most that a nearest and a bilinear pixel can be apart, in source pixels."""
    scale = max(1, H / shape[0], W / shape[1])
    return (1 + scale) / 2 + 0.01


def assert_equal_results(got, expected):
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        if isinstance(value, np.ndarray):
            assert got[key].dtype == value.dtype, key
            np.testing.assert_array_equal(got[key], value, err_msg=key)
        else:
            assert got[key] == value, key


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_all_modalities_and_labels_are_moved_equally(move, seed):
    np.random.seed(seed)
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

    # Those that take the nearest value are where the labels are, to the pixel.
    np.testing.assert_array_equal(depth, np.where(inside, label, DEPTH_PAD))
    np.testing.assert_array_equal(
        spectrum,
        np.where(inside[..., None], label[..., None], 1) * np.arange(1, 6),
    )

    # Those that interpolate are there up to the pixel they interpolate over, but for
    # the padded border, into which they blend.
    place = label[inside] - LABEL_OFFSET
    off = flow[inside] - np.stack([place % W, place // W], axis=-1)
    assert (np.abs(off) <= tolerance(shape)).all(axis=-1).mean() > 0.9
    off = rgb[inside].astype(float)[:, :2] - np.stack([place % W, place // W], axis=-1)
    assert (np.abs(off) <= tolerance(shape) + 0.5).all(axis=-1).mean() > 0.9


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_nearest_modalities_hold_original_or_padding_values_only(move, seed):
    np.random.seed(seed)
    before = coordinates()
    after = build(move)({**before, 'depth': before['depth'].copy()})
    assert np.isin(after['depth'], [*before['depth'].flat, DEPTH_PAD]).all()


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('move', [m for m in MOVES if 'min_side' not in m])
def test_samples_without_modalities_are_treated_as_by_the_parent(move, seed):
    transform = build(move)
    parent_class = type(transform)
    while parent_class.__module__ == geometry.__name__:
        parent_class = parent_class.__base__
    kwargs = {k: v for k, v in move.items() if k != 'type'}
    with DefaultScope.overwrite_default_scope('mmseg'):
        parent = parent_class(**kwargs)
    np.random.seed(seed)
    got = transform(plain())
    np.random.seed(seed)
    expected = parent(plain())
    assert_equal_results(got, expected)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_one_modality_rgb_is_treated_as_a_plain_image(move, seed):
    np.random.seed(seed)
    expected = build(move)(plain())
    np.random.seed(seed)
    modalities = build_modalities(dict(rgb={}))
    got = build(move)({**plain(), 'modalities': modalities})
    assert got.pop('modalities') == modalities
    assert_equal_results(got, expected)


@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_the_draw_does_not_depend_on_the_modalities(move):
    labels = []
    for names in (('rgb',), ('depth', 'rgb'), ('depth', 'flow', 'spectrum', 'rgb')):
        np.random.seed(5)
        labels.append(build(move)(coordinates(names))['gt_seg_map'])
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[0], labels[2])


@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_the_first_modality_is_the_image_where_there_is_no_rgb(move):
    np.random.seed(1)
    results = build(move)(coordinates(('depth', 'flow')))
    label = results['gt_seg_map']
    expected = np.where(label == 255, DEPTH_PAD, label)
    np.testing.assert_array_equal(results['img'], expected)
    assert results['flow'].shape[:2] == label.shape


@pytest.mark.parametrize('kind', ['Pad', 'RandomRotate'])
def test_every_channel_is_padded_with_its_own_value(kind):
    move = dict(type='Pad', size=(60, 60))
    if kind == 'RandomRotate':
        move = dict(type='RandomRotate', prob=1.0, degree=(44, 45), auto_bound=True)
    results = build(move)(coordinates())
    for corner in ('depth', DEPTH_PAD), ('flow', [-1, -2]), ('spectrum', range(1, 6)):
        key, value = corner
        np.testing.assert_array_equal(results[key][-1, -1], list(np.atleast_1d(value)))


def test_interpolation_is_that_of_the_modality():
    sample = coordinates(('rgb', 'flow'))
    sample['flow'] = (sample['flow'] % 2).astype(np.float32)
    options = dict(channels=2, interpolation='nearest')
    nearest = build_modalities(dict(rgb={}, flow=options))
    resize = build(dict(type='Resize', scale=(77, 70)))
    assert len(np.unique(resize(dict(sample))['flow'])) > 2
    assert len(np.unique(resize({**sample, 'modalities': nearest})['flow'])) == 2


@pytest.mark.parametrize('keep_ratio', [False, True])
@pytest.mark.parametrize(
    ('size', 'limit'), [((480, 640), 320), ((123, 77), 50), ((39, 52), 31)]
)
def test_min_side_is_a_lower_limit_of_the_shorter_side(keep_ratio, size, limit):
    h, w = size
    move = dict(
        type='RandomResize', scale=(w, h), ratio_range=(0.3, 3), keep_ratio=keep_ratio
    )
    limited, free = build({**move, 'min_side': limit}), build(move)
    seen = set()
    for seed in range(20):
        shapes = []
        for transform in (free, limited):
            np.random.seed(seed)
            shapes.append(transform(plain(size))['img_shape'])
        below = min(shapes[0]) < limit
        seen.add(below)
        if below:
            assert min(shapes[1]) == limit
            ratio = shapes[1][0] / shapes[1][1]  # of sides rounded to whole pixels
            np.testing.assert_allclose(ratio, h / w, rtol=2 / min(shapes[0]))
        else:
            assert shapes[0] == shapes[1]
    assert seen == {True, False}


@pytest.mark.parametrize(
    'move',
    [
        dict(type='RandomResize', scale=(60, 50), ratio_range=(1.0, 1.0)),
        dict(type='RandomChoiceResize', scales=[(60, 50)]),
        dict(type='ResizeShortestEdge', scale=50, max_size=90),
        dict(type='CenterCrop', crop_size=(60, 50), auto_pad=True),
    ],
)
def test_inner_transforms_are_multimodal_without_a_default_scope(move, monkeypatch):
    monkeypatch.setattr(DefaultScope, 'get_current_instance', lambda: None)
    results = TRANSFORMS.build(move)(coordinates())
    label = results['gt_seg_map']
    assert label.shape[0] == 50
    expected = np.where(label == 255, DEPTH_PAD, label)
    np.testing.assert_array_equal(results['depth'], expected)


def test_photometric_distortion_touches_rgb_only():
    np.random.seed(0)
    before = coordinates()
    arrays = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}
    after = build(dict(type='PhotoMetricDistortion'))(before)
    assert not np.array_equal(after['img'], arrays['img'])
    for key in ('depth', 'flow', 'spectrum', 'gt_seg_map'):
        np.testing.assert_array_equal(after[key], arrays[key])


def test_photometric_distortion_without_rgb_is_an_error():
    with pytest.raises(ValueError, match=r"for the modality 'rgb', got \['depth'"):
        build(dict(type='PhotoMetricDistortion'))(coordinates(('depth', 'flow')))


@pytest.mark.parametrize(
    'move',
    [
        dict(type='RandomRotFlip'),
        dict(type='RandomMosaic', prob=1, img_scale=(9, 9)),
    ],
)
def test_transforms_that_would_move_one_modality_only_are_refused(move):
    with pytest.raises(ValueError, match='moves `img` only'):
        build(move)(coordinates())


def test_every_view_of_test_time_augmentation_moves_all_modalities():
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
        assert max(np.abs(off_x).max(), np.abs(off_y).max()) <= tolerance((h, w))
        assert (x[0, 0] > x[0, -1]) == sample.flip


@pytest.mark.parametrize('move', MOVES, ids=NAMES)
def test_transforms_can_be_sent_to_another_process_after_use(move):
    transform = build(move)
    np.random.seed(0)
    transform(coordinates())
    again = pickle.loads(pickle.dumps(transform))
    np.random.seed(1)
    expected = transform(coordinates())
    np.random.seed(1)
    assert_equal_results(again(coordinates()), expected)
