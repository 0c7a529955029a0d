import pytest

from mmseg_cen.preparation import Sample, find_stems, prepare
from mmseg_cen.preparation.lists import is_line


def test_lists_are_read_as_they_are_written(tmp_path, toys):
    stems = ['img 1', 'b/IMG (4)', 'Grün\u202f3']
    samples = [Sample(stem, 'train') for stem in stems]
    plan = toys.plan(lambda _: toys.draw(Sample('0', '')), samples=samples)
    assert prepare(plan, tmp_path) == 0
    (tmp_path / 'val.txt').unlink()  # it is empty
    assert find_stems(tmp_path, 'rgb', '.png') == [('train', stems)]
    # As Windows' editors write it: with a byte order mark.
    text = (tmp_path / 'train.txt').read_bytes().replace(b'\n', b'\r\n')
    (tmp_path / 'train.txt').write_bytes(b'\xef\xbb\xbf' + text + b'\r\n')
    assert find_stems(tmp_path, 'rgb', '.png') == [('train', stems)]


def test_without_lists_all_files_are_one(tmp_path, toys):
    samples = [Sample('1', 'train'), Sample('0', 'val')]
    prepare(toys.plan(samples=samples), tmp_path)
    for path in tmp_path.glob('*.txt'):
        path.unlink()
    assert find_stems(tmp_path, 'depth', '.png') == [('all', ['0', '1'])]


def test_hidden_files_are_no_samples_and_links_are(tmp_path, toys):
    prepare(toys.plan(samples=[Sample('0', 'train')]), tmp_path / 'data')
    for path in (tmp_path / 'data').glob('*.txt'):
        path.unlink()
    (tmp_path / 'data/rgb/._0.png').touch()
    (tmp_path / 'data/rgb/more').symlink_to(tmp_path / 'data/rgb')
    (tmp_path / 'data/rgb/1.png').symlink_to(tmp_path / 'data/rgb/0.png')
    assert find_stems(tmp_path / 'data', 'rgb', '.png') == [('all', ['0', '1'])]
    with pytest.raises(FileNotFoundError, match='must exist'):
        find_stems(tmp_path / 'data', 'thermal', '.png')


@pytest.mark.parametrize(
    'stem', ['', ' a', 'a\r', 'a\nb', 'a\tb', '\ufeffa', 'a\udcdf']
)
def test_what_would_be_read_otherwise_is_no_line(stem):
    assert not is_line(stem)
    assert is_line('a b')
