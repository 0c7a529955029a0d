import numpy as np
import pytest

from mmseg_cen.metrics import read_per_image, write_per_image
from mmseg_cen.metrics.per_image import names_of_images


def test_what_is_written_is_read_back(measured, tmp_path):
    path = tmp_path / 'new/folder/a.npz'
    before = measured(0.5, 0, outputs=('rgb', 'depth', 'ensemble'))
    write_per_image(path, before)
    after = read_per_image(path)
    assert (after.images, after.classes) == (before.images, before.classes)
    for key in ('areas', 'shares'):
        wanted, found = getattr(before, key), getattr(after, key)
        assert [*found] == [*wanted]
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert [p.name for p in path.parent.iterdir()] == ['a.npz']


def test_names_are_those_of_the_images_wherever_the_data_are():
    names = names_of_images(['/data/rgb/hall/1.png', '/data/rgb/lab/1.png'])
    assert names == names_of_images(['x/hall/1.png', 'x/lab/1.png'])
    assert names == ('hall/1', 'lab/1')
    assert names_of_images(['1.png', '2.png', '1.png']) == ('1#0', '2', '1#1')


def replace(path, **changes):
    with np.load(path) as file:
        arrays = {**file, **changes}
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(areas=None), 'got no areas in'),
        (dict(images=np.array(['000'] * 30)), 'a name twice'),
        (dict(images=np.arange(30)), 'names that are no text'),
        (dict(classes=np.array(['a'])), r'areas of the shape \(30, 1, 3, 4\)'),
        (dict(areas=np.ones((30, 1, 3, 4))), 'no numbers of pixels'),
        (dict(areas=np.ones((30, 4), int)), 'dimensions of areas'),
        (dict(areas=np.tile([[2], [1], [1]], (30, 1, 1, 4))), 'intersections that are'),
        (dict(shares=np.array([], str)), 'pixels of the shape'),
        (dict(images=np.array([{}])), 'of objects'),
    ],
)
def test_a_file_of_something_else_is_refused(measured, tmp_path, changes, words):
    path = tmp_path / 'a.npz'
    write_per_image(path, measured(0.5, 0))
    replace(path, **changes)
    with pytest.raises(ValueError, match=f"{words}.*a.npz'"):
        read_per_image(path)


def test_a_damaged_or_missing_file_is_refused(measured, tmp_path):
    path = tmp_path / 'a.npz'
    with pytest.raises(FileNotFoundError, match=r'test\.py --per-image FILE'):
        read_per_image(path)
    write_per_image(path, measured(0.5, 0))
    content = path.read_bytes()
    for part in (
        content[: len(content) // 2],
        b'',
        b'text',
        content[: -len(content) // 3],
    ):
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r'must be one of tools/test\.py --per'):
            read_per_image(path)
