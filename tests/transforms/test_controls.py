from itertools import pairwise

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_cen.corruptions import Corruption
from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import ReplaceModality
from mmseg_cen.transforms.controls import derangement

OTHER = dict(type='ReplaceModality', modality='depth', how='other')


@pytest.mark.parametrize('length', [2, 3, 50])
def test_each_sample_gives_to_another_one(length):
    others = derangement(length, 0)
    assert sorted(others) == [*range(length)]
    assert (others != np.arange(length)).all()
    assert length < 5 or not np.array_equal(others, derangement(length, 1))


def test_copies_and_noise_are_marks():
    sample = dict(modalities=build_modalities(dict(rgb={}, depth={})))
    copy = ReplaceModality('depth', 'copy', source='rgb')(dict(sample))
    assert copy['corruptions'] == (Corruption('depth', 'copy', source='rgb'),)
    noise = ReplaceModality('depth', 'noise', seed=2)(dict(sample))
    assert noise['corruptions'] == (Corruption('depth', 'noise', seed=2),)
    anew = ReplaceModality('depth', 'noise', seed=None)
    seeds = {anew(dict(sample))['corruptions'][0].seed for _ in range(9)}
    assert len(seeds) == 9


@pytest.mark.parametrize('pixels', [5, -5])
@pytest.mark.parametrize('name', ['rgb', 'depth', 'flow', 'spectrum'])
def test_a_shifted_modality_has_its_own_padding(coordinates, name, pixels):
    before, after = coordinates(), coordinates()
    ReplaceModality(name, 'shift', pixels=pixels)(after)
    padding = before['modalities'][name].pad_value
    for key in (m if m != 'rgb' else 'img' for m in before['modalities']):
        old, new = before[key], after[key]
        if key != ('img' if name == 'rgb' else name):
            assert np.array_equal(old, new)
        elif pixels > 0:
            assert np.array_equal(new[:, 5:], old[:, :-5])
            assert (new[:, :5] == padding).all()
        else:
            assert np.array_equal(new[:, :-5], old[:, 5:])
            assert (new[:, -5:] == padding).all()
        assert new.dtype == old.dtype


def test_an_absent_modality_stays_absent(coordinates):
    sample = coordinates() | dict(absent=('depth',))
    before = sample['depth'].copy()
    for how in (dict(how='shift', pixels=3), dict(how='other')):
        ReplaceModality('depth', **how)(sample)
        assert np.array_equal(sample['depth'], before)


def rooms(*transforms, **options):
    pipeline = [dict(type='LoadSyntheticRoom'), *transforms]
    return DATASETS.build(
        dict(
            type='SyntheticRGBDDataset', num_samples=5, image_size=(24, 32),
            pipeline=pipeline, **options,
        )
    )  # fmt: skip


def test_another_room_gives_its_depth():
    plain, mixed = rooms(), rooms({**OTHER, 'seed': 4})
    for i, other in enumerate(derangement(5, 4)):
        assert np.array_equal(mixed[i]['img'], plain[i]['img'])
        assert np.array_equal(mixed[i]['depth'], plain[int(other)]['depth'])
        assert np.array_equal(mixed[i]['gt_seg_map'], plain[i]['gt_seg_map'])


def test_the_depth_of_another_room_is_encoded_as_the_pipeline_says():
    encode = dict(type='EncodeDepth', encoding='inverse')
    plain, mixed = rooms(encode), rooms(encode, OTHER)
    for i, other in enumerate(derangement(5, 0)):
        assert np.array_equal(mixed[i]['depth'], plain[int(other)]['depth'])


@pytest.mark.parametrize('modalities', [('depth', 'rgb'), ('rgb', 'depth')])
def test_another_room_gives_its_image_beside_depth_that_is_encoded(modalities):
    before = [
        dict(type='RandomModalityDropout', prob=dict(depth=0.5)),
        dict(type='CorruptModalities', how='zero', modalities=['depth']),
        dict(type='EncodeDepth', encoding='inverse'),
    ]
    other = {**OTHER, 'modality': 'rgb'}
    plain = rooms(modalities=modalities)
    mixed = rooms(*before, other, modalities=modalities)
    for i, donor in enumerate(derangement(5, 0)):
        assert np.array_equal(mixed[i]['img'], plain[int(donor)]['img'])


@pytest.fixture
def files(tmp_path):
    """Four samples of other sizes, one of which lacks its depth."""
    for i in range(4):
        shape = (10 + i, 20)
        for name, array in (
            ('rgb', np.full((*shape, 3), i, np.uint8)),
            ('depth', np.full(shape, 100 + i, np.uint16)),
        ):
            if (name, i) != ('depth', 2):
                path = tmp_path / name / f'{i}.png'
                path.parent.mkdir(exist_ok=True)
                cv2.imwrite(str(path), array)
    return DATASETS.build(
        dict(
            type='MultimodalSegDataset', data_root=str(tmp_path),
            modalities=dict(rgb={}, depth=dict(dtype='uint16')), optional=('depth',),
            pipeline=[dict(type='LoadModalities'), OTHER],
        )
    )  # fmt: skip


def test_files_of_another_sample_take_the_size_of_the_sample(files):
    """Those that lack the modality stay without it, and are passed over."""
    cycle = [0]
    while (other := int(derangement(4, 0)[cycle[-1]])) != 0:
        cycle.append(other)
    have = [i for i in cycle if i != 2]
    for i, other in pairwise([*have, have[0]]):
        sample = files[i]
        assert (sample['depth'] == 100 + other).all()
        assert sample['depth'].shape == (10 + i, 20)
        assert (sample['img'] == i).all()
    assert not files[2]['depth'].any()
    assert files[2]['absent'] == ('depth',)


def test_labels_have_the_size_of_the_image_and_not_of_another_ones_depth(tmp_path):
    for i in range(2):
        for name, shape in dict(rgb=(8, 12, 3), depth=(4, 6), label=(8, 12)).items():
            (tmp_path / name).mkdir(exist_ok=True)
            array = np.full(shape, i + (name == 'depth'), np.uint8)
            assert cv2.imwrite(str(tmp_path / name / f'{i}.png'), array)
    dataset = DATASETS.build(
        dict(
            type='MultimodalSegDataset', data_root=str(tmp_path),
            modalities=dict(rgb={}, depth=dict(resize=True, plausible=None)),
            data_prefix=dict(seg_map_path='label'),
            metainfo=dict(classes=('a', 'b')),
            pipeline=[
                dict(type='LoadModalities'),
                dict(type='LoadAnnotations'),
                dict(type='EncodeDepth', encoding='metric'),
                OTHER,
            ],
        )
    )  # fmt: skip
    for i in range(2):
        assert (dataset[i]['depth'] == 2 - i).all()
        assert dataset[i]['depth'].shape == (8, 12)
        assert (dataset[i]['gt_seg_map'] == i).all()


def test_what_means_nothing_is_refused(coordinates):
    for arguments, message in (
        (('depth', 'blur'), '`how` must be one of'),
        (('depth', 'shift'), '`pixels` must be'),
        (('depth', 'noise', None, 3), '`pixels` must be'),
        (('depth', 'copy'), '`source` must name'),
        (('depth', 'other', 'rgb'), '`source` must be given'),
        (('depth', 'other', None, None, None), '`seed` must be'),
        (('depth', 'other', None, None, -1), '`seed` must be at least 0'),
    ):
        with pytest.raises(ValueError, match=message):
            ReplaceModality(*arguments)
    with pytest.raises(ValueError, match='less than the width, 53, got 53'):
        ReplaceModality('depth', 'shift', pixels=53)(coordinates())
    with pytest.raises(ValueError, match="got 'lidar'"):
        ReplaceModality('lidar', 'shift', pixels=3)(coordinates())
    with pytest.raises(ValueError, match='knows no data set'):
        ReplaceModality('depth', 'other')(coordinates())
    with pytest.raises(ValueError, match='at least 2 samples'):
        rooms(OTHER, indices=1)[0]
    moved = rooms(dict(type='RandomFlip', prob=1.0), OTHER)
    with pytest.raises(ValueError, match='right behind the loading'):
        moved[0]
