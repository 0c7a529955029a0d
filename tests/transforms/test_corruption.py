import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from mmseg_cen.corruptions import Corruption
from mmseg_cen.datasets import build_modalities
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.transforms import CorruptModalities

MODALITIES = build_modalities(dict(rgb={}, depth={}))


def sample():
    return dict(modalities=MODALITIES)


def test_marks_follow_one_another():
    first = CorruptModalities('salt_and_pepper', 0.1)(sample())
    both = CorruptModalities('gaussian', 0.2, ['depth'], seed=5)(first)
    assert both['corruptions'] == (
        Corruption('rgb', 'salt_and_pepper', 0.1),
        Corruption('depth', 'salt_and_pepper', 0.1),
        Corruption('depth', 'gaussian', 0.2, seed=5),
    )


def test_modalities_are_damaged_with_a_probability_and_anew_in_a_training():
    np.random.seed(0)
    corrupt = CorruptModalities('zero', 0.5, prob=0.3, seed=None)
    marks = [corrupt(sample())['corruptions'] for _ in range(1000)]
    assert sum(map(len, marks)) / 2000 == pytest.approx(0.3, abs=0.05)
    seeds = [mark[0].seed for mark in marks if mark]
    assert len({*seeds}) == len(seeds)


def test_with_a_seed_the_same_samples_are_damaged_each_time():
    def damaged(seed):
        corrupt = CorruptModalities('zero', 0.5, prob=0.3, seed=seed)
        samples = [{**sample(), 'img_path': f'{i}.png'} for i in range(99)]
        marks = [corrupt(one)['corruptions'] for one in samples]
        return [[mark.modality for mark in of_sample] for of_sample in marks]

    names = damaged(0)
    assert damaged(0) == names != damaged(1)
    for name in MODALITIES:
        assert sum(name in some for some in names) / 99 == pytest.approx(0.3, abs=0.15)


def test_images_of_one_name_in_several_folders_are_damaged_each_in_its_way(tmp_path):
    rows = [(f'scene_{i}/rgb.png', f'scene_{i}/depth.png') for i in range(24)]
    for rgb, depth in rows:
        (tmp_path / rgb).parent.mkdir()
        assert cv2.imwrite(str(tmp_path / rgb), np.ones((6, 8, 3), np.uint8))
        assert cv2.imwrite(str(tmp_path / depth), np.ones((6, 8), np.uint8))
    (tmp_path / 'list.txt').write_text('\n'.join(map(' '.join, rows)))
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        ann_file='list.txt',
        modalities=dict(rgb={}, depth=dict(plausible=None)),
    )

    def samples(prob):
        damage = dict(type='CorruptModalities', how='zero', amount=0.5, prob=prob)
        pack = dict(type='PackMultimodalInputs')
        pipeline = [dict(type='LoadModalities'), damage, pack]
        return DATASETS.build(dict(dataset, pipeline=pipeline))

    marks = [len(sample['data_samples'].corruptions) for sample in samples(0.5)]
    assert len({*marks}) > 1, 'not all samples, or none'
    preprocess = MultimodalPreprocessor(
        dict(rgb=dict(channels=3), depth=dict(channels=1)), order=('rgb', 'depth')
    )
    certain = samples(1.0)
    lost = []
    for index in range(2):
        one = certain[index]
        batch = dict(inputs=[one['inputs']], data_samples=[one['data_samples']])
        lost.append(preprocess(batch)['inputs'] == 0)
        assert 0.2 < lost[-1].float().mean() < 0.8
    assert not torch.equal(*lost)
    assert certain[1]['data_samples'].drawn_as == 'scene_1|rgb.png'


def test_names_that_tell_samples_apart_are_taken_without_their_folders(tmp_path):
    for index in range(2):
        (tmp_path / f'rgb/{index}').mkdir(parents=True)
        path = str(tmp_path / f'rgb/{index}/{index}.png')
        assert cv2.imwrite(path, np.ones((6, 8, 3), np.uint8))
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        modalities=dict(rgb={}),
        pipeline=[],
    )
    assert all('drawn_as' not in sample for sample in DATASETS.build(dataset))


def test_what_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"one of .*, got 'copy'"):
        CorruptModalities('copy')
    with pytest.raises(ValueError, match='`amount` must be a share'):
        CorruptModalities('zero', 2.0)
    with pytest.raises(ValueError, match='`seed` must be at least 0, got -1'):
        CorruptModalities('zero', seed=-1)
    with pytest.raises(ValueError, match='`prob` must be in'):
        CorruptModalities('zero', prob=2.0)
    with pytest.raises(ValueError, match=r"\['rgb', 'depth'\], got 'lidar'"):
        CorruptModalities('zero', modalities=['lidar'])(sample())
