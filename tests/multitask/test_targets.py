import numpy as np
import pytest
from mmengine.dataset import Compose
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_cen.modality import build_modalities
from mmseg_cen.multitask.targets import TARGETS, DeriveTargets
from mmseg_cen.transforms.reading import Loaded
from mmseg_cen.transforms.surface import Camera

LOADING = [dict(type='LoadSyntheticRoom'), dict(type='LoadRoomTargets')]
CAMERA = dict(fx=50.0, fy=50.0, cx=19.5, cy=14.5, width=40, height=30)


def room(*transforms, **kwargs):
    dataset = DATASETS.build(
        dict(
            type='SyntheticRGBDDataset',
            num_samples=1,
            image_size=(30, 40),
            pipeline=[],
            **kwargs,
        )
    )
    return Compose([TRANSFORMS.build(t) for t in [*LOADING, *transforms]])(
        dataset.get_data_info(0)
    )


def plane(slope, holes=True):
    """Depth of the plane z - slope * x = 2, as it is loaded, and its normal."""
    x = (np.arange(40) - CAMERA['cx']) / CAMERA['fx']
    depth = np.tile(2 / (1 - slope * x), (30, 1)).astype(np.float32)
    valid = np.ones((30, 40), bool)
    if holes:
        valid[5:8, 9:12] = False
    normal = np.array([slope, 0, 1]) / np.hypot(slope, 1)
    return depth, valid, normal


def measured(depth, valid):
    return dict(
        modalities=build_modalities(('rgb', 'depth')),
        loaded=dict(
            rgb=Loaded(np.zeros((30, 40, 3), np.uint8), np.ones((30, 40), bool)),
            depth=Loaded(depth, valid),
        ),
        img=np.zeros((30, 40, 3), np.uint8),
        depth=depth,
        img_path='a.png',
    )


def test_targets_of_rooms_are_exact():
    sample = room()
    depth, normals = sample['gt_depth_map'], sample['gt_normals']
    assert depth.shape == (30, 40)
    assert np.allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)
    floor, ceiling = sample['gt_seg_map'] == 1, sample['gt_seg_map'] == 2
    assert np.median(normals[floor, 1]) == pytest.approx(1)
    assert np.median(normals[ceiling, 1]) == pytest.approx(-1)
    assert not np.array_equal(depth, sample['depth'])  # that of a sensor


def test_a_flip_turns_normals_and_keeps_depth():
    plain = room()
    flipped = room(dict(type='RandomFlip', prob=1.0))
    assert np.array_equal(flipped['gt_depth_map'], plain['gt_depth_map'][:, ::-1])
    expected = plain['gt_normals'][:, ::-1] * np.float32([-1, 1, 1])
    assert np.allclose(flipped['gt_normals'], expected)
    upside_down = room(dict(type='RandomFlip', prob=1.0, direction='vertical'))
    expected = plain['gt_normals'][::-1] * np.float32([1, -1, 1])
    assert np.allclose(upside_down['gt_normals'], expected)


def test_resizing_invents_no_depth_and_turns_no_normal():
    plain = room()
    resized = room(dict(type='Resize', scale=(60, 45)))
    assert resized['gt_depth_map'].shape == (45, 60)
    assert {*resized['gt_depth_map'].flat} <= {*plain['gt_depth_map'].flat}
    assert np.allclose(np.linalg.norm(resized['gt_normals'], axis=-1), 1, atol=1e-5)


def test_crops_and_rotations_move_targets_with_the_image():
    plain, cropped = room(), room(dict(type='RandomCrop', crop_size=(20, 20)))
    assert cropped['gt_depth_map'].shape == cropped['img'].shape[:2] == (20, 20)
    assert {*cropped['gt_depth_map'].flat} <= {*plain['gt_depth_map'].flat}
    rotated = room(dict(type='RandomRotate', prob=1.0, degree=(90, 90)))
    outside = rotated['gt_depth_map'] == 0
    assert outside.any()
    assert not rotated['gt_normals'][outside].any()
    # Clockwise by 90 degrees: what looked to the right looks down.
    center = plain['gt_normals'][10:20, 15:25]
    expected = np.rot90(center, -1) @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    found = rotated['gt_normals'][10:20, 15:25]
    assert np.mean(np.abs(found - expected).max(-1) < 0.01) > 0.5


def test_normals_of_measured_depth_are_those_of_its_planes():
    depth, valid, normal = plane(0.5)
    sample = DeriveTargets(CAMERA)(measured(depth, valid))
    normals = sample['gt_normals']
    assert np.allclose(normals[valid], normal, atol=1e-3)
    assert not normals[~valid].any()
    assert np.array_equal(sample['gt_depth_map'], np.where(valid, depth, 0))
    assert [*sample['modalities']] == ['rgb']
    assert 'depth' not in sample
    assert sample['targets'] == TARGETS


def test_depth_may_stay_an_input():
    depth, valid, _ = plane(0.5)
    sample = DeriveTargets(CAMERA, keep=True)(measured(depth, valid))
    assert [*sample['modalities']] == ['rgb', 'depth']
    assert sample['depth'] is depth


def test_a_zoom_is_a_view_from_nearer():
    """Depth and normals agree: those of the enlarged image, taken by the same lens."""
    depth, valid, _ = plane(0.5, holes=False)
    sample = DeriveTargets(CAMERA)(measured(depth, valid))
    sample['scale_factor'] = (2.0, 2.0)
    zoomed = TRANSFORMS.build(dict(type='ZoomTargets'))(sample)
    assert np.allclose(zoomed['gt_depth_map'], depth / 2)

    x = (np.arange(80) - 39.5) / 100  # slopes of rays, in the image of twice the size
    enlarged = np.tile(2 / (1 - 0.5 * x), (60, 1)).astype(np.float32) / 2
    camera = Camera(fx=50.0, fy=50.0, cx=39.5, cy=29.5, width=80, height=60)
    same_lens = DeriveTargets(camera)(measured(enlarged, np.ones((60, 80), bool)))
    assert np.allclose(
        same_lens['gt_normals'][30, 40], zoomed['gt_normals'][15, 20], atol=1e-3
    )


def test_targets_of_rooms_are_kept_for_the_next_epoch():
    load = TRANSFORMS.build(dict(type='LoadRoomTargets'))
    sample = dict(room=(0, 3), image_size=(12, 16))
    first = load(dict(sample))
    expected = first['gt_depth_map'].copy()
    first['gt_depth_map'][:] = 0
    assert np.array_equal(load(dict(sample))['gt_depth_map'], expected)


def test_samples_of_another_kind_are_refused():
    depth, valid, _ = plane(0.5)
    with pytest.raises(ValueError, match='must be rooms for LoadRoomTargets'):
        TRANSFORMS.build(dict(type='LoadRoomTargets'))(dict(img_path='a.png'))
    with pytest.raises(ValueError, match="must have the modality 'range'"):
        DeriveTargets(CAMERA, depth='range')(measured(depth, valid))
    alone = measured(depth, valid)
    alone['modalities'] = build_modalities(('depth',))
    with pytest.raises(ValueError, match='must have an input beside the target'):
        DeriveTargets(CAMERA)(alone)
    with pytest.raises(ValueError, match='must be resized and have targets'):
        TRANSFORMS.build(dict(type='ZoomTargets'))(alone)
    with pytest.raises(ValueError, match='`radius` must be positive'):
        DeriveTargets(CAMERA, radius=0)
