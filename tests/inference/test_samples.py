"""Files, folders and arrays are paired to samples."""

import cv2
import numpy as np
import pytest

from mmseg_cen.inference import samples as samples_module
from mmseg_cen.inference import sources as sources_module
from mmseg_cen.inference.samples import collect
from mmseg_cen.modality import build_modalities

MODALITIES = build_modalities(dict(rgb={}, depth={}))
IMAGE = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def place(tmp_path):
    def place(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return place


def pairs(given):
    """Names, and what the samples are made of."""
    return {one.name: one.items for one in given}


def test_folders_are_paired_by_stem_below_them_and_what_is_alone_is_named(
    place, monkeypatch
):
    said = []
    monkeypatch.setattr(samples_module, 'print_log', lambda text, *_: said.append(text))
    root = place(
        'rgb/a/1.jpg', 'rgb/b/1.jpg', 'rgb/c.jpg', 'rgb/notes.txt',
        'depth/a/1.png', 'depth/b/1.tif', 'depth/d.png',
    )  # fmt: skip
    given = pairs(collect(dict(rgb=root / 'rgb', depth=root / 'depth'), MODALITIES))
    assert list(given) == ['a/1', 'b/1']
    assert given['b/1']['depth'].endswith('depth/b/1.tif')
    assert ': c; ' in said[0]
    assert said[0].endswith(': d')


def test_twice_as_many_files_are_twice_the_work(place, monkeypatch):
    """Hashes and comparisons of keys are counted."""

    class Key(str):
        count = 0

        def __eq__(self, other):
            Key.count += 1
            return str.__eq__(self, other)

        def __hash__(self):
            Key.count += 1
            return str.__hash__(self)

    stem = sources_module._stem
    monkeypatch.setattr(sources_module, '_stem', lambda *args: Key(stem(*args)))
    monkeypatch.setattr(samples_module, 'print_log', lambda *_: None)
    counts = []
    for n in (20, 40):
        names = [f'{n}/{k:02d}.png' for k in range(n)]
        root = place(*(f'rgb/{name}' for name in names))
        place(*(f'depth/{name}' for name in names[1:]), f'depth/{n}/alone.png')
        Key.count = 0
        collect(dict(rgb=root / f'rgb/{n}', depth=root / f'depth/{n}'), MODALITIES)
        counts.append(Key.count)
    assert counts[1] < 2.5 * counts[0]


def test_stars_of_patterns_are_what_pairs_files(place):
    root = place('x_rgb.png', 'x_depth16.png', 'y_rgb.png', 'y_depth16.png')
    inputs = dict(rgb=f'{root}/*_rgb.png', depth=f'{root}/*_depth16.png')
    given = pairs(collect(inputs, MODALITIES))
    assert list(given) == ['x', 'y']
    assert given['y']['depth'] == f'{root}/y_depth16.png'
    place('s/1/rgb/a.png', 's/1/depth/a.png', 's/2/rgb/a.png', 's/2/depth/a.png')
    inputs = dict(rgb=f'{root}/s/*/rgb/*.png', depth=f'{root}/s/**/depth/*.png')
    assert list(pairs(collect(inputs, MODALITIES))) == ['1/a', '2/a']


def test_slashes_that_are_doubled_change_no_name(place):
    root = place('rgb/1.png', 'rgb/2.png', 'depth/1.png', 'depth/2.png')
    inputs = dict(rgb=f'{root}/rgb//*.png', depth=f'{root}//depth/*.png')
    assert [one.name for one in collect(inputs, MODALITIES)] == ['1', '2']


def test_what_stars_match_is_no_name_if_it_would_be_hidden(place):
    root = place('room.png', 'room.2.png', 'room3.png', 'd.png', 'd.2.png', 'd3.png')
    found = collect(dict(rgb=f'{root}/room*.png', depth=f'{root}/d*.png'), MODALITIES)
    assert {one.name for one in found} == {'room', 'room.2', 'room3'}
    for one in found:
        numbers = (one.items[n].removeprefix(f'{root}/') for n in ('rgb', 'depth'))
        assert len({name.lstrip('rdom') for name in numbers}) == 1


def test_brackets_of_folders_that_exist_are_no_pattern(place):
    root = place('a [1]/x_rgb.png', 'a [1]/x_depth.png', 'b1/y_rgb.png', 'b1/y_d.png')
    for folder, end, name in (('a [1]', 'depth', 'x'), ('b[1]', 'd', '1/y')):
        inputs = dict(
            rgb=f'{root}/{folder}/*_rgb.png', depth=f'{root}/{folder}/*_{end}.png'
        )
        (one,) = collect(inputs, MODALITIES)
        assert one.name == name


def test_wildcards_side_by_side_make_one_name(place):
    root = place('0012_rgb.png', '0012_depth.png', '0731_rgb.png', '0731_depth.png')
    found = collect(
        dict(rgb=f'{root}/0[0-9]?*_rgb.png', depth=f'{root}/0[!a]??_depth.png'),
        MODALITIES,
    )
    assert [one.name for one in found] == ['012', '731']


def test_lists_are_paired_by_stem_or_else_by_order(place):
    root = place('1.jpg', '2.jpg', '1.png', '2.png', 'p.png', 'q.png')
    rgb = [root / '1.jpg', root / '2.jpg']
    crossed, others = ([root / f'{k}.png' for k in names] for names in ('21', 'qp'))
    by_stem = pairs(collect(dict(rgb=rgb, depth=crossed), MODALITIES))
    assert by_stem['1']['depth'] == root / '1.png'
    by_order = pairs(collect(dict(rgb=rgb, depth=others), MODALITIES))
    assert by_order['1']['depth'] == root / 'q.png'


def test_samples_of_one_name_have_different_names(place):
    root = place('a/1.png', 'b/1.png')
    rows = [dict(rgb=str(root / f'{f}/1.png')) for f in 'ab']
    assert list(pairs(collect(rows, MODALITIES))) == ['a/1', 'b/1']
    again = [one.name for one in collect([rows[0], rows[0], rows[1]], MODALITIES)]
    assert len({*again}) == 3


def test_arrays_are_numbered_and_archives_hold_a_sample(tmp_path):
    given = collect(dict(rgb=[IMAGE, IMAGE], depth=[IMAGE[..., 0]] * 2), MODALITIES)
    assert [one.name for one in given] == ['000000', '000001']
    rgb = IMAGE.copy()
    rgb[..., 0] = 9  # red
    np.savez(tmp_path / 's.npz', rgb=rgb, depth=IMAGE[..., 0])
    (one,) = collect(tmp_path / 's.npz', MODALITIES)
    assert one.name == 's'
    assert one.sources(('rgb', 'depth'))['rgb'][0, 0].tolist() == [0, 0, 9]


def test_arrays_of_archives_that_are_no_pictures_stay_as_they_are(tmp_path):
    arrays = dict(
        rgb=IMAGE,
        normal=np.arange(48, dtype=np.float32).reshape(4, 4, 3),
        nir=np.arange(64, dtype=np.uint8).reshape(4, 4, 4),
    )
    np.savez(tmp_path / 's.npz', **arrays)
    modalities = build_modalities({name: {} for name in arrays})
    (one,) = collect(tmp_path / 's.npz', modalities)
    sources = one.sources(list(arrays))
    for name, array in arrays.items():
        np.testing.assert_array_equal(sources[name], array)


def test_frames_of_a_video_go_with_the_files_of_a_folder_in_order(tmp_path, place):
    path = str(tmp_path / 'clip.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 5, (32, 32))
    for k in range(3):
        writer.write(np.full((32, 32, 3), 80 * k, np.uint8))
    writer.release()
    root = place('depth/1.png', 'depth/2.png', 'depth/3.png')
    given = collect(dict(rgb=path, depth=str(root / 'depth')), MODALITIES)
    assert [one.name for one in given] == [f'clip_{k:06d}' for k in range(3)]
    # Frames may be passed over, and read again.
    for k in (0, 2, 1):
        frame = given[k].sources(('rgb', 'depth'))['rgb']
        assert abs(frame.mean() - 80 * k) < 4
        assert given[k].items['depth'].endswith(f'{k + 1}.png')
    place('depth/4.png')
    with pytest.raises(ValueError, match=r'got 3 of rgb, .*clip.avi.*, 4 of depth, '):
        collect(dict(rgb=path, depth=str(root / 'depth')), MODALITIES)


def test_frames_go_with_files_by_their_numbers_not_by_their_spelling(place):
    root = place(*(f'depth/{k}.png' for k in range(1, 12)))
    frames = [IMAGE + np.uint8(k) for k in range(1, 12)]
    given = collect(dict(rgb=frames, depth=str(root / 'depth')), MODALITIES)
    for k, one in enumerate(given, start=1):
        assert one.items['rgb'][0, 0, 0] == k
        assert one.items['depth'].endswith(f'/{k}.png')


def test_a_damaged_archive_is_named(tmp_path):
    np.savez(tmp_path / 'a.npz', rgb=IMAGE)
    np.savez(tmp_path / 'b.npz', rgb=np.array([['x']]))
    whole = (tmp_path / 'a.npz').read_bytes()
    collect(str(tmp_path), MODALITIES)
    (tmp_path / 'c.npz').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r'got a damaged one .*c\.npz: replace it'):
        collect(str(tmp_path), MODALITIES)
    (of_text,) = collect(str(tmp_path / 'b.npz'), MODALITIES)
    with pytest.raises(ValueError, match=r'rgb: .*b\.npz: .* must hold one array'):
        of_text.sources(('rgb', 'depth'))


def test_a_video_that_does_not_tell_its_length_is_refused(tmp_path):
    """As browsers record them; here, pictures one after another."""
    _, picture = cv2.imencode('.jpg', IMAGE)
    (tmp_path / 'clip.mpg').write_bytes(picture.tobytes() * 3)
    with pytest.raises(ValueError, match='must have the number of its frames'):
        collect(dict(rgb=str(tmp_path / 'clip.mpg')), MODALITIES)


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        (dict(rgb='nowhere.png'), "file of rgb must be a file, got 'nowhere.png'"),
        (dict(thermal='x.png'), r"of each of \['rgb', 'depth'\], got \['thermal'\]"),
        (dict(rgb=[]), '`rgb` must be a path'),
        (dict(rgb=np.zeros((2, 4, 4, 3))), r'\(2, 4, 4, 3\): write list'),
        ({}, 'write dict'),
        (7, 'got 7'),
        (dict(rgb='{root}/empty'), 'must lead to files, got none'),
        (dict(rgb='{root}/one', depth='{root}/two'), 'must have stems in common'),
        ('{root}/one', 'must be .npz files'),
        (dict(rgb='{root}/text.mp4'), 'must be one that OpenCV reads'),
        (dict(rgb='{root}/twice'), r"got several of \['a'\]"),
    ],
)
def test_wrong_inputs_are_refused_in_words(place, inputs, message):
    root = place('one/a.png', 'two/b.png', 'text.mp4', 'twice/a.png', 'twice/a.jpg')
    (root / 'empty').mkdir()
    if isinstance(inputs, dict):
        inputs = {
            key: value.format(root=root) if isinstance(value, str) else value
            for key, value in inputs.items()
        }
    elif isinstance(inputs, str):
        inputs = inputs.format(root=root)
    with pytest.raises((ValueError, OSError), match=message):
        collect(inputs, MODALITIES)
