import cv2
import numpy as np
import pytest
from benchmarking.caching import time_cache
from mmengine.config import Config

from mmseg_cen.transforms import decoded_cache


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded_cache, 'SETTLED', 0)
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for name, array in dict(
        rgb=image, depth=image[..., 0], label=image[..., 0]
    ).items():
        (tmp_path / name).mkdir()
        for stem in 'ab':
            cv2.imwrite(str(tmp_path / name / f'{stem}.png'), array)
    (tmp_path / 'train.txt').write_text('a\nb\n')
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=str(tmp_path),
        modalities=('rgb', 'depth'),
        data_prefix=dict(rgb='rgb', depth='depth', seg_map_path='label'),
        ann_file='train.txt',
        metainfo=dict(classes=[str(k) for k in range(48)]),
        pipeline=[
            dict(type='LoadModalities'),
            dict(type='LoadAnnotations'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackMultimodalInputs'),
        ],
    )
    return Config(dict(train_dataloader=dict(dataset=dataset)))


def test_each_file_and_the_sample_are_timed_with_and_without_a_cache(cfg):
    rows = time_cache(cfg, 3)
    names = [row['name'] for row in rows]
    assert names == ['rgb', 'depth', 'labels', 'a sample, all transforms']
    assert {len(row[kind]) for row in rows for kind in ('decoded', 'cached')} == {2}
    assert all(row['ratio'] > 0 for row in rows)


def test_data_without_files_are_refused(cfg):
    cfg.train_dataloader.dataset = dict(
        type='SyntheticRGBDDataset', pipeline=[dict(type='LoadSyntheticRoom')]
    )
    with pytest.raises(ValueError, match='must have a pipeline with LoadModalities'):
        time_cache(cfg, 1)
