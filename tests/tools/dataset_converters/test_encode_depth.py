import json
import os

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import build_modalities
from mmseg_cen.transforms import encode_depth
from mmseg_cen.transforms.reading import load
from mmseg_cen.transforms.surface import Camera

SIZE = (48, 64)
CAMERA = Camera(fx=120, fy=122, cx=62.5, cy=46.5, width=128, height=96)
OPTIONS = ['--camera', 120, 122, 62.5, 46.5, 128, 96, '--scale', 0.001]


@pytest.fixture
def source(tmp_path):
    """Depth maps with a hole, at half the size of the camera's."""
    root = tmp_path / 'source'
    rng = np.random.default_rng(0)
    for stem in ('a', 'b/c', 'd'):
        depth = rng.integers(800, 4000, SIZE).astype(np.uint16)
        depth[:9, :9] = 0
        path = root / f'depth/{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), depth)
    (root / 'train.txt').write_text('a\nb/c\n')
    (root / 'val.txt').write_text('d\n')
    return root


@pytest.mark.parametrize('encoding', ['hha', 'turbo', 'minmax', 'log', 'inverse'])
def test_a_modality_with_the_printed_options_is_the_encoding(
    source, tmp_path, convert, read, encoding
):
    out = tmp_path / 'out'
    options = OPTIONS if encoding == 'hha' else OPTIONS[-2:]
    status, report = convert(source, out, '--encoding', encoding, *options)
    assert status == 0
    assert (out / 'train.txt').read_text() == 'a\nb/c\n'
    lines = [line for line in report.splitlines() if line.startswith('modalities=')]
    modality = build_modalities(eval(f'dict({lines[0]})')['modalities'])[encoding]
    got = load(encoding, modality, str(out / encoding / 'b/c.png')).image
    meters = read(source / 'depth/b/c.png') * np.float32(0.001)
    expected = encode_depth(meters, encoding, CAMERA)
    if expected.ndim == 3:
        np.testing.assert_array_equal(got[..., ::-1], expected)
    else:
        np.testing.assert_allclose(got, expected, atol=0.51e-4)


def test_the_printed_folder_is_found_from_the_folder_that_was_read(
    source, tmp_path, convert, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    options = ('--encoding', 'log', '--scale', 0.001)
    printed = convert('source', 'source/encoded', *options)[1]
    assert "data_prefix=dict(log='encoded/log')" in printed
    printed = convert('source', 'elsewhere', *options)[1]
    assert f"data_prefix=dict(log='{tmp_path}/elsewhere/log')" in printed
    monkeypatch.chdir(source)  # the same data set, from within
    assert convert('.', 'encoded', *options)[0] == 0


def test_gravity_of_a_mounted_camera(source, tmp_path, convert, read):
    gravity = (0, 0.8, 0.6)
    status, _ = convert(source, tmp_path / 'out', *OPTIONS, '--gravity', *gravity)
    assert status == 0
    meters = read(source / 'depth/a.png') * np.float32(0.001)
    expected = encode_depth(meters, 'hha', CAMERA, gravity=gravity)
    got = read(tmp_path / 'out/hha/a.png')
    np.testing.assert_array_equal(got[..., ::-1], expected)


def test_values_of_no_depth_are_doubted_until_they_are_named(
    source, tmp_path, convert, read
):
    depth = np.full(SIZE, 2000, np.uint16)
    depth += np.arange(SIZE[1], dtype=np.uint16)
    depth[:9] = 65535
    assert cv2.imwrite(str(source / 'depth/a.png'), depth)
    options = ['--encoding', 'inverse', '--scale', 0.001]
    report = convert(source, tmp_path / 'out', *options)[1]
    assert 'WARNING: ' in report
    assert '--depth-invalid 65535' in report
    assert (read(tmp_path / 'out/inverse/a.png')[:9] > 0).all()
    options += ['--depth-invalid', 65535]
    status, report = convert(source, tmp_path / 'out', *options)
    assert status == 0
    assert 'WARNING' not in report
    encoded = read(tmp_path / 'out/inverse/a.png')
    assert (encoded[:9] == 0).all()
    np.testing.assert_allclose(encoded[9:], 1e7 / depth[9:], atol=1)
    with pytest.raises(SystemExit, match='must be values that uint16 can hold'):
        convert(source, tmp_path / 'out', *options[:-1], '65536')


def test_missing_depth_is_filled_if_asked(source, tmp_path, convert, read):
    options = ('--encoding', 'log', '--scale', 0.001)
    convert(source, tmp_path / 'out', *options)
    convert(source, tmp_path / 'filled', *options, '--missing', 'nearest')
    assert not read(tmp_path / 'out/log/a.png')[:9, :9].any()
    assert read(tmp_path / 'filled/log/a.png').all()


def test_an_encoding_beyond_sixteen_bits_is_named_and_not_clipped(
    source, tmp_path, convert
):
    near = np.full(SIZE, 100, np.uint16)  # 0.1 m: its inverse is 10/m
    assert cv2.imwrite(str(source / 'depth/d.png'), near)
    options = ('--encoding', 'inverse', '--scale', 0.001)
    status, report = convert(source, tmp_path / 'out', *options)
    assert status == 1
    assert 'd.png: inverse must be at most 6.5535' in report
    assert 'got 10: is --scale right?' in report


def test_stopped_and_started_again_it_writes_the_same_bytes(
    source, tmp_path, convert, tree
):
    convert(source, tmp_path / 'whole', *OPTIONS)
    out = tmp_path / 'out'
    hidden = source / 'hidden.png'
    os.replace(source / 'depth/d.png', hidden)
    assert convert(source, out, *OPTIONS)[0] == 1
    assert not (out / 'meta.json').exists()
    (out / 'hha/.d.png.1.part').write_bytes(b'half')
    os.replace(hidden, source / 'depth/d.png')
    status, report = convert(source, out, *OPTIONS)
    assert status == 0
    assert '2 samples were finished before' in report
    assert tree(out) == tree(tmp_path / 'whole')
    assert convert(out, '--check')[0] == 0
    (out / 'hha/a.png').unlink()
    assert convert(out, '--check')[0] == 1


def test_unit_suffix_and_groups_are_those_of_the_prepared_folder(
    source, tmp_path, convert, tree
):
    convert(source, tmp_path / 'given', '--encoding', 'log', '--scale', 0.001)
    samples = [
        dict(stem=stem, split='train', size=SIZE, groups=dict(camera='kv2'))
        for stem in ('a', 'b/c', 'd')
    ]
    folders = dict(
        depth=dict(scale=0.001, suffix='.png'),
        inverse_depth=dict(scale=1e-5, unit='1e-5/m'),
    )
    (source / 'meta.json').write_text(
        json.dumps(dict(folders=folders, splits=dict(train=3), samples=samples))
    )
    assert convert(source, tmp_path / 'out', '--encoding', 'log')[0] == 0
    meta = json.loads((tmp_path / 'out/meta.json').read_text())
    assert meta['samples'][0]['groups'] == dict(camera='kv2')
    one, other = tree(tmp_path / 'out'), tree(tmp_path / 'given')
    assert one['log/b/c.png'] == other['log/b/c.png']
    with pytest.raises(SystemExit, match='must hold depth'):
        convert(
            source, tmp_path / 'no', '--encoding', 'log', '--depth', 'inverse_depth'
        )


def test_a_damaged_depth_map_is_named(source, tmp_path, convert):
    path = source / 'depth/d.png'
    path.write_bytes(path.read_bytes()[:-30])
    status, report = convert(source, tmp_path / 'out', *OPTIONS)
    assert status == 1
    assert 'd.png must be a complete image file' in report


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--encoding', 'log'], 'give the meters'),
        (['--scale', 0.001], 'needs the camera'),
        (['--scale', 0.001, '--camera', 1, 2], "'nyudv2'"),
        (['--scale', 0, '--encoding', 'log'], 'must be positive'),
        (['--scale', 1, '--encoding', 'log', '--range', 1, 2], 'depth_range'),
    ],
)
def test_options_without_meaning_are_refused(
    source, tmp_path, convert, options, message
):
    with pytest.raises(SystemExit, match=message):
        convert(source, tmp_path / 'out', *options)


def test_the_data_itself_is_not_written_to(source, convert):
    with pytest.raises(SystemExit, match='must not be the folder to read'):
        convert(source, source, *OPTIONS)
