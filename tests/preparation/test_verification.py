import numpy as np
import pytest

from mmseg_cen.disk import write_atomically
from mmseg_cen.preparation import Sample, check, check_folder, prepare
from mmseg_cen.preparation.files import encode_png


@pytest.mark.parametrize('damage', ['truncated', 'changed', 'missing'])
def test_a_damaged_file_is_found_by_check_and_repaired_by_another_run(
    tmp_path, toys, capsys, damage
):
    prepare(toys.plan(), tmp_path)
    before = toys.tree(tmp_path)
    path = tmp_path / 'depth' / '4.png'
    if damage == 'truncated':
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == 'changed':
        path.write_bytes(encode_png(toys.draw(Sample('0', ''))['depth']))
    else:
        path.unlink()
    assert check(tmp_path) == 1
    assert 'PROBLEM: depth/4.png' in capsys.readouterr().out
    assert prepare(toys.plan(), tmp_path) == 0
    assert toys.tree(tmp_path) == before
    assert check(tmp_path, jobs=2) == 0


@pytest.mark.parametrize('name', ['train.txt', 'depth/4.png', 'meta.json'])
def test_a_byte_that_was_changed_is_named(tmp_path, toys, capsys, name):
    prepare(toys.plan(), tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / name).write_bytes(content)
    capsys.readouterr()
    try:
        status, said = check(tmp_path), capsys.readouterr().out
    except ValueError as error:  # of meta.json, which tells what to check
        status, said = 1, str(error)
    assert status == 1
    assert name in said


def test_check_looks_at_labels_lists_and_strays(tmp_path, toys):
    prepare(toys.plan(), tmp_path)
    write_atomically(
        tmp_path / 'label/0.png', encode_png(np.full((12, 16), 9, np.uint8))
    )
    write_atomically(tmp_path / 'label/1.png', encode_png(np.zeros((6, 8), np.uint8)))
    (tmp_path / 'val.txt').write_text('5\n2\n')
    (tmp_path / 'train.txt').unlink()
    (tmp_path / 'rgb' / 'other.png').write_bytes(b'')
    assert check_folder(tmp_path) == [
        'label/0.png must hold 0..3 or 255, got [9]: correct the labels',
        'label/1.png must have the size (12, 16) of the sample, got (6, 8): prepare '
        'the sample again',
        'train.txt is missing',
        'val.txt does not list the samples of meta.json',
        'rgb/other.png belongs to no sample',
    ]
