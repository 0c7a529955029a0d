import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_cen.datasets import MFNetDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

STEMS = ('00001D', '00002N', '00001D_flip')


@pytest.fixture
def root(tmp_path):
    for value, stem in enumerate(STEMS, 1):
        for folder, shape in [
            ('rgb', (4, 6, 3)),
            ('thermal', (4, 6)),
            ('label', (4, 6)),
        ]:
            (tmp_path / folder).mkdir(exist_ok=True)
            image = np.full(shape, value, np.uint8)
            assert cv2.imwrite(f'{tmp_path}/{folder}/{stem}.png', image)
    (tmp_path / 'train.txt').write_text('\n'.join(STEMS))
    return tmp_path


def test_it_reads_what_the_converter_writes(root):
    config = dict(
        type='MFNetDataset',
        data_root=str(root),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    data = DATASETS.build(config)
    assert len(data) == 3
    sample = data[1]
    assert sample['img'].shape == (4, 6, 3)
    assert sample['thermal'].shape == (4, 6)
    assert (sample['gt_seg_map'] == 2).all()
    assert sample['num_classes'] == 9 == len(data.metainfo['palette'])


@pytest.mark.parametrize('listed', [True, False])
def test_the_letter_of_the_name_tells_day_from_night(root, listed):
    data = MFNetDataset(data_root=str(root), ann_file='train.txt' if listed else '')
    conditions = {
        info['img_path'].split('/')[-1]: info['groups']
        for info in map(data.get_data_info, range(3))
    }
    assert conditions == {
        '00001D.png': dict(condition='day'),
        '00002N.png': dict(condition='night'),
        '00001D_flip.png': dict(condition='day'),
    }


def test_path_tuples_and_further_groups_work(root):
    (root / 'train.txt').write_text(
        'rgb/00002N.png\tthermal/00002N.png\tlabel/00002N.png'
    )
    data = MFNetDataset(
        data_root=str(root), ann_file='train.txt', groups=dict(number=r'\d+')
    )
    groups = dict(condition='night', number='00002')
    assert data.get_data_info(0)['groups'] == groups


def test_without_the_grouping_names_may_have_no_letter(root):
    for folder in ('rgb', 'thermal', 'label'):
        (root / folder / '00002N.png').rename(root / folder / '00002.png')
    data = MFNetDataset(data_root=str(root), groups=dict(condition=None))
    assert [data.get_data_info(i)['groups'] for i in range(3)] == [{}] * 3


def test_a_name_without_the_letter_is_an_error(root):
    for folder in ('rgb', 'thermal', 'label'):
        (root / folder / '00002N.png').rename(root / folder / '00002.png')
    with pytest.raises(
        ValueError, match=r"group in 'condition', got none of .*'00002'"
    ):
        MFNetDataset(data_root=str(root))


def test_thermal_alone_will_do(root):
    for thermal in (('thermal',), dict(thermal={})):
        data = MFNetDataset(thermal, data_root=str(root))
        assert list(data.get_data_info(0)['modality_paths']) == ['thermal']
