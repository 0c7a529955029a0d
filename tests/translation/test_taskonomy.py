import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_cen.translation.taskonomy import ALIASES, DOMAINS

RNG = np.random.default_rng(0)
STORED = dict(
    rgb=RNG.integers(0, 256, (16, 16, 3), np.uint8),
    depth_euclidean=RNG.integers(0, 5000, (16, 16), np.uint16),
    depth_zbuffer=RNG.integers(0, 5000, (16, 16), np.uint16),
    edge_texture=RNG.integers(0, 11355, (16, 16), np.uint16),
    edge_occlusion=RNG.integers(0, 11355, (16, 16), np.uint16),
    normal=RNG.integers(0, 256, (16, 16, 3), np.uint8),
    principal_curvature=RNG.integers(0, 256, (16, 16, 3), np.uint8),
    reshading=np.stack([RNG.integers(0, 256, (16, 16), np.uint8)] * 3, -1),
)
STORED['depth_euclidean'][4:7, 4:7] = 65535


@pytest.fixture
def root(tmp_path):
    for name, image in STORED.items():
        for stem in ('point_0_view_1', 'hall/point_12_view_0'):
            path = tmp_path / name / f'{stem}_domain_{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), image)
    (tmp_path / 'train.txt').write_text('point_0_view_1\nhall/point_12_view_0\n')
    return tmp_path


def build(root, sources, target, **kwargs):
    pipeline = [dict(type='LoadDomains'), dict(type='PackTranslationInputs')]
    return DATASETS.build(
        dict(
            type='TaskonomyDataset',
            data_root=str(root),
            sources=sources,
            target=target,
            pipeline=pipeline,
            serialize_data=False,
            **kwargs,
        )
    )


@pytest.mark.parametrize('ann_file', ['train.txt', ''])
def test_points_and_views_are_found_with_and_without_buildings(root, ann_file):
    dataset = build(root, ('shade', 'texture'), 'rgb', ann_file=ann_file)
    paths = {
        path
        for index in range(2)
        for path in dataset.get_data_info(index)['modality_paths'].values()
    }
    assert len(dataset) == 2
    assert paths == {
        str(root / name / f'{stem}_domain_{name}.png')
        for stem in ('point_0_view_1', 'hall/point_12_view_0')
        for name in ('reshading', 'edge_texture', 'rgb')
    }


@pytest.mark.parametrize('name', DOMAINS)
def test_every_domain_is_a_source_in_its_range(root, name):
    dataset = build(root, (name,), 'rgb' if name != 'rgb' else 'normal')
    inputs = dataset[0]['inputs'].numpy()
    assert np.abs(inputs).max() <= 1.0
    assert inputs.std() > 0.1
    stored = STORED[name].astype(float)
    expected = {
        'edge_texture': lambda: stored / 11355 * 2 - 1,
        'edge_occlusion': lambda: stored / 11355 * 2 - 1,
        'reshading': lambda: stored[..., 0] / 127.5 - 1,
        'depth_zbuffer': lambda: np.log(1 + stored) / 11.1 * 2 - 1,
        'principal_curvature': lambda: (
            (stored[..., [2, 1]] / 127 - 1).clip(-1, 1).transpose(2, 0, 1)
        ),
    }.get(name)
    if expected:
        np.testing.assert_allclose(inputs.squeeze(), expected(), atol=1e-5)


def test_the_names_of_the_paper_mean_the_same(root):
    for alias, name in ALIASES.items():
        one, other = (build(root, (n,), 'rgb')[0]['inputs'] for n in (alias, name))
        np.testing.assert_array_equal(one, other)


def test_no_data_is_unknown_as_target_and_filled_as_source(root):
    sample = build(root, ('rgb',), 'depth')[0]['data_samples']
    known = STORED['depth_euclidean'] < 65535
    np.testing.assert_array_equal(sample.gt_valid.data[0], known)
    inputs = build(root, ('depth',), 'rgb')[0]['inputs'][0].numpy()
    assert inputs[~known].max() <= inputs[known].max()


@pytest.mark.parametrize('name', ['depth', 'depth_euclidean'])
def test_depth_by_its_metric_range(root, name):
    metric = {name: dict(range=(0, 8), log_unit=None)}
    inputs = build(root, ('depth',), 'rgb', domains=metric)[0]['inputs'][0].numpy()
    stored = STORED['depth_euclidean']
    known = stored < 65535
    expected = (stored / 512).clip(0, 8) / 4 - 1
    np.testing.assert_allclose(inputs[known], expected[known], atol=1e-6)


def test_eight_bit_depth_is_refused(root):
    path = root / 'depth_euclidean/point_0_view_1_domain_depth_euclidean.png'
    assert cv2.imwrite(str(path), STORED['rgb'][..., 0])
    with pytest.raises(ValueError, match='must hold uint16, got uint8'):
        build(root, ('depth',), 'rgb', ann_file='train.txt')[0]


def test_a_folder_is_that_of_both_names_of_a_domain(root):
    prefixes = dict(reshading='no_folder')
    for name in ('shade', 'reshading'):
        with pytest.raises(FileNotFoundError, match=r'got .*no_folder'):
            build(root, (name,), 'rgb', data_prefix=prefixes)
    without = build(root, ('rgb',), 'reshading', data_prefix=dict(reshading=None))
    assert 'gt_image' not in without[0]['data_samples']
