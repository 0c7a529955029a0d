import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_cen.datasets import DELIVERDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

GROUPS = {
    'cloud/train/MAP_1_point2/045050_front': ('cloud', 'normal'),
    'fog/train/MAP_1_point2_motionblur/000001_front': ('fog', 'motionblur'),
    'night/train/MAP_1_point3_overexposure/000001_front': ('night', 'overexposure'),
    'rain/train/MAP_2_point2_underexposure/000002_front': ('rain', 'underexposure'),
    'rain/train/MAP_2_point2_lidarjitter/000002_front': ('rain', 'lidarjitter'),
    'sun/train/MAP_10_point102_eventlowres/000003_front': ('sun', 'eventlowres'),
}
MODALITIES = ('rgb', 'depth', 'event', 'lidar')


@pytest.fixture
def root(tmp_path):
    for value, stem in enumerate(GROUPS):
        for folder in (*MODALITIES, 'label'):
            path = tmp_path / folder / f'{stem}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = (4, 6) if folder == 'label' else (4, 6, 3)
            assert cv2.imwrite(str(path), np.full(shape, value, np.uint8))
    (tmp_path / 'train.txt').write_text('\n'.join(GROUPS))
    return tmp_path


def test_it_reads_what_the_converter_writes(root):
    config = dict(
        type='DELIVERDataset',
        data_root=str(root),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    data = DATASETS.build(config)
    assert len(data) == len(GROUPS)
    sample = data[5]
    assert list(sample['modalities']) == list(MODALITIES)
    for key in ('img', 'depth', 'event', 'lidar'):
        assert (sample[key] == 5).all()
        assert sample[key].shape == (4, 6, 3)
    assert (sample['gt_seg_map'] == 5).all()
    assert sample['num_classes'] == 25 == len(data.metainfo['palette'])


@pytest.mark.parametrize('listed', [True, False])
def test_folders_tell_condition_and_case(root, listed):
    data = DELIVERDataset(data_root=str(root), ann_file='train.txt' if listed else '')
    found = {}
    for info in map(data.get_data_info, range(len(data))):
        stem = info['img_path'].removeprefix(f'{root}/rgb/').removesuffix('.png')
        found[stem] = (info['groups']['condition'], info['groups']['case'])
    assert found == GROUPS


@pytest.mark.parametrize('name', ['condition', 'case'])
def test_a_grouping_can_be_left_out(root, name):
    data = DELIVERDataset(data_root=str(root), groups={name: None})
    left = {'condition', 'case'} - {name}
    assert {*data.get_data_info(0)['groups']} == left


def test_a_sample_outside_the_conditions_is_named(root):
    for folder in (*MODALITIES, 'label'):
        (root / folder / 'sun').rename(root / folder / 'snow')
    with pytest.raises(ValueError, match=r"group in 'condition', got none of .*'snow/"):
        DELIVERDataset(data_root=str(root))


def test_any_of_the_modalities_will_do(root):
    data = DELIVERDataset(('rgb', 'lidar'), data_root=str(root))
    assert list(data.get_data_info(0)['modality_paths']) == ['rgb', 'lidar']
    assert data.modalities['lidar'].interpolation == 'nearest'


def test_sparse_modalities_are_not_interpolated():
    known = DELIVERDataset.build_modalities()
    assert {name: modality.interpolation for name, modality in known.items()} == dict(
        rgb='bilinear', depth='bilinear', event='nearest', lidar='nearest'
    )
