import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.disk import (
    find_files,
    read_text,
    remove_unfinished,
    replacing,
    set_aside,
    write_atomically,
    write_new,
    write_picture,
)


def names(root):
    return [path.relative_to(root).as_posix() for path in find_files(root)]


def test_links_are_followed_and_hidden_names_skipped(tmp_path):
    root, other = tmp_path / 'root', tmp_path / 'other'
    for name in (
        'b/1.png',
        'a.png',
        '._a.png',
        '.ipynb_checkpoints/a.png',
        '.DS_Store',
    ):
        write_atomically(root / name, b'')
    write_atomically(other / '2.png', b'')
    (root / 'linked').symlink_to(other)
    (root / 'c.png').symlink_to(other / '2.png')
    (root / 'dangling.png').symlink_to(other / 'gone.png')
    found = ['a.png', 'b/1.png', 'c.png', 'dangling.png', 'linked/2.png']
    assert names(root) == found


def test_a_link_to_a_folder_above_ends(tmp_path):
    write_atomically(tmp_path / 'a' / '1.png', b'')
    (tmp_path / 'a' / 'up').symlink_to(tmp_path)
    (tmp_path / 'b').symlink_to(tmp_path / 'a')
    assert names(tmp_path) == ['a/1.png', 'b/1.png']


def test_a_missing_folder_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder .* must exist, got '.*none'"):
        list(find_files(tmp_path / 'none'))


@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
def test_a_text_is_read_with_any_line_ends_and_a_byte_order_mark(tmp_path, end):
    path = tmp_path / 'a.txt'
    for encoding in ('utf-8', 'utf-8-sig'):
        path.write_bytes(f'ä{end}b{end}'.encode(encoding))
        assert read_text(path) == 'ä\nb\n'


@pytest.mark.parametrize(
    ('content', 'found'),
    [
        ('a\ncafé'.encode('latin-1'), 'the byte 0xe9 in line 2 of'),
        ('a\nb'.encode('utf-16'), 'UTF-16 in line 1 of'),
    ],
)
def test_another_encoding_is_named_with_its_place(tmp_path, content, found):
    (tmp_path / 'a.txt').write_bytes(content)
    with pytest.raises(
        ValueError, match=rf'must be in UTF-8, got {found} .*a.txt: save'
    ):
        read_text(tmp_path / 'a.txt')


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(
    tmp_path, monkeypatch
):
    def full(path, target):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Path, 'replace', full)
    with pytest.raises(OSError, match='No space left') as error:
        write_atomically(tmp_path / 'a.png', b'1')
    assert error.value.filename == str(tmp_path / 'a.png')
    assert not any(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / 'file'
    path.write_text('old')

    def write():
        with replacing(path) as unfinished:
            unfinished.write_text('ne')
            raise OSError(errno.ENOSPC, 'No space left on device')

    with pytest.raises(OSError, match='No space') as error:
        write()
    assert error.value.filename == str(path)
    assert path.read_text() == 'old'
    assert len([*tmp_path.iterdir()]) == 1


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / 'original').write_bytes(b'old')
    (tmp_path / 'link').symlink_to('original')
    write_atomically(tmp_path / 'link', b'new')
    assert (tmp_path / 'original').read_bytes() == b'old'
    assert (tmp_path / 'link').read_bytes() == b'new'


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path):
    write_atomically(tmp_path / ('\u6728' * 83), b'')
    assert len([*tmp_path.iterdir()]) == 1


def test_leavings_of_killed_processes_are_removed(tmp_path):
    for name in ('a.png', '.a.png.123.part', '.mine.part', 'folder/.b.123.part'):
        write_atomically(tmp_path / name, b'')
    remove_unfinished(tmp_path)
    assert not (tmp_path / '.a.png.123.part').exists()
    assert (tmp_path / 'folder/.b.123.part').exists()
    remove_unfinished(tmp_path, below=True)
    left = sorted(path.name for path in tmp_path.rglob('*') if path.is_file())
    assert left == ['.mine.part', 'a.png']


def test_a_picture_is_written_as_it_is(tmp_path):
    rgb = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    write_picture(tmp_path / 'new' / 'a.png', rgb)
    stored = cv2.imread(str(tmp_path / 'new' / 'a.png'))
    np.testing.assert_array_equal(stored[..., ::-1], rgb)
    deep = np.array([[0, 300]], np.uint16)
    write_picture(tmp_path / 'b.png', deep)
    stored = cv2.imread(str(tmp_path / 'b.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, deep)


def test_a_file_that_may_have_been_edited_is_replaced_on_request_only(tmp_path):
    path = tmp_path / 'a.py'
    write_new(path, b'1')
    write_new(path, b'1')
    with pytest.raises(FileExistsError, match='or give --overwrite'):
        write_new(path, b'2')
    assert path.read_bytes() == b'1'
    write_new(path, b'2', overwrite=True)
    assert path.read_bytes() == b'2'


def test_a_file_is_set_aside_under_a_name_of_its_own(tmp_path):
    path = tmp_path / 'a.b.py'
    for content in (b'1', b'2', b'3'):
        path.write_bytes(content)
        set_aside(path)
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {
        'a.b.old.py': b'1', 'a.b.old2.py': b'2', 'a.b.old3.py': b'3'
    }  # fmt: skip
