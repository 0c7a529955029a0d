"""Samples of a test are those of its data set."""

import cv2
import numpy as np
import pytest
from exploring.samples import samples_of
from mmengine.config import Config
from mmseg.registry import DATASETS


def test_rooms_are_those_of_the_data_set(samples, narrow_config):
    dataset = DATASETS.build(Config.fromfile(narrow_config).test_dataloader.dataset)
    for sample, packed in zip(samples, dataset, strict=False):
        rgb, depth = np.split(packed['inputs'].numpy(), [3])
        np.testing.assert_array_equal(sample.given.items['rgb'], rgb.transpose(1, 2, 0))
        np.testing.assert_array_equal(sample.given.items['depth'], depth[0])
        truth = packed['data_samples'].gt_sem_seg.data[0]
        np.testing.assert_array_equal(sample.truth, truth)
        np.testing.assert_array_equal(sample.picture, rgb[::-1].transpose(1, 2, 0))


def test_samples_of_files_are_their_paths(tmp_path):
    values = dict(rgb=np.zeros((4, 6, 3), np.uint8), label=np.ones((4, 6), np.uint8))
    for name, value in dict(values, heat=values['label']).items():
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / 'a.png'), value)
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        modalities=dict(rgb=dict(), heat=dict(dtype='uint8')),
        data_prefix=dict(seg_map_path='label'),
        metainfo=dict(classes=('wall', 'floor')),
        pipeline=[
            dict(type='LoadModalities'),
            dict(type='Resize', scale=(2, 2)),
            dict(type='LoadAnnotations'),
            dict(type='PackMultimodalInputs'),
        ],
    )
    config = Config(dict(test_dataloader=dict(dataset=dataset)))
    (sample,) = samples_of(config, ('heat', 'rgb'), 5)
    assert sample.given.name == 'a'
    assert sample.given.items == {
        name: str(tmp_path / name / 'a.png') for name in ('heat', 'rgb')
    }
    assert sample.truth.tolist() == np.ones((4, 6)).tolist()
    config.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[dataset])
    assert samples_of(config, ('heat', 'rgb'), 5)[0].given == sample.given
    config.test_dataloader.dataset = dataset
    config.test_dataloader.dataset.data_root = str(tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match='elsewhere'):
        samples_of(config, ('rgb',), 5)


def test_an_exported_network_has_no_samples():
    assert samples_of(None, ('rgb',), 5) == []
