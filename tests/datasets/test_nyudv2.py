import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_cen.datasets import NYUDv2Dataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities


def test_it_has_forty_classes_of_forty_colors():
    meta = NYUDv2Dataset.METAINFO
    assert len(set(meta['classes'])) == 40
    assert len({tuple(color) for color in meta['palette']}) == 40


def test_the_palette_is_the_pascal_color_map_from_its_second_color_on():
    # As published with the PASCAL VOC development kit.
    assert NYUDv2Dataset.METAINFO['palette'][:8] == [
        [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128],
        [128, 0, 128], [0, 128, 128], [128, 128, 128], [64, 0, 0],
    ]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    images = {
        'rgb/1.jpg': rng.integers(0, 256, (6, 8, 3), np.uint8),
        'depth/1.png': rng.integers(1, 50000, (6, 8), np.uint16),
    }
    for name, image in images.items():
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / 'label').mkdir()
    return tmp_path


def test_both_variants_of_the_label_files_give_the_same_labels(root):
    labels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    labels[labels >= 40] = 255
    loaded = []
    for reduce_zero_label in (False, True):
        # In uint8, void 255 becomes 0 and class k becomes k + 1.
        stored = labels + np.uint8(reduce_zero_label)
        cv2.imwrite(f'{root}/label/1.png', stored)
        data = NYUDv2Dataset(
            data_root=str(root),
            reduce_zero_label=reduce_zero_label,
            pipeline=[LoadModalities(), LoadAnnotations()],
        )
        loaded.append(data[0]['gt_seg_map'])
    np.testing.assert_array_equal(loaded[0], labels)
    np.testing.assert_array_equal(loaded[1], labels)


def test_depth_is_loaded_in_meters_without_holes(root):
    stored = np.full((6, 8), 10000, np.uint16)
    stored[:2] = 0
    cv2.imwrite(f'{root}/depth/1.png', stored)
    data = NYUDv2Dataset(
        data_root=str(root),
        data_prefix=dict(seg_map_path=None),
        pipeline=[LoadModalities()],
    )
    np.testing.assert_allclose(data[0]['depth'], 2.0)


def test_one_modality_alone_will_do(root):
    cv2.imwrite(f'{root}/label/1.png', np.zeros((6, 8), np.uint8))
    data = NYUDv2Dataset(modalities=dict(rgb=dict(suffix='.jpg')), data_root=str(root))
    assert list(data.get_data_info(0)['modality_paths']) == ['rgb']
    assert data.get_data_info(0)['seg_map_path'].endswith('label/1.png')


@pytest.mark.shared_data
def test_real_samples_go_through_a_training_pipeline(nyudv2_half):
    root = nyudv2_half
    names = [line.split('\t')[1] for line in (root / 'classes40.txt').open()]
    assert [name.strip() for name in names] == list(NYUDv2Dataset.METAINFO['classes'])

    pipeline = [
        dict(type='LoadModalities'),
        dict(type='LoadAnnotations'),
        dict(
            type='RandomResize', scale=(320, 240), ratio_range=(0.5, 2.0), min_side=175
        ),
        dict(type='RandomCrop', crop_size=(250, 250), cat_max_ratio=0.75),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PhotoMetricDistortion'),
        dict(type='Pad', size=(250, 250)),
        dict(type='PackMultimodalInputs'),
    ]
    config = dict(
        type='NYUDv2Dataset', data_root=str(root), ann_file='train.txt', pipeline=[]
    )
    data = DATASETS.build(config)
    assert len(data) == 795
    transforms = [TRANSFORMS.build(step) for step in pipeline]
    for index in (0, 400, 794):
        sample = data[index]
        for transform in transforms:
            sample = transform(sample)
        inputs, labels = sample['inputs'], sample['data_samples'].gt_sem_seg.data
        assert inputs.shape == (4, 250, 250)
        depth = inputs[3][inputs[3] > 0]
        assert 0.3 < depth.min() < depth.max() < 12  # meters
        assert set(np.unique(labels)) <= {*range(40), 255}
