import cv2
import numpy as np
from comparing.labels import untrained_classes
from mmengine.config import Config

from mmseg_cen.datasets import SyntheticRGBDDataset


def data_set(root, **options):
    dataset = dict(
        type='MultimodalSegDataset',
        data_root=str(root),
        ann_file='train.txt',
        modalities=dict(rgb=dict(suffix='.png')),
        data_prefix=dict(rgb='rgb', seg_map_path='label'),
        metainfo=dict(classes=('wall', 'floor', 'lamp')),
        pipeline=[dict(type='LoadModalities'), dict(type='LoadAnnotations')],
        **options,
    )
    return Config(dict(train_dataloader=dict(dataset=dataset)))


def test_classes_without_a_pixel_in_all_training_labels_are_found(tmp_path):
    for name, label in dict(a=[[0, 0]], b=[[2, 255]]).items():
        for folder in ('rgb', 'label'):
            (tmp_path / folder).mkdir(exist_ok=True)
            path = str(tmp_path / folder / f'{name}.png')
            assert cv2.imwrite(path, np.array(label, np.uint8))
    (tmp_path / 'train.txt').write_text('a\nb\n')
    cfg = data_set(tmp_path)
    assert untrained_classes(cfg) == ['floor']
    wrapped = dict(type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset)
    cfg.train_dataloader.dataset = wrapped
    assert untrained_classes(cfg) == ['floor']


def test_rendered_scenes_have_all_classes():
    dataset = dict(type=SyntheticRGBDDataset.__name__, num_samples=1)
    assert untrained_classes(Config(dict(train_dataloader=dict(dataset=dataset)))) == []
