import cv2
import numpy as np

from mmseg_cen.datasets import NYUDv2Dataset, SUNRGBDDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities


def write(root, stems):
    for stem in stems:
        for folder, suffix, image in [
            ('rgb', 'jpg', np.full((6, 8, 3), 9, np.uint8)),
            ('depth', 'png', np.full((6, 8), 2345, np.uint16)),
            ('label', 'png', np.full((6, 8), 36, np.uint8)),
        ]:
            path = root / folder / f'{stem}.{suffix}'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    (root / 'val.txt').write_text('\n'.join(stems))
    return SUNRGBDDataset(
        data_root=str(root),
        ann_file='val.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )


def test_the_classes_are_the_first_37_of_nyudv2():
    assert SUNRGBDDataset.METAINFO['classes'] == NYUDv2Dataset.METAINFO['classes'][:37]
    assert SUNRGBDDataset.METAINFO['classes'][-1] == 'bag'
    assert len(SUNRGBDDataset.METAINFO['palette']) == 37


def test_depth_is_read_as_meters(tmp_path):
    sample = write(tmp_path, ['kv1/a'])[0]
    np.testing.assert_allclose(sample['depth'], 2.345, rtol=1e-6)
    assert (sample['gt_seg_map'] == 36).all()


def test_each_sample_has_the_group_of_its_camera(tmp_path):
    stems = ['kv1/NYUdata/NYU0001', 'kv2/a/b', 'realsense/lg/c', 'xtion/d/e', '00007']
    data = write(tmp_path, stems)
    cameras = [data.get_data_info(i)['groups']['camera'] for i in range(5)]
    assert cameras == ['kv1', 'kv2', 'realsense', 'xtion', 'unknown']
