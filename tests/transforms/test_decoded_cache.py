import multiprocessing
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import LoadAnnotations, LoadModalities, decoded_cache
from mmseg_cen.transforms.decoded_cache import (
    ACCOUNT,
    Decoded,
    DecodedCache,
    open_cache,
)
from mmseg_cen.transforms.decoded_entry import read_entry

RNG = np.random.default_rng(0)
H, W = 6, 8


@pytest.fixture(autouse=True)
def _files_of_a_test_are_settled(monkeypatch):
    monkeypatch.setattr(decoded_cache, 'SETTLED', 0)
    monkeypatch.setattr(decoded_cache, '_prepared', set())


def integers(dtype, *channels):
    return RNG.integers(0, np.iinfo(dtype).max, (H, W, *channels), dtype)


def entries(folder):
    return sorted(folder.glob('*.npy'))


def total(folder):
    """Bytes of all files in a folder, unfinished ones included."""
    files = [path for path in folder.iterdir() if path.name != ACCOUNT]
    return sum(path.stat().st_size for path in files)


def never():
    raise AssertionError('it is decoded once more')


def fill(cache, folder, numbers):
    """Fetch files that hold their number in each pixel."""
    for number in numbers:
        path = folder / f'{number}.raw'
        if not path.exists():
            path.touch()
        array = np.full((H, W), number, np.uint16)
        cache.fetch(str(path), (), lambda array=array: Decoded(array))


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(integers(np.uint8, 3)).save(path, exif=exif)


def tiff_of_bands(path):
    pytest.importorskip('tifffile').imwrite(path, integers(np.uint16, 5))


FILES = {
    'picture.jpg': (lambda p: cv2.imwrite(p, integers(np.uint8, 3)), 'rgb', {}),
    'gray.png': (lambda p: cv2.imwrite(p, integers(np.uint8)), 'rgb', {}),
    'turned.jpg': (turned, 'rgb', dict(orientation='apply')),
    'depth.png': (lambda p: cv2.imwrite(p, integers(np.uint16)), 'depth', {}),
    'filled.png': (
        lambda p: cv2.imwrite(
            p, integers(np.uint16) * RNG.integers(0, 2, (H, W), np.uint16)
        ),
        'depth',
        dict(scale=1e-3, fill='nearest', invalid=65535),
    ),
    'mask.png': (lambda p: cv2.imwrite(p, integers(np.uint8)), 'mask', {}),
    'four.png': (
        lambda p: cv2.imwrite(p, integers(np.uint8, 4)),
        'x',
        dict(channels=4),
    ),
    'float.tif': (lambda p: cv2.imwrite(p, RNG.random((H, W), np.float32)), 'x', {}),
    'bands.tif': (tiff_of_bands, 'x', dict(channels=5)),
    'order.npy': (
        lambda p: np.save(p, np.asfortranarray(RNG.random((H, W, 2)).astype('>f8'))),
        'x',
        dict(channels=2),
    ),
    'named.npz': (
        lambda p: np.savez(p, a=integers(np.int32), b=integers(np.uint8)),
        'x',
        dict(key='a'),
    ),
}


@pytest.mark.parametrize('name', FILES)
def test_a_modality_from_the_cache_is_that_of_the_file(tmp_path, monkeypatch, name):
    write, modality, options = FILES[name]
    path = str(tmp_path / name)
    write(path)
    sample = dict(
        modalities=build_modalities({modality: options}),
        modality_paths={modality: path},
    )
    load = LoadModalities(cache=str(tmp_path / 'cache'))
    expected = LoadModalities().transform(dict(sample))
    load.transform(dict(sample))
    assert len(entries(tmp_path / 'cache')) == 1
    monkeypatch.setattr('mmengine.fileio.get', never)
    found = load.transform(dict(sample))
    for key in ('image', 'valid', 'orientation'):
        one, other = (getattr(r['loaded'][modality], key) for r in (found, expected))
        np.testing.assert_array_equal(one, other, strict=True)
    assert found['img'].flags.writeable
    assert found['img'].flags.c_contiguous


@pytest.mark.parametrize('backend', ['pillow', 'cv2'])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_labels_from_the_cache_are_those_of_the_file(
    tmp_path, monkeypatch, backend, dtype
):
    path = str(tmp_path / 'labels.png')
    cv2.imwrite(path, integers(np.uint8).astype(dtype) // 16)
    sample = dict(seg_map_path=path, img_path=path, num_classes=16)
    options = dict(imdecode_backend=backend)
    load = LoadAnnotations(cache=dict(folder=str(tmp_path / 'cache')), **options)
    expected = LoadAnnotations(**options).read(sample)
    load.read(sample)
    monkeypatch.setattr('mmengine.fileio.get', never)
    np.testing.assert_array_equal(load.read(sample), expected, strict=True)
    with pytest.raises(ValueError, match=r'labels must be 0\.\.2 or 255'):
        load.read({**sample, 'num_classes': 3})


def test_a_file_is_another_one_to_other_decoders(tmp_path):
    path = str(tmp_path / 'gray.png')
    cv2.imwrite(path, integers(np.uint8))
    load = LoadModalities(cache=str(tmp_path / 'cache'))
    for name in ('rgb', 'mask'):
        sample = dict(modalities=build_modalities((name,)), modality_paths={name: path})
        assert load.transform(sample)['img'].ndim == (3 if name == 'rgb' else 2)


def test_a_changed_file_is_decoded_anew_and_takes_the_place_of_its_entry(tmp_path):
    """Also where size and time of modification are as before, as in archives."""
    path = tmp_path / 'a.npy'
    sample = dict(modalities=build_modalities(('x',)), modality_paths=dict(x=str(path)))
    load = LoadModalities(cache=str(tmp_path / 'cache'))
    written = 0
    for value in (1, 2):
        while not path.exists() or path.stat().st_ctime_ns == written:  # of one tick
            np.save(path, np.full((H, W), value, np.uint8))
            os.utime(path, (0, 0))
        written = path.stat().st_ctime_ns
        assert (load.transform(dict(sample))['img'] == value).all()
    assert len(entries(tmp_path / 'cache')) == 1
    assert int((tmp_path / 'cache' / ACCOUNT).read_text()) == total(tmp_path / 'cache')


def test_a_file_that_may_be_changing_is_not_added(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded_cache, 'SETTLED', 10**12)
    fill(DecodedCache(tmp_path / 'cache'), tmp_path, [1])
    assert not entries(tmp_path / 'cache')


def test_a_missing_file_is_the_error_that_it_is_without_a_cache(tmp_path):
    sample = dict(
        modalities=build_modalities(('x',)), modality_paths=dict(x='missing.png')
    )
    with pytest.raises(FileNotFoundError, match=r'missing\.png'):
        LoadModalities(cache=str(tmp_path / 'cache')).transform(sample)


def test_a_modality_without_a_file_is_absent_with_a_cache_too(tmp_path):
    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, integers(np.uint8, 3))
    sample = dict(
        modalities=build_modalities(('rgb', 'depth')),
        modality_paths=dict(rgb=path),
        absent=('depth',),
    )
    load = LoadModalities(cache=str(tmp_path / 'cache'))
    for _ in range(2):
        assert not load.transform(dict(sample))['loaded']['depth'].valid.any()


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[:-9],
        lambda content: b'',
        lambda content: content[:150] + bytes([content[150] ^ 1]) + content[151:],
        lambda content: content.replace(b"'<u2'", b"'<i2'"),
    ],
)
def test_a_damaged_entry_is_removed_and_the_file_decoded_anew(tmp_path, warned, damage):
    cache = DecodedCache(tmp_path / 'cache')
    fill(cache, tmp_path, [7])
    (entry,) = entries(tmp_path / 'cache')
    content = entry.read_bytes()
    entry.write_bytes(damage(content))
    fill(cache, tmp_path, [7])
    assert entry.read_bytes() == content
    assert len(warned) == 1
    assert 'damaged entries' in warned[0]


def test_a_full_cache_stays_as_it_is_and_says_so_once(tmp_path, warned):
    folder = tmp_path / 'cache'
    fill(DecodedCache(folder), tmp_path, [1])
    size = total(folder)
    caches = [DecodedCache(folder, 2.5 * size) for _ in range(2)]
    for cache in caches:
        fill(cache, tmp_path, range(2, 6))
    assert total(folder) == 2 * size
    assert len(warned) == 1
    assert f'as full as `max_bytes`, {int(2.5 * size)}, allows' in warned[0]
    caches[0].fetch(str(tmp_path / '1.raw'), (), never)


def test_a_lower_limit_removes_the_oldest_entries(tmp_path):
    folder = tmp_path / 'cache'
    cache = DecodedCache(folder)
    for number in range(3):
        fill(cache, tmp_path, [number])
        newest = [path for path in entries(folder) if path.stat().st_mtime > 1000]
        os.utime(newest[0], (number, number))
    DecodedCache(folder, total(folder) - 1)
    cache.fetch(str(tmp_path / '1.raw'), (), lambda: never())
    assert len(entries(folder)) == 2


def test_a_full_disk_ends_no_training(tmp_path, warned, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(decoded_cache, 'write_atomically', full)
    folder = tmp_path / 'cache'
    monkeypatch.setattr(DecodedCache, '_prepare', lambda self: folder.mkdir())
    cache = DecodedCache(folder)
    (folder / ACCOUNT).write_text('0')
    fill(cache, tmp_path, [1, 2])
    fill(DecodedCache(folder), tmp_path, [3])
    assert len(warned) == 1
    assert 'No space left on device' in warned[0]


def test_a_cache_that_is_removed_meanwhile_ends_no_training(tmp_path, warned):
    folder = tmp_path / 'cache'
    cache = DecodedCache(folder)
    fill(cache, tmp_path, [1])
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    fill(cache, tmp_path, [1, 2])


def _add_many(folder, files, numbers, limit):
    fill(DecodedCache(folder, limit), files, numbers)


def test_several_processes_keep_one_limit(tmp_path):
    folder = tmp_path / 'cache'
    fill(DecodedCache(folder), tmp_path, [0])
    limit = 20.5 * total(folder)
    context = multiprocessing.get_context('fork')
    several = [
        context.Process(
            target=_add_many, args=(folder, tmp_path, range(start, start + 12), limit)
        )
        for start in (0, 4, 40)
    ]
    for process in several:
        process.start()
    for process in several:
        process.join()
    assert [process.exitcode for process in several] == [0, 0, 0]
    assert 0 < total(folder) <= limit
    assert not [*folder.glob('.*.part')]


def _end_while_writing(folder, files):
    """Add an entry, and be killed when half of a second one is written."""
    cache = DecodedCache(folder)
    fill(cache, files, [1])
    write = Path.write_bytes

    def write_half(path, content):
        if '.npy' not in path.name:
            write(path, content)
        else:
            write(path, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    Path.write_bytes = write_half
    fill(cache, files, [2])


def test_a_killed_process_leaves_whole_entries(tmp_path):
    folder = tmp_path / 'cache'
    process = multiprocessing.get_context('fork').Process(
        target=_end_while_writing, args=(folder, tmp_path)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len([*folder.glob('.*.part')]) == 1
    assert len(entries(folder)) == 1
    assert int((folder / ACCOUNT).read_text()) >= total(folder)
    cache = DecodedCache(folder)
    assert not [*folder.glob('.*.part')]
    assert int((folder / ACCOUNT).read_text()) == total(folder)
    cache.fetch(str(tmp_path / '1.raw'), (), never)
    fill(cache, tmp_path, [2])
    array = cache.fetch(str(tmp_path / '2.raw'), (), never).array
    assert (array == 2).all()


def test_an_entry_is_a_file_of_an_array_for_other_programs(tmp_path):
    fill(DecodedCache(tmp_path / 'cache'), tmp_path, [5])
    (entry,) = entries(tmp_path / 'cache')
    assert (np.load(entry, mmap_mode='r') == np.full((H, W), 5, np.uint16)).all()
    assert read_entry(entry, bytes(16)) is None


@pytest.mark.parametrize(
    ('cache', 'backend_args', 'message'),
    [
        ('{file}/folder', None, r'must be one that can be written to and locked, got'),
        (3, None, '`folder` of a cache must be a path, got 3'),
        (
            dict(folder='{new}', max_bytes=0),
            None,
            '`max_bytes` of a cache must be',
        ),
        (dict(folder='{new}', size=1), None, r'`cache` must be a folder, or dict\(fol'),
        (dict(max_bytes=1), None, '`cache` must be a folder, or dict'),
        ('{new}', dict(backend='http'), '`cache` must be of local files, got backend'),
    ],
)
def test_a_cache_that_cannot_be_used_is_refused(tmp_path, cache, backend_args, message):
    (tmp_path / 'file').touch()
    names = dict(file=tmp_path / 'file', new=tmp_path / 'new')
    if isinstance(cache, str):
        cache = cache.format(**names)
    elif 'folder' in (cache if isinstance(cache, dict) else {}):
        cache = {**cache, 'folder': cache['folder'].format(**names)}
    for transform in (LoadModalities, LoadAnnotations):
        with pytest.raises(ValueError, match=message):
            transform(backend_args=backend_args, cache=cache)


def test_a_file_elsewhere_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be of local files, got 's3://a\.png'"):
        open_cache(str(tmp_path)).fetch('s3://a.png', (), never)
