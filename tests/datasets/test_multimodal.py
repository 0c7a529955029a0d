import shutil

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict
from mmseg.registry import DATASETS

from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.modality import Modality, build_modalities, modality_key

STEMS = ('a', 'b/c', 'd')
RGBD = dict(rgb=dict(suffix='.jpg'), depth=dict(dtype='uint16'))


@pytest.fixture
def root(tmp_path):
    """Three samples of RGB (jpg), depth, thermal and normal (png), and labels."""
    files = dict(
        rgb=('.jpg', np.uint8, 3),
        depth=('.png', np.uint16, 1),
        thermal=('.png', np.uint8, 1),
        normal=('.png', np.uint8, 4),
        label=('.png', np.uint8, 1),
    )
    for name, (suffix, dtype, channels) in files.items():
        for stem in STEMS:
            path = tmp_path / name / (stem + suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.ones((4, 6, channels), dtype))
    return tmp_path


def dataset(root, lines=None, modalities=RGBD, **kwargs):
    if lines is not None:
        (root / 'list.txt').write_text(lines)
        kwargs['ann_file'] = 'list.txt'
    kwargs.setdefault('data_prefix', dict(seg_map_path='label'))
    return MultimodalSegDataset(modalities, data_root=str(root), **kwargs)


def paths(data_info):
    return [*data_info['modality_paths'].values(), data_info['seg_map_path']]


def test_stems_name_one_file_per_modality_and_one_of_labels(root):
    data = dataset(root, 'd\nb/c\n')
    assert len(data) == 2
    info = data.get_data_info(1)
    assert info['modality_paths'] == dict(
        rgb=f'{root}/rgb/b/c.jpg', depth=f'{root}/depth/b/c.png'
    )
    assert info['seg_map_path'] == f'{root}/label/b/c.png'
    assert info['img_path'] == f'{root}/rgb/b/c.jpg'
    assert info['modalities'] == build_modalities(RGBD)
    assert info['seg_fields'] == []
    assert info['reduce_zero_label'] is False
    assert info['label_map'] is None


@pytest.mark.parametrize('separator', ['\t', ' '])
def test_path_tuples_name_the_files_that_stems_name(root, separator):
    rows = [[f'rgb/{s}.jpg', f'depth/{s}.png', f'label/{s}.png'] for s in STEMS]
    by_path = dataset(root, '\n'.join(separator.join(row) for row in rows))
    by_stem = dataset(root, '\n'.join(STEMS))
    for i in range(len(STEMS)):
        assert by_path.get_data_info(i) == by_stem.get_data_info(i)


def test_path_tuples_without_labels_have_no_label_file(root):
    data = dataset(root, 'rgb/a.jpg\tdepth/a.png')
    assert 'seg_map_path' not in data.get_data_info(0)


def test_paths_with_blanks_are_separated_by_tabs(root):
    (root / 'rgb/a.jpg').rename(root / 'rgb/a room.jpg')
    data = dataset(root, 'rgb/a room.jpg\tdepth/a.png \tlabel/a.png')
    assert data.get_data_info(0)['img_path'] == f'{root}/rgb/a room.jpg'


def test_stems_with_blanks_are_told_from_several_paths(root):
    for name in ('rgb', 'depth', 'label'):
        old = next((root / name).glob('a.*'))
        old.rename(old.with_stem('img 1'))
    data = dataset(root, 'd\nimg 1\n')
    assert paths(data.get_data_info(1)) == [
        f'{root}/rgb/img 1.jpg', f'{root}/depth/img 1.png', f'{root}/label/img 1.png'
    ]  # fmt: skip
    (root / 'rgb/img 1.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of .*\s+.*/rgb/img 1\.jpg$'):
        dataset(root, 'd\nimg 1\n')
    data = dataset(root, 'd\nimg 1\n', optional=('rgb',))
    assert data.get_data_info(1)['absent'] == ('rgb',)
    rows = [
        f'rgb/{stem}.jpg depth/{stem}.png label/{stem}.png' for stem in ('b/c', 'd')
    ]
    assert len(dataset(root, '\n'.join(rows))) == 2


@pytest.mark.parametrize('lines', ['a\nb/c\nd\n', None])
def test_of_several_suffixes_a_sample_has_the_first_that_exists(root, lines):
    (root / 'rgb/a.jpg').rename(root / 'rgb/a.png')
    modalities = {**RGBD, 'rgb': dict(suffix=['.jpg', '.png'])}
    data = dataset(root, lines, modalities=modalities)
    files = [data.get_data_info(i)['modality_paths']['rgb'] for i in range(3)]
    assert files == [f'{root}/rgb/{name}' for name in ('a.png', 'b/c.jpg', 'd.jpg')]
    (root / 'rgb/a.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'rgb/a\.jpg'):
        dataset(root, 'a', modalities=modalities)


def test_without_a_list_the_samples_are_the_sorted_files_of_the_first_modality(root):
    scanned, listed = dataset(root), dataset(root, '\n'.join(sorted(STEMS)))
    assert len(scanned) == len(STEMS)
    for i in range(len(STEMS)):
        assert scanned.get_data_info(i) == listed.get_data_info(i)


def test_blank_lines_are_no_samples(root):
    assert len(dataset(root, 'a\n\nd\n\n  \n')) == 2


@pytest.mark.parametrize(
    'names', [['depth'], ['rgb', 'depth'], ['depth', 'rgb', 'thermal']]
)
def test_any_number_of_modalities_in_the_order_of_the_config(root, names):
    modalities = {name: RGBD.get(name, {}) for name in names}
    info = dataset(root, 'a', modalities).get_data_info(0)
    assert list(info['modality_paths']) == names == list(info['modalities'])
    main = 'rgb' if 'rgb' in names else names[0]
    assert info['img_path'] == info['modality_paths'][main]
    assert [modality_key(info, name) for name in names] == [
        'img' if name == main else name for name in names
    ]


RGBD_CLASS = type(
    'RGBDDataset',
    (MultimodalSegDataset,),
    dict(
        MODALITIES=dict(
            rgb=dict(suffix='.jpg', interpolation='bicubic'),
            depth=dict(dtype='uint16', scale=0.001, fill='nearest'),
        ),
        PREFIXES=dict(depth='thermal', seg_map_path='label'),
        GROUPS=dict(letter='[a-z]$'),
    ),
)
KNOWN = build_modalities(RGBD_CLASS.MODALITIES)


def test_a_class_says_its_modalities_folders_and_groups(root):
    data = RGBD_CLASS(data_root=str(root))
    info = data.get_data_info(1)
    assert info['modalities'] == KNOWN
    assert paths(info) == [
        f'{root}/rgb/b/c.jpg', f'{root}/thermal/b/c.png', f'{root}/label/b/c.png'
    ]  # fmt: skip
    assert info['groups'] == dict(letter='c')


def test_arguments_add_to_the_folders_and_groups_of_a_class(root):
    data = RGBD_CLASS(
        data_root=str(root),
        data_prefix=dict(depth='depth'),
        groups=dict(first='^.'),
        ann_file='',
    )
    info = data.get_data_info(1)
    assert info['modality_paths']['depth'] == f'{root}/depth/b/c.png'
    assert info['seg_map_path'] == f'{root}/label/b/c.png'
    assert info['groups'] == dict(letter='c', first='b')
    data = RGBD_CLASS(data_root=str(root), data_prefix=dict(seg_map_path=None))
    assert 'seg_map_path' not in data.get_data_info(0)


@pytest.mark.parametrize('names', [('depth', 'rgb'), ['depth'], ('rgb',)])
def test_names_select_and_order_the_modalities_of_a_class(root, names):
    # Folders of modalities that are not selected may be named all the same.
    data = RGBD_CLASS(names, dict(depth='depth'), data_root=str(root))
    assert list(data.modalities.items()) == [(name, KNOWN[name]) for name in names]
    assert list(data.get_data_info(0)['modality_paths']) == list(names)


def test_the_order_may_be_said_apart_from_the_options(root):
    sorted_options = dict(sorted(RGBD.items()))
    lines = 'rgb/a.jpg depth/a.png label/a.png\n'
    said = dataset(root, lines, sorted_options, order=('rgb', 'depth'))
    assert list(said.modalities) == ['rgb', 'depth']
    assert said.modalities == dataset(root, lines, RGBD).modalities
    paths = said.get_data_info(0)['modality_paths']
    assert paths['rgb'] == str(root / 'rgb/a.jpg')
    assert list(dataset(root, modalities=RGBD, order=['depth']).modalities) == ['depth']
    with pytest.raises(ValueError, match=r"`order` must hold names .*got \['sound'\]"):
        dataset(root, order=('rgb', 'sound'))


def test_options_stand_for_themselves_unless_they_inherit(root):
    options = dict(rgb=dict(inherit=True, suffix='.png'), depth=dict(channels=3))
    built = RGBD_CLASS.build_modalities(options)
    assert (
        built['rgb']
        == build_modalities(dict(rgb=dict(suffix='.png', interpolation='bicubic')))[
            'rgb'
        ]
    )
    assert built['depth'] == Modality(channels=3)
    assert options['rgb'] == dict(inherit=True, suffix='.png')  # left as they were
    for unknown in (('rgb', 'hha'), dict(hha=dict(inherit=True))):
        with pytest.raises(ValueError, match=r"out of \['rgb', 'depth'\], got 'hha'"):
            RGBD_CLASS(unknown, data_root=str(root))


def test_names_have_default_options_where_a_class_knows_none(root):
    (root / 'rgb/a.jpg').rename(root / 'rgb/a.png')
    data = dataset(root, 'a', ('thermal', 'rgb'))
    assert data.modalities == build_modalities(dict(thermal={}, rgb={}))
    assert list(data.get_data_info(0)['modality_paths']) == ['thermal', 'rgb']


def test_a_prefix_replaces_the_folder_of_its_modality_only(root):
    prefix = dict(depth='thermal', seg_map_path='label')
    info = dataset(root, 'a', data_prefix=prefix).get_data_info(0)
    assert paths(info) == [
        f'{root}/rgb/a.jpg', f'{root}/thermal/a.png', f'{root}/label/a.png'
    ]  # fmt: skip


@pytest.mark.parametrize('prefix', [None, {}, dict(seg_map_path=None)])
def test_without_a_label_prefix_there_are_no_labels(root, prefix):
    data = dataset(root, 'a', data_prefix=prefix)
    assert 'seg_map_path' not in data.get_data_info(0)


def test_all_missing_files_are_named_in_one_error(root):
    for file in ('depth/a.png', 'rgb/d.jpg', 'label/b/c.png'):
        (root / file).unlink()
    with pytest.raises(FileNotFoundError, match='3 of 9 files') as error:
        dataset(root, 'a\nb/c\nd')
    for file in ('depth/a.png', 'rgb/d.jpg', 'label/b/c.png'):
        assert f'{root}/{file}' in str(error.value)
    assert f'{root}/depth/d.png' not in str(error.value)


def test_a_link_to_a_file_that_is_gone_is_a_missing_file(root):
    """As of data sets whose contents are fetched apart, such as by git-annex."""
    (root / 'rgb/d.jpg').unlink()
    (root / 'rgb/d.jpg').symlink_to(root / 'gone.jpg')
    with pytest.raises(
        FileNotFoundError, match=r'1 of 9 files missing.*\s+.*rgb/d\.jpg$'
    ):
        dataset(root)


def groups(data):
    return [data.get_data_info(i)['groups'] for i in range(len(data))]


def test_groups_are_read_from_a_table_or_found_in_the_stem(root):
    (root / 'cameras.json').write_text('{"a": "kv1", "b/c": "kv2", "d": 3}')
    sources = dict(camera='cameras.json', letter='[a-z]$')
    expected = [
        dict(camera='kv1', letter='a'),
        dict(camera='kv2', letter='c'),
        dict(camera='3', letter='d'),
    ]
    assert groups(dataset(root, '\n'.join(STEMS), groups=sources)) == expected
    assert groups(dataset(root, groups=sources)) == expected
    data = dataset(root, 'b/c', groups=dict(folder=r'^(\w+)/', first='^.'))
    assert groups(data) == [dict(folder='b', first='b')]
    assert groups(dataset(root, 'a')) == [{}]


def test_in_lists_of_paths_the_first_one_stands_for_the_stem(root):
    (root / 'cameras.json').write_text('{"rgb/b/c.jpg": "kv1"}')
    sources = dict(camera='cameras.json', folder='rgb/(.)/')
    data = dataset(root, 'rgb/b/c.jpg\tdepth/b/c.png', groups=sources)
    assert groups(data) == [dict(camera='kv1', folder='b')]


def test_a_missing_or_empty_list_is_an_error(root):
    with pytest.raises(FileNotFoundError, match=r'must exist, got .*nowhere\.txt'):
        dataset(root, ann_file='nowhere.txt')
    with pytest.raises(ValueError, match=r'not be empty, got no line in .*list\.txt'):
        dataset(root, '\n \n')


def test_a_folder_without_files_is_an_error(root):
    with pytest.raises(ValueError, match=r"ends with '\.npy'"):
        dataset(root, modalities=dict(rgb=dict(suffix='.npy')))
    with pytest.raises(FileNotFoundError, match="folder of modality 'event'"):
        dataset(root, modalities=dict(event={}))


@pytest.mark.parametrize(
    'lines',
    ['a\nrgb/a.jpg depth/a.png', 'rgb/a.jpg\tdepth/a.png\nw x y z', 'a\n\nb c d'],
)
def test_a_line_with_the_wrong_number_of_columns_is_named(root, lines):
    number = len(lines.splitlines())
    with pytest.raises(ValueError, match=rf'columns in .*list\.txt, line {number}, '):
        dataset(root, lines)


def test_unknown_prefixes_and_options_are_named_with_those_allowed(root):
    with pytest.raises(
        ValueError, match=r"\['rgb', 'depth', 'seg_map_path'\], got \['img_"
    ):
        dataset(root, data_prefix=dict(img_path='rgb'))
    with pytest.raises(ValueError, match=r"of modality 'rgb'.*'suffix'.*\['sufix'\]"):
        dataset(root, modalities=dict(rgb=dict(sufix='.jpg')))


def test_it_is_built_from_a_config_and_takes_the_arguments_of_its_parent(root):
    config = ConfigDict(
        type='mmseg.MultimodalSegDataset',
        data_root=str(root),
        modalities=RGBD,
        metainfo=dict(classes=('wall', 'floor')),
        indices=2,
        reduce_zero_label=True,
    )
    data = DATASETS.build(config)
    assert len(data) == 2
    assert data.metainfo['classes'] == ('wall', 'floor')
    assert data.get_data_info(0)['reduce_zero_label'] is True


def test_files_of_an_optional_modality_may_be_missing(root):
    (root / 'depth/a.png').unlink()
    data = dataset(root, '\n'.join(STEMS), optional=['depth'])
    assert [data.get_data_info(i)['absent'] for i in range(3)] == [('depth',), (), ()]
    with pytest.raises(FileNotFoundError, match=r'depth/a\.png'):
        dataset(root, '\n'.join(STEMS), optional=['rgb'])


def test_the_folder_of_an_optional_modality_may_be_missing(root):
    shutil.rmtree(root / 'depth')
    data = dataset(root, optional=['depth'])
    assert {data.get_data_info(i)['absent'] for i in range(3)} == {('depth',)}


def test_an_optional_modality_without_any_file_is_warned_of(root, warned):
    dataset(root, optional=['depth'])
    (root / 'depth/a.png').unlink()
    dataset(root, '\n'.join(STEMS), optional=['depth'])
    assert not warned
    prefixes = dict(depth='dpeth', seg_map_path='label')
    dataset(root, data_prefix=prefixes, optional=['depth'])
    assert f"modality 'depth', such as {root}/dpeth/a.png: if" in warned[0]


def test_a_sample_without_any_modality_is_refused(root):
    for name in ('rgb/a.jpg', 'depth/a.png'):
        (root / name).unlink()
    with pytest.raises(FileNotFoundError, match=r'rgb/a\.jpg\n.*depth/a\.png'):
        dataset(root, '\n'.join(STEMS), optional=['rgb', 'depth'])


def test_an_optional_modality_that_is_none_is_refused(root):
    with pytest.raises(ValueError, match=r"out of \['rgb', 'depth'\], got \['hha'\]"):
        dataset(root, optional=['hha'])


def test_a_label_map_of_the_config_is_that_of_every_sample(root):
    classes = dict(metainfo=dict(classes=('a', 'b')))
    data = dataset(root, label_map={0: 0, 255: 1}, **classes)
    assert data.get_data_info(0)['label_map'] == {0: 0, 255: 1}
    with pytest.raises(ValueError, match='reduce_zero_label=True, too'):
        dataset(root, label_map={1: 0}, reduce_zero_label=True, **classes)
    with pytest.raises(ValueError, match='must be no class, got 1 with reduce_zero'):
        dataset(root, ignore_index=1, reduce_zero_label=True, **classes)


def test_the_ignored_label_is_no_class_of_many(root):
    data = dataset(root, metainfo=dict(classes=[f'class {k}' for k in range(300)]))
    info = data.get_data_info(0)
    assert data.ignore_index == info['ignore_index'] == 65535
    assert data.metainfo['ignore_index'] == 65535
    assert dataset(root).get_data_info(0)['ignore_index'] == 255


def test_classes_that_a_subset_leaves_out_have_the_ignored_label(root):
    class Rooms(MultimodalSegDataset):
        METAINFO = dict(classes=('wall', 'floor'), palette=[[1, 1, 1], [2, 2, 2]])

    data = Rooms(
        RGBD,
        data_root=str(root),
        data_prefix=dict(seg_map_path='label'),
        metainfo=dict(classes=('floor',)),
        ignore_index=-1,
    )
    assert data.get_data_info(0)['label_map'] == {0: -1, 1: 0}
    assert data.metainfo['palette'] == [[2, 2, 2]]


def test_a_subset_of_many_classes_keeps_the_one_of_number_255(root):
    class Things(MultimodalSegDataset):
        METAINFO = dict(
            classes=[f'thing {k}' for k in range(300)],
            palette=[[k % 256, k // 256, 0] for k in range(300)],
        )

    data = Things(
        RGBD,
        data_root=str(root),
        data_prefix=dict(seg_map_path='label'),
        metainfo=dict(classes=[f'thing {k}' for k in range(1, 258)]),
    )
    label_map = data.get_data_info(0)['label_map']
    assert label_map == {k: k - 1 if 1 <= k < 258 else 65535 for k in range(300)}
    assert data.metainfo['palette'] == Things.METAINFO['palette'][1:258]


def test_classes_as_text_are_refused(root):
    with pytest.raises(ValueError, match=r"got 'a,b': .*classes=\('a', 'b'\)"):
        dataset(root, metainfo=dict(classes='a,b'))


def test_a_list_without_the_column_of_a_modality_is_refused(root):
    with pytest.raises(ValueError, match=r"label/a\.png for 'depth' in .*list\.txt"):
        dataset(root, 'rgb/a.jpg label/a.png\nrgb/d.jpg label/d.png')
