from types import SimpleNamespace

import pytest

from mmseg_cen.visualization import SampleNames, unique_names


def test_files_of_one_folder_are_named_by_their_stems():
    assert unique_names(['d/rgb/1.png', 'd/rgb/2.png']) == {
        'd/rgb/1.png': '1',
        'd/rgb/2.png': '2',
    }
    assert unique_names(['/x/only.jpg']) == {'/x/only.jpg': 'only'}
    assert unique_names([]) == {}


def test_equal_stems_in_different_folders_do_not_meet():
    names = unique_names(['d/a/rgb/1.png', 'd/b/rgb/1.png', 'd/b/rgb/2.png'])
    assert list(names.values()) == ['a/rgb/1', 'b/rgb/1', 'b/rgb/2']


def test_files_that_differ_in_the_suffix_only_keep_it():
    names = unique_names(['d/1.png', 'd/1.jpg', 'd/2.jpg'])
    assert list(names.values()) == ['1.png', '1.jpg', '2']


def test_names_never_leave_the_folder_of_the_output():
    paths = ['../../other/1.png', 'd/1.png', '/abs/1.png']
    assert all('..' not in name for name in unique_names(paths).values())
    assert not any(name.startswith('/') for name in unique_names(paths).values())
    name = SampleNames(object())(dict(img_path='../x/1.png'), '')
    assert name.endswith('x/1')
    assert '..' not in name
    assert not name.startswith('/')


def test_samples_are_named_as_the_files_of_their_dataset():
    infos = [dict(img_path=f'd/{k}/1.png') for k in 'ab'] + [{}]
    dataset = SimpleNamespace(get_data_info=lambda i: infos[i])
    dataset = type('D', (), {'__len__': lambda s: 3, **vars(dataset)})()
    dataset.get_data_info = lambda i: infos[i]
    names = SampleNames(dataset)
    assert names(dict(img_path='d/b/1.png'), '0_0') == 'b/1'
    assert names({}, '0_0') == '0_0'


class Samples:
    def __init__(self, *infos):
        self.infos = infos

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, index):
        return {'sample_idx': index, **self.infos[index]}


def test_a_name_never_meets_the_stem_of_another_file():
    names = unique_names(['d/a.png', 'd/a.jpg', 'd/a.png.tif'])
    assert len({*names.values()}) == 3


def test_samples_that_share_an_image_have_names_of_their_own():
    pairs = [dict(img_path='d/1.png', modality_paths=dict(depth=p)) for p in 'ab']
    data = Samples(*pairs, dict(img_path='d/2.png'))
    names = SampleNames(data)
    assert [names(data.get_data_info(i), '') for i in range(3)] == ['1_0', '1_1', '2']


def test_names_without_folders_differ_as_those_with_folders():
    paths = ['a/b_c', 'a_b/c', 'd/e']
    names = SampleNames(Samples(*(dict(img_path=f'x/{path}.png') for path in paths)))
    flat = [names.flat(path) for path in paths]
    assert flat[2] == 'd_e'
    assert len({*flat}) == 3
    assert not any('/' in name for name in flat)


@pytest.mark.parametrize('folder', ['rgb', 'label', 'depth', 'linked'])
def test_files_of_the_data_set_are_not_written_over(tmp_path, folder):
    for name in ('rgb', 'depth', 'label', 'out'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '1.png').touch()
    (tmp_path / 'linked').symlink_to(tmp_path / 'label')
    info = dict(
        img_path=f'{tmp_path}/rgb/1.png',
        seg_map_path=f'{tmp_path}/label/1.png',
        modality_paths=dict(depth=f'{tmp_path}/depth/1.png'),
    )
    names = SampleNames(Samples(info))
    names.check(tmp_path / 'out')
    with pytest.raises(ValueError, match='must not hold files of the data set'):
        names.check(tmp_path / folder)
