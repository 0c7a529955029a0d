import copy
import random

import cv2
import mmcv.transforms
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmseg.datasets import transforms as mmseg_transforms

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import watching

ALIKE = 'must move all modalities and the labels alike, got'


class Turn(BaseTransform):
    """A user's transform of the image alone, as a class."""

    def transform(self, results):
        results['img'] = np.ascontiguousarray(results['img'][::-1])
        return results


class Reverse:
    """Another one, in place, which derives from nothing."""

    def __call__(self, results):
        results['img'][:] = results['img'][:, ::-1].copy()
        return results


class Noise(BaseTransform):
    """Photometric, by all generators there are."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def transform(self, results):
        shape = results['img'].shape
        noise = self.rng.normal(0, 5, shape) + np.random.normal(0, 5, shape)
        noise += torch.randn(shape).numpy() + random.random()
        results['img'] = np.clip(results['img'] + noise, 0, 255).astype(np.uint8)
        return results


def turn_depth(results):
    results['depth'] = results['depth'][::-1].copy()
    return results


def turn_labels(results):
    return {**results, 'gt_seg_map': results['gt_seg_map'][:, ::-1].copy()}


def turn_all(results):
    for key in ('img', 'depth', 'gt_seg_map'):
        results[key] = results[key][::-1].copy()
    return results


def drop_depth(results):
    results['depth'][np.random.random((48, 64)) < 0.95] = 0
    return results


def void_borders(results):
    labels = results['gt_seg_map']
    labels[labels != np.roll(labels, 1, axis=1)] = 255
    return results


def blur(results):
    return {**results, 'img': cv2.GaussianBlur(results['img'], (0, 0), 5)}


class Edges(BaseTransform):
    moves_alike = True

    def transform(self, results):
        edges = cv2.Canny(results['img'], 100, 200)
        return {**results, 'img': np.repeat(edges[..., None], 3, axis=2)}


def sample():
    rng = np.random.default_rng(0)
    return dict(
        modalities=build_modalities(('rgb', 'depth')),
        img=rng.integers(0, 256, (48, 64, 3), np.uint8),
        depth=rng.random((48, 64), np.float32),
        gt_seg_map=rng.integers(0, 5, (48, 64), np.uint8),
        seg_fields=['gt_seg_map'],
        img_shape=(48, 64),
    )


FLIP = mmcv.transforms.RandomFlip
APART = [
    dict(type='mmcv.RandomFlip', prob=1.0),
    dict(type=FLIP, prob=1.0, direction='vertical'),
    dict(type=mmseg_transforms.RandomRotate, prob=1.0, degree=(9, 9)),
    dict(type='mmcv.Resize', scale=(32, 32)),
    dict(type='mmcv.CenterCrop', crop_size=(40, 30)),
    dict(type='mmcv.Pad', size=(80, 80)),
    dict(type=mmseg_transforms.RandomCrop, crop_size=(20, 20)),
    dict(type='RandomApply', prob=1.0, transforms=[dict(type=FLIP, prob=1.0)]),
    dict(type='RandomChoice', transforms=[[dict(type=FLIP, prob=1.0)]]),
    dict(
        type='KeyMapper',
        mapping=dict(img='depth'),
        auto_remap=True,
        transforms=[dict(type=FLIP, prob=1.0)],
    ),
    Turn(),
    Reverse(),
    turn_depth,
    turn_labels,
    mmcv.transforms.Compose([turn_depth]),
]
ALL_ALIKE = [
    turn_all,
    drop_depth,
    void_borders,
    blur,
    Edges(),
    Noise(),
    dict(type=FLIP, prob=0.0),
    dict(type=mmseg_transforms.PhotoMetricDistortion),
    dict(type=mmseg_transforms.RandomCutOut, prob=1.0, n_holes=5, cutout_shape=(9, 9)),
    dict(type='CLAHE'),
    dict(type='mmcv.Normalize', mean=[120] * 3, std=[50] * 3),
    dict(
        type='TransformBroadcaster',
        mapping=dict(img=['img', 'depth', 'gt_seg_map']),
        auto_remap=True,
        share_random_params=True,
        transforms=[dict(type=FLIP, prob=0.5)],
    ),
    dict(type='RandomChoice', transforms=[[dict(type='RandomFlip', prob=1.0)]]),
]


@pytest.mark.parametrize('transform', APART)
def test_what_moves_some_of_the_arrays_only_is_refused(transform):
    with pytest.raises(ValueError, match=ALIKE):
        Compose([transform])(sample())


@pytest.mark.parametrize('transform', ALL_ALIKE)
def test_what_moves_all_alike_or_none_passes(transform):
    pipeline = Compose([transform])
    for seed in range(4):
        np.random.seed(seed)
        assert pipeline(sample())['img'].shape == (48, 64, 3)


def test_a_transform_is_watched_wherever_it_is_called():
    with pytest.raises(ValueError, match=ALIKE):
        Turn()(sample())


def test_a_rare_flip_is_seen_when_it_happens():
    flip = FLIP(prob=0.1)

    def call_until_it_flips():
        image = sample()['img']
        while np.array_equal(flip(sample())['img'], image):
            calls.append(1)

    calls = []
    np.random.seed(0)
    with pytest.raises(ValueError, match=ALIKE):
        call_until_it_flips()
    assert calls


def test_the_message_names_the_transform_and_the_remedy():
    with pytest.raises(
        ValueError,
        match=r"\['depth'\] .* by mmcv\..*RandomFlip: write type='RandomFlip'",
    ):
        FLIP(prob=1.0)(sample())
    with pytest.raises(
        ValueError, match=r'test_watching.turn_depth: change only colors'
    ):
        Compose([turn_depth])(sample())
    with pytest.raises(ValueError, match=r'\.RandomRotFlip: use the transforms of'):
        mmseg_transforms.RandomRotFlip(rotate_prob=1.0)(sample())


def test_the_watch_leaves_samples_and_draws_as_they_were(monkeypatch):
    outputs = []
    for first_calls in (0, 10):
        monkeypatch.setattr(watching, 'FIRST_CALLS', first_calls)
        monkeypatch.setattr(watching, 'EVERY', 10**9)
        random.seed(0), np.random.seed(0), torch.manual_seed(0)
        noise = Noise()
        images = [noise(sample())['img'] for _ in range(3)]
        draws = random.random(), np.random.random(), float(torch.rand(1))
        outputs.append((np.stack(images).tobytes(), draws, noise.rng.random()))
    assert outputs[0] == outputs[1]


def test_after_its_first_calls_a_transform_is_watched_now_and_then(monkeypatch):
    monkeypatch.setattr(watching, 'FIRST_CALLS', 2)
    monkeypatch.setattr(watching, 'EVERY', 5)
    count = []

    def see(results):
        count.append(1)
        return {**results, 'img': results['img'] + np.uint8(1)}

    pipeline = Compose([see])
    for _ in range(10):
        pipeline(sample())
    assert len(count) == 10 + 4  # calls 1, 2, 5 and 10 are repeated


def test_samples_without_modalities_are_not_watched():
    results = sample()
    del results['modalities']
    expected = copy.deepcopy(results)['img'][::-1]
    np.testing.assert_array_equal(Turn()(results)['img'], expected)
    assert Compose([lambda results: None, turn_all])(results) is None


def test_what_fails_on_a_pattern_is_said_once(warned):
    def picky(results):
        if len(np.unique(results['img'])) < 3:
            raise RuntimeError('too few colors')
        return {**results, 'img': 255 - results['img']}

    for _ in range(3):
        Compose([picky])(sample())
    assert len(warned) == 1
    assert 'picky cannot be watched, as it fails on a pattern, Run' in warned[0]
