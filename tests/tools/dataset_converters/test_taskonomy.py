import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.translation.taskonomy import TaskonomyDataset

DOMAINS = ('rgb', 'depth_euclidean', 'normal', 'keypoints2d')
BUILDINGS = ('allensville', 'beechwood', 'corozal', 'darden')
SIZE = (10, 10)
# Where the official downloads and tools put a file, and whether there are buildings.
LAYOUTS = {
    'omnidata': '{domain}/taskonomy/{building}',
    'domain': '{domain}/{building}',
    'tar': '{building}_{domain}',
    'tar_nested': '{building}_{domain}/{domain}',
    'model': '{building}/{domain}',
}


def drawn(building, point, view, domain):
    """The image as OpenCV has it, BGR."""
    seed = [BUILDINGS.index(building), point, view, DOMAINS.index(domain)]
    rng = np.random.default_rng(seed)
    if domain in ('rgb', 'normal'):
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        if domain == 'normal':
            image[:2] = 127
        return image
    image = rng.integers(1, 60000, SIZE, np.uint16)
    if domain == 'depth_euclidean':
        image[:3] = 65535
    return image


def write(root, layout=LAYOUTS['domain'], buildings=BUILDINGS, points=6, views=2):
    for building in buildings:
        for point in range(points):
            for view in range(views):
                for domain in DOMAINS:
                    folder = root / layout.format(domain=domain, building=building)
                    folder.mkdir(parents=True, exist_ok=True)
                    name = f'point_{point}_view_{view}_domain_{domain}.png'
                    image = drawn(building, point, view, domain)
                    assert cv2.imwrite(str(folder / name), image)
    return root


@pytest.fixture
def collect(convert):
    """Draw and convert; exit status and report."""

    def run(root, out, *options, train=8, val=4):
        return convert(root, out, '--train', train, '--val', val, *options)

    return run


def stems(out, split):
    return (out / f'{split}.txt').read_text().split()


@pytest.mark.parametrize('layout', LAYOUTS)
def test_files_arrive_unchanged_from_every_layout(collect, convert, tmp_path, layout):
    root, out = write(tmp_path / 'in', LAYOUTS[layout]), tmp_path / 'out'
    assert collect(root, out)[0] == 0
    assert [len(stems(out, split)) for split in ('train', 'val')] == [8, 4]
    for stem in stems(out, 'train') + stems(out, 'val'):
        building, name = stem.split('/')
        point, view = map(int, re.findall(r'\d+', name))
        for domain in DOMAINS:
            path = out / domain / f'{stem}_domain_{domain}.png'
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            expected = drawn(building, point, view, domain)
            assert image.dtype == expected.dtype
            np.testing.assert_array_equal(image, expected)
    assert convert(out, '--check')[0] == 0


def test_a_folder_to_write_may_lie_within_the_download(collect, tmp_path, tree):
    root = write(tmp_path / 'in')
    assert collect(root, root / 'small')[0] == 0
    written = tree(root / 'small')
    assert collect(root, root / 'small')[0] == 0
    assert tree(root / 'small') == written


def test_training_and_validation_show_different_buildings(collect, tmp_path):
    root, out = write(tmp_path / 'in'), tmp_path / 'out'
    collect(root, out)
    buildings = [
        {stem.split('/')[0] for stem in stems(out, split)} for split in ('train', 'val')
    ]
    assert not buildings[0] & buildings[1]
    assert all(buildings)


@pytest.mark.parametrize('layout', ['{domain}', '{domain}/{building}'])
def test_of_one_building_they_show_different_points(collect, tmp_path, layout):
    root = write(tmp_path / 'in', layout, BUILDINGS[:1])
    out = tmp_path / 'out'
    status, report = collect(root, out, train=6, val=4)
    assert status == 0
    points = [
        {stem.split('_view_')[0] for stem in stems(out, split)}
        for split in ('train', 'val')
    ]
    assert not points[0] & points[1]
    assert [len(stems(out, split)) for split in ('train', 'val')] == [6, 4]
    assert 'the same building' in report


def test_the_draw_depends_on_the_seed_alone(collect, tmp_path):
    root = write(tmp_path / 'in')
    moved = write(tmp_path / 'moved', LAYOUTS['tar'])
    lists = []
    for name, source, seed in [('a', root, 1), ('b', moved, 1), ('c', root, 2)]:
        collect(source, tmp_path / name, '--seed', str(seed))
        lists.append([stems(tmp_path / name, split) for split in ('train', 'val')])
    assert lists[0] == lists[1] != lists[2]


def path_of(root, building, point, view, domain):
    name = f'point_{point}_view_{view}_domain_{domain}.png'
    return root / domain / building / name


def truncate(path):
    path.write_bytes(path.read_bytes()[:-30])


def overwrite(image):
    return lambda path: cv2.imwrite(str(path), image)


DAMAGE = {
    'normal.* must be a complete': ('normal', truncate),
    'rgb.* must have the size|depth.* must have the size': (
        'rgb', overwrite(np.zeros((10, 9, 3), np.uint8)),
    ),
    'depth_euclidean.* must be uint16 with 1 channel': (
        'depth_euclidean', overwrite(np.zeros(SIZE, np.uint8)),
    ),
    'keypoints2d.* must be uint16 with 1 channel': (
        'keypoints2d', overwrite(np.zeros((*SIZE, 3), np.uint16)),
    ),
    'lack a domain; files of each: rgb 24': ('normal', Path.unlink),
}  # fmt: skip


@pytest.mark.parametrize('message', DAMAGE)
def test_damaged_samples_are_reported_and_replaced(collect, tmp_path, message):
    domain, damage = DAMAGE[message]
    root = write(tmp_path / 'in', buildings=BUILDINGS[:2])
    damage(path_of(root, 'allensville', 3, 1, domain))
    damage(path_of(root, 'beechwood', 2, 0, domain))
    out = tmp_path / 'out'
    status, report = collect(root, out, train=11, val=11)
    assert status == 0
    chosen = stems(out, 'train') + stems(out, 'val')
    assert len(chosen) == 22
    assert 'allensville/point_3_view_1' not in chosen
    assert 'beechwood/point_2_view_0' not in chosen
    assert re.search(message, report)


def test_too_few_samples_are_reported(collect, tmp_path):
    root, out = write(tmp_path / 'in', buildings=BUILDINGS[:2]), tmp_path / 'out'
    status, report = collect(root, out, train=13, val=4)
    assert status == 0
    assert 'train has 12 samples, 13 were wanted' in report


def test_domains_can_be_chosen_and_unknown_ones_are_named(collect, tmp_path):
    root, out = write(tmp_path / 'in'), tmp_path / 'out'
    assert collect(root, out, '--domains', 'rgb', 'normal')[0] == 0
    folders = {path.name for path in out.iterdir() if path.is_dir()}
    assert folders == {'rgb', 'normal'}
    with pytest.raises(
        SystemExit, match=r"got \['edge_occlusion'\]: choose from .*'normal': 48"
    ):
        collect(root, tmp_path / 'other', '--domains', 'rgb', 'edge')


def test_another_draw_into_the_same_folder_leaves_nothing_of_the_first(
    collect, convert, tmp_path, tree
):
    root, out, fresh = write(tmp_path / 'in'), tmp_path / 'out', tmp_path / 'fresh'
    collect(root, out, '--seed', '1')
    collect(root, out, '--seed', '2', train=5)
    assert convert(out, '--check')[0] == 0
    collect(root, fresh, '--seed', '2', train=5)
    assert tree(out) == tree(fresh)


def test_numbers_of_samples_must_not_be_negative(collect, tmp_path):
    with pytest.raises(SystemExit, match='must not be negative, got -1 and 4'):
        collect(tmp_path, tmp_path / 'out', train=-1)


def test_another_size_than_the_required_one_is_left_out(collect, tmp_path):
    root = write(tmp_path / 'in', buildings=BUILDINGS[:2])
    status, report = collect(root, tmp_path / 'out', '--size', '512')
    assert status == 1
    assert 'must have the size (512, 512), got (10, 10)' in report


def test_statistics_are_those_of_the_training_pixels_with_data(collect, tmp_path):
    root, out = write(tmp_path / 'in'), tmp_path / 'out'
    collect(root, out)
    statistics = json.loads((out / 'statistics.json').read_text())
    assert set(statistics) == set(DOMAINS)
    images = {domain: [] for domain in DOMAINS}
    for stem in stems(out, 'train'):
        building, name = stem.split('/')
        point, view = map(int, re.findall(r'\d+', name))
        for domain in DOMAINS:
            images[domain].append(drawn(building, point, view, domain))
    rgb = np.stack(images['rgb'])[..., ::-1].reshape(-1, 3)
    np.testing.assert_allclose(statistics['rgb']['mean'], rgb.mean(axis=0))
    np.testing.assert_allclose(statistics['rgb']['std'], rgb.std(axis=0))
    assert statistics['rgb']['no_data'] == 0
    depth = np.stack(images['depth_euclidean'])[:, 3:].ravel()
    assert statistics['depth_euclidean'] == dict(
        min=[depth.min()],
        max=[depth.max()],
        mean=[pytest.approx(depth.mean())],
        std=[pytest.approx(depth.std())],
        no_data=pytest.approx(0.3),
    )
    assert statistics['normal']['no_data'] >= 0.2


def test_the_data_set_of_translation_reads_what_was_collected(collect, tmp_path):
    root, out = write(tmp_path / 'in'), tmp_path / 'out'
    # By the names of the paper.
    assert collect(root, out, '--domains', 'rgb', 'depth', 'normal')[0] == 0
    data = TaskonomyDataset(
        ('depth', 'normal'), 'rgb', data_root=str(out), ann_file='val.txt'
    )
    stem = stems(out, 'val')[2]
    assert data.get_data_info(2)['modality_paths'] == dict(
        depth=f'{out}/depth_euclidean/{stem}_domain_depth_euclidean.png',
        normal=f'{out}/normal/{stem}_domain_normal.png',
        rgb=f'{out}/rgb/{stem}_domain_rgb.png',
    )


def test_validity_masks_are_a_domain_of_their_own(collect, tmp_path):
    root = write(tmp_path / 'in', '{domain}/taskonomy/{building}', BUILDINGS[:2])
    for path in sorted(root.glob('rgb/*/*/*.png')):
        name = path.name.replace('domain_rgb', 'domain_depth_zbuffer')
        mask = root / 'mask_valid' / 'taskonomy' / path.parent.name / name
        mask.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(mask), np.full(SIZE, 255, np.uint8))
    out = tmp_path / 'out'
    assert collect(root, out, '--domains', 'rgb', 'mask_valid')[0] == 0
    stem = stems(out, 'train')[0]
    assert (out / 'mask_valid' / f'{stem}_domain_depth_zbuffer.png').is_file()


def test_two_files_of_one_name_are_an_error(collect, tmp_path):
    root = write(tmp_path / 'in', buildings=BUILDINGS[:2])
    path = path_of(root, 'allensville', 0, 0, 'rgb')
    copy = root / 'taskonomy' / 'rgb' / 'allensville' / path.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    status, report = collect(root, tmp_path / 'out')
    assert status == 1
    assert 'must have one file of rgb' in report
