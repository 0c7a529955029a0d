"""Transforms that move pixels, over sizes, modalities, types, ratios and order."""

import numpy as np
from hypothesis import given, reject
from hypothesis import strategies as st
from mmengine.registry import DefaultScope
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality
from mmseg_cen.transforms import PackMultimodalInputs
from mmseg_cen.transforms.sampling import nearest_pixels

SIDES = st.integers(1, 70)
SIZES = st.tuples(SIDES, SIDES)
LABEL_PAD = 255
OFFSET = 1000  # of the labels, so that none of them is the padding
# Places are stored in these.
TYPES = st.sampled_from(['uint16', 'int32', 'uint32', 'int64', 'float32', 'float64'])
RATIOS = st.floats(0.2, 3.0)
RESIZES = st.one_of(
    st.builds(dict, type=st.just('Resize'), scale=SIZES, keep_ratio=st.booleans()),
    st.builds(dict, type=st.just('Resize'), scale_factor=st.tuples(RATIOS, RATIOS)),
    st.builds(
        dict,
        type=st.just('RandomResize'),
        scale=SIZES,
        ratio_range=st.tuples(st.floats(0.5, 1.0), st.floats(1.0, 2.0)),
        keep_ratio=st.booleans(),
        min_side=st.one_of(st.none(), st.integers(1, 40)),
    ),
    st.builds(
        dict, type=st.just('RandomChoiceResize'), scales=st.lists(SIZES, min_size=1)
    ),
    st.builds(
        dict,
        type=st.just('ResizeShortestEdge'),
        scale=st.integers(1, 60),
        max_size=st.integers(60, 90),
    ),
    st.builds(dict, type=st.just('ResizeToMultiple'), size_divisor=st.integers(1, 40)),
)
HALF = st.just(0.5)
DIRECTIONS = st.sampled_from(['horizontal', 'vertical', 'diagonal'])
SHIFTS = st.one_of(
    st.builds(
        dict, type=st.just('RandomFlip'), prob=st.just(0.5), direction=DIRECTIONS
    ),
    st.builds(dict, type=st.just('RandomCrop'), crop_size=SIZES),
    st.builds(dict, type=st.just('CenterCrop'), crop_size=SIZES),
)
PADDED = st.one_of(
    st.builds(
        dict,
        type=st.just('Pad'),
        size=SIZES,
        pad_val=st.just(dict(img=0, seg=LABEL_PAD)),
    ),
    st.builds(
        dict,
        type=st.just('RandomRotate'),
        prob=st.just(0.9),
        degree=st.floats(0.1, 180),
        auto_bound=st.booleans(),
        seg_pad_val=st.just(LABEL_PAD),
    ),
    st.builds(
        dict,
        type=st.just('RandomCutOut'),
        prob=st.just(0.9),
        n_holes=st.integers(1, 3),
        cutout_ratio=st.tuples(st.floats(0.05, 0.6), st.floats(0.05, 0.6)),
        seg_fill_in=st.just(LABEL_PAD),
    ),
)


@st.composite
def samples(draw):
    """A sample whose pixels tell their place, y * W + x, in M modalities and labels."""
    shape = draw(SIZES)
    y, x = np.indices(shape)
    place = y * shape[1] + x
    names = draw(st.permutations(['rgb', 'depth', 'flow', 'cube']))
    names = names[: draw(st.integers(1, 4))]
    kinds = dict(
        rgb=Modality(channels=3, interpolation='bilinear', pad_value=np.nan),
        depth=Modality(pad_value=np.nan),
        flow=Modality(channels=2, interpolation='bilinear', pad_value=np.nan),
        cube=Modality(channels=draw(st.integers(2, 7)), pad_value=np.nan),
    )
    positions = np.stack([y, x, y], axis=-1).astype(np.float32)
    arrays = dict(
        rgb=positions,
        depth=place.astype(np.float32),
        flow=np.ascontiguousarray(positions[..., :2]),
        cube=np.repeat(place[..., None], kinds['cube'].channels, 2).astype(np.float32),
    )
    main = 'rgb' if 'rgb' in names else names[0]
    return dict(
        modalities={name: kinds[name] for name in names},
        gt_seg_map=(OFFSET + place).astype(draw(TYPES)),
        seg_fields=['gt_seg_map'],
        img_shape=shape,
        ori_shape=shape,
        img_path='1.png',
        **{'img' if name == main else name: arrays[name] for name in names},
    )


def move(sample, configs, seed):
    np.random.seed(seed)
    before = sample['gt_seg_map']
    with DefaultScope.overwrite_default_scope('mmseg'):
        for config in configs:
            try:
                sample = TRANSFORMS.build(config)(sample)
            except ValueError as error:
                if 'must leave each side at least one pixel, got' not in str(error):
                    raise
                reject()
    assert sample['gt_seg_map'].dtype == before.dtype
    return sample


def by_name(sample):
    main = 'rgb' if 'rgb' in sample['modalities'] else next(iter(sample['modalities']))
    return {
        name: np.atleast_3d(sample['img' if name == main else name])
        for name in sample['modalities']
    }


def places(sample, width):
    """Rows and columns (H, W, 2) that labels tell, and where they are not padded."""
    labels = sample['gt_seg_map']
    inside = labels != LABEL_PAD
    place = np.where(inside, labels, OFFSET).astype(np.int64) - OFFSET
    return np.stack([place // width, place % width], axis=-1), inside


@given(samples(), st.one_of(RESIZES, SHIFTS, PADDED), st.integers(0, 999))
def test_every_interpolation_agrees_on_the_place(sample, config, seed):
    width = sample['img'].shape[1]
    moved = move(sample, [config], seed)
    where, inside = places(moved, width)
    tolerance = 0.5 + (1 / 32 if config['type'] == 'RandomRotate' else 1e-3)
    for name, array in by_name(moved).items():
        assert array.shape[:2] == inside.shape
        if name in ('rgb', 'flow'):
            off = np.abs(array[..., :2] - where)[inside]
            # Bilinear interpolation knows no place where it blends with the border.
            assert np.nanmax(off, initial=0) <= tolerance
        else:
            expected = where[..., 0] * width + where[..., 1]
            expected = np.where(inside, expected, np.nan)
            for channel in np.moveaxis(array, -1, 0):
                np.testing.assert_array_equal(channel, expected)


@given(
    samples(),
    st.lists(st.one_of(RESIZES, SHIFTS, PADDED), min_size=2, max_size=4),
    st.integers(0, 999),
)
def test_pipelines_keep_modalities_and_labels_together(sample, configs, seed):
    width = sample['img'].shape[1]
    moved = move(sample, configs, seed)
    where, inside = places(moved, width)
    arrays = by_name(moved)
    expected = np.where(inside, where[..., 0] * width + where[..., 1], np.nan)
    for name in {'depth', 'cube'} & {*arrays}:
        np.testing.assert_array_equal(arrays[name][..., -1], expected)
    packed = PackMultimodalInputs(meta_keys=('img_shape', 'img_path'))(moved)
    assert packed['inputs'].shape[1:] == inside.shape
    assert packed['data_samples'].gt_sem_seg.shape == inside.shape
    assert tuple(packed['data_samples'].img_shape[:2]) == inside.shape


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_nearest_pixel_holds_the_center(length, new_length):
    pixels = nearest_pixels(length, new_length)
    center = (2 * np.arange(new_length) + 1) * length  # in halves of a new pixel
    assert (2 * new_length * pixels <= center).all()
    assert (center < 2 * new_length * (pixels + 1)).all()
