import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_cen.datasets import CityscapesRGBDDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

STEM = 'frankfurt/frankfurt_000000_000294'


@pytest.fixture
def root(tmp_path):
    depth = np.full((4, 6), 1234, np.uint16)
    depth[0] = 0  # no disparity
    images = dict(rgb=np.full((4, 6, 3), 7, np.uint8), depth=depth)
    images['label'] = np.full((4, 6), 18, np.uint8)
    for folder, image in images.items():
        path = tmp_path / folder / f'{STEM}.png'
        path.parent.mkdir(parents=True)
        assert cv2.imwrite(str(path), image)
    (tmp_path / 'val.txt').write_text(STEM)
    return tmp_path


def test_it_reads_what_the_converter_writes(root):
    config = dict(
        type='CityscapesRGBDDataset',
        data_root=str(root),
        ann_file='val.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    sample = DATASETS.build(config)[0]
    assert list(sample['modalities']) == ['rgb', 'depth']
    assert sample['img'].shape == (4, 6, 3)
    assert (sample['gt_seg_map'] == 18).all()
    assert sample['num_classes'] == 19


def test_depth_is_read_as_meters_and_stays_zero_where_it_is_unknown(root):
    data = CityscapesRGBDDataset(data_root=str(root), pipeline=[LoadModalities()])
    depth = data[0]['depth']
    assert (depth[0] == 0).all()
    np.testing.assert_allclose(depth[1:], 12.34, rtol=1e-6)


def test_one_modality_alone_will_do(root):
    data = CityscapesRGBDDataset(('depth',), data_root=str(root))
    info = data.get_data_info(0)
    assert list(info['modality_paths']) == ['depth']
    assert info['seg_map_path'] == f'{root}/label/{STEM}.png'
