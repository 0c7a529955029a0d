import json
import os

import cv2
import numpy as np
import pytest

from mmseg_cen.transforms.surface import Camera
from mmseg_cen.translation import MultimodalTranslationDataset
from mmseg_cen.translation.derived import Derivation

SIZE = (30, 40)
CAMERA = Camera(fx=80, fy=80, cx=39.5, cy=29.5, width=80, height=60)
OPTIONS = ['--scale', 2e-4, '--camera', 80, 80, 39.5, 29.5, 80, 60]
RNG = np.random.default_rng(0)


@pytest.fixture
def source(tmp_path):
    """Depth maps with a hole and images, at half the size of the camera's."""
    root = tmp_path / 'source'
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for number, stem in enumerate(('a', 'b/c', 'd')):
        depth = (2 + np.sin(x / 9 + number) + y / 40) * 5000
        depth[3, 4] = 0
        rgb = RNG.integers(0, 256, (*SIZE, 3), np.uint8)
        for path, image in (
            (root / f'depth/{stem}.png', depth.astype(np.uint16)),
            (root / f'rgb/{stem}.jpg', rgb),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), image)
    (root / 'train.txt').write_text('a\nb/c\n')
    (root / 'val.txt').write_text('d\n')
    return root


def test_derived_files_hold_what_the_core_computes(source, tmp_path, convert, read):
    out = tmp_path / 'out'
    status, report = convert(source, out, *OPTIONS, '--smoothing', 1)
    assert status == 0
    assert 'train: 2 samples' in report
    assert (out / 'val.txt').read_text() == 'd\n'
    depth = read(source / 'depth/b/c.png') / np.float32(5000)
    depth[3, 4] = depth[3, 5]
    expected = Derivation(CAMERA, smoothing=1)(
        ['normal', 'shade', 'edge', 'texture'],
        depth=depth,
        rgb=read(source / 'rgb/b/c.jpg'),
    )
    near = np.ones(SIZE, bool)
    near[:8, :10] = False  # which neighbor fills the hole is not promised
    for name, scale, offset in (
        ('normal', 2 / 255, -1), ('shade', 1 / 255, 0), ('edge', 1 / 65535, 0),
        ('texture', 1 / 65535, 0),
    ):  # fmt: skip
        stored = read(out / name / 'b/c.png')
        if name == 'normal':
            stored = stored[..., ::-1]  # OpenCV reads BGR
        got = stored * scale + offset
        np.testing.assert_allclose(
            got[near], expected[name][near], atol=0.51 * scale + 1e-6, err_msg=name
        )


def test_unit_and_suffixes_are_those_of_a_prepared_folder(
    source, tmp_path, convert, tree
):
    options = ('--domains', 'edge', 'texture')
    convert(source, tmp_path / 'given', *options, '--scale', 2e-4)
    for folder, suffix in (('depth', '_d.png'), ('rgb', '.jpeg')):
        for path in [*(source / folder).rglob('*.*')]:
            path.rename(path.with_name(path.stem + suffix))
    folders = dict(depth=dict(scale=2e-4, suffix='_d.png'), rgb=dict(suffix='.jpeg'))
    meta = dict(folders=folders, splits={}, samples=[])
    (source / 'meta.json').write_text(json.dumps(meta))
    assert convert(source, tmp_path / 'out', *options)[0] == 0
    one, other = tree(tmp_path / 'out'), tree(tmp_path / 'given')
    pictures = {name for name in one if name.startswith(('edge/', 'texture/'))}
    assert len(pictures) == 6
    assert all(one[name] == other[name] for name in pictures)


def test_a_data_set_reads_them_as_meta_json_says(source, tmp_path, convert):
    out = tmp_path / 'out'
    assert convert(source, out, *OPTIONS, '--domains', 'normal', 'shade')[0] == 0
    written = json.loads((out / 'meta.json').read_text())['options']['domains']
    on_the_fly = dict(
        depth=dict(dtype='uint16', scale=2e-4, nodata=0, range=(0, 10)),
        normal=dict(derive='normal'),
        shade=dict(derive='shade'),
    )
    camera = dict(fx=80, fy=80, cx=39.5, cy=29.5, width=80, height=60)
    samples = [
        MultimodalTranslationDataset(
            ('normal',),
            'shade',
            domains=domains,
            data_root=str(root),
            ann_file='train.txt',
            pipeline=[
                dict(type='LoadDomains'), *derive, dict(type='PackTranslationInputs')
            ],
        )[0]
        for domains, root, derive in (
            (written, out, []),
            (on_the_fly, source, [dict(type='DeriveDomains', camera=camera)]),
        )
    ]  # fmt: skip
    one, other = (sample['inputs'] for sample in samples)
    np.testing.assert_allclose(one, other, atol=0.01)
    one, other = (sample['data_samples'].gt_image.data for sample in samples)
    np.testing.assert_allclose(one, other, atol=0.01)


def test_finished_samples_are_kept_and_changed_ones_derived_again(
    source, tmp_path, convert
):
    out = tmp_path / 'out'
    convert(source, out, *OPTIONS, '--domains', 'shade')
    times = {p.name: p.stat().st_mtime_ns for p in out.rglob('shade/**/*.png')}
    depth = cv2.imread(str(source / 'depth/d.png'), -1)
    cv2.imwrite(str(source / 'depth/d.png'), depth.T.copy().reshape(SIZE))
    _, report = convert(source, out, *OPTIONS, '--domains', 'shade')
    again = {p.name: p.stat().st_mtime_ns for p in out.rglob('shade/**/*.png')}
    assert '2 samples were finished before' in report
    assert {name for name in times if times[name] != again[name]} == {'d.png'}
    assert convert(out, '--check')[0] == 0


def test_without_lists_all_depth_maps_are_taken(source, tmp_path, convert):
    for path in source.glob('*.txt'):
        os.unlink(path)
    out = tmp_path / 'out'
    assert convert(source, out, '--domains', 'edge')[0] == 0
    assert (out / 'all.txt').read_text() == 'a\nb/c\nd\n'


def test_edges_alone_need_neither_camera_nor_image(source, tmp_path, convert):
    for path in source.rglob('*.jpg'):
        path.unlink()
    assert convert(source, tmp_path / 'out', '--domains', 'edge')[0] == 0


def test_a_missing_or_empty_depth_map_is_reported(source, tmp_path, convert):
    (source / 'depth/a.png').unlink()
    cv2.imwrite(str(source / 'depth/d.png'), np.zeros(SIZE, np.uint16))
    status, report = convert(source, tmp_path / 'out', '--domains', 'edge')
    assert status == 1
    assert 'a.png is missing' in report
    assert 'd.png must have a valid pixel' in report


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--domains', 'shade'], '--camera'),
        (['--camera', 'kinect'], "'nyudv2'"),
        (['--camera', '1', '2'], "'nyudv2'"),
        (['--domains', 'edge', '--smoothing', '-1'], 'smoothing'),
        (['--domains', 'edge', '--scale', '0'], 'scale'),
    ],
)
def test_options_without_meaning_are_refused(
    source, tmp_path, convert, options, message
):
    with pytest.raises(SystemExit) as error:
        convert(source, tmp_path / 'out', *options)
    assert message in str(error.value)


def test_the_data_itself_is_not_written_to(source, convert):
    with pytest.raises(SystemExit, match='must not be the folder to read'):
        convert(source, source, '--domains', 'edge')
