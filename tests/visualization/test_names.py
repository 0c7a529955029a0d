from types import SimpleNamespace

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
