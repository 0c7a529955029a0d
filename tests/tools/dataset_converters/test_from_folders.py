from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from mmseg_cen.transforms import encode_depth

SIZE = (48, 64)
STEMS = ['a/1', 'a/2', 'b/1', 'b/2', 'b/3']


def draw(stem):
    rng = np.random.default_rng(STEMS.index(stem))
    depth = rng.integers(500, 4000, SIZE, np.uint16)
    depth[:4] = 0
    return dict(
        rgb=rng.integers(0, 256, (*SIZE, 3), np.uint8),
        depth=depth,
        label=rng.choice(np.array([0, 1, 2, 255], np.uint8), SIZE),
    )


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, image)
    else:
        assert cv2.imwrite(str(path), image)


@pytest.fixture
def mine(tmp_path):
    for stem in STEMS:
        for name, image in draw(stem).items():
            suffix = '.jpg' if name == 'rgb' else f'_{name}.png'
            write(tmp_path / name / f'{stem}{suffix}', image)
    return tmp_path


def options(root, **kwargs):
    values = dict(
        rgb=root / 'rgb',
        depth=root / 'depth',
        label=root / 'label',
        depth_suffix='_depth.png',
        label_suffix='_label.png',
        depth_unit=0.001,
    )
    values.update(kwargs)
    arguments = [root / 'out']
    for name, value in values.items():
        if value is True:
            arguments.append('--' + name.replace('_', '-'))
        elif value is not None:
            arguments += ['--' + name.replace('_', '-'), value]
    return arguments


def test_every_pixel_is_that_of_the_folders(convert, mine, read):
    status, report = convert(*options(mine))
    assert status == 0
    assert '3 of 3 classes occur' in report
    assert 'unit 0.001 m' in report
    out = mine / 'out'
    for stem in STEMS:
        image = (mine / f'rgb/{stem}.jpg').read_bytes()
        assert (out / f'rgb/{stem}.jpg').read_bytes() == image
        for name in ('depth', 'label'):
            written = read(out / name / f'{stem}.png')
            np.testing.assert_array_equal(written, draw(stem)[name])
    lists = [(out / f'{split}.txt').read_text().split() for split in ('train', 'val')]
    assert sorted(lists[0] + lists[1]) == STEMS
    assert len(lists[1]) == 1
    assert convert(out, '--check')[0] == 0


def test_the_lists_are_those_that_were_given(convert, mine):
    (mine / 'val.list').write_text('b/1\nb/2\nb/3\n')
    convert(*options(mine, val_list=mine / 'val.list'))
    assert (mine / 'out/train.txt').read_text() == 'a/1\na/2\n'
    (mine / 'val.list').write_text('c/1\n')
    status, report = convert(*options(mine, val_list=mine / 'val.list'))
    assert status == 1
    assert "names 'c/1', which does not exist" in report


@pytest.mark.parametrize('suffix', ['.npy', '.tiff'])
def test_depth_in_floats_is_stored_in_millimeters(convert, mine, read, suffix):
    for stem in STEMS:
        depth = draw(stem)['depth'].astype(np.float32) / 100  # 5 to 40 decimeters
        depth[0, 0] = np.nan
        write(mine / f'depth/{stem}_depth{suffix}', depth)
    kwargs = dict(depth_suffix=f'_depth{suffix}', depth_unit=0.1)
    status, report = convert(*options(mine, **kwargs))
    assert status == 0
    assert 'unit 0.001 m' in report
    for stem in STEMS:
        written = read(mine / f'out/depth/{stem}.png')
        np.testing.assert_array_equal(written, draw(stem)['depth'])


def test_what_the_camera_stores_for_no_depth_becomes_zero(convert, mine, read):
    depth = draw('a/1')['depth']
    depth[5, 5] = 65535
    write(mine / 'depth/a/1_depth.png', depth)
    convert(*options(mine, depth_invalid=65535))
    depth[5, 5] = 0
    np.testing.assert_array_equal(read(mine / 'out/depth/a/1.png'), depth)


def test_names_may_have_blanks_from_the_camera_to_the_encoded_depth(
    convert, load_tool, tmp_path, read
):
    names = ['img 1', 'a b/IMG (4)', 'IMG(5)']
    for name, stem in zip(names, STEMS, strict=False):
        for kind, image in draw(stem).items():
            suffix = '.jpg' if kind == 'rgb' else '.png'
            write(tmp_path / kind / f'{name}{suffix}', image)
    kwargs = dict(depth_suffix='.png', label_suffix='.png')
    assert convert(*options(tmp_path, **kwargs))[0] == 0
    out = tmp_path / 'out'
    assert convert(out, '--check')[0] == 0
    seen = []
    cfg = Config.fromfile(out / 'config.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        data = DATASETS.build(loader.dataset)
        for i in range(len(data)):
            name = Path(data.get_data_info(i)['img_path']).relative_to(out / 'rgb')
            seen.append(name.with_suffix('').as_posix())
            stem = STEMS[names.index(seen[-1])]
            label = data[i]['data_samples'].gt_sem_seg.data
            if loader is cfg.val_dataloader:
                np.testing.assert_array_equal(label[0], draw(stem)['label'])
    assert sorted(seen) == sorted(names)

    arguments = [str(out), str(out / 'encoded'), '--encoding', 'log', '--jobs', '1']
    assert load_tool('encode_depth').main(arguments) == 0
    for name, stem in zip(names, STEMS, strict=False):
        stored = read(out / f'encoded/log/{name}.png') / 10000
        expected = encode_depth(draw(stem)['depth'] * np.float32(0.001), 'log')
        np.testing.assert_allclose(stored, expected, atol=0.51e-4)


@pytest.mark.parametrize('shift', [0, 1])
def test_labels_may_be_arrays(convert, mine, read, shift):
    for stem in STEMS:
        labels = draw(stem)['label'].astype(np.int64)
        write(mine / f'label/{stem}_label.npy', labels + shift * (labels != 255))
    kwargs = dict(label_suffix='_label.npy', num_classes=3)
    kwargs['reduce_zero_label'] = bool(shift) or None
    assert convert(*options(mine, **kwargs))[0] == 0
    for stem in STEMS:
        written = read(mine / f'out/label/{stem}.png')
        np.testing.assert_array_equal(written, draw(stem)['label'])
    np.save(mine / 'label/a/1_label.npy', np.full(SIZE, 3 + shift))
    report = convert(*options(mine, **kwargs))[1]
    low, high = shift, 2 + shift
    message = f'1_label.npy: labels must be {low}..{high} or 255, got [{3 + shift}]'
    assert message in report


def test_arrays_beside_the_images_are_no_images(convert, mine):
    for stem in STEMS:
        write(mine / f'rgb/{stem}.npy', draw(stem)['rgb'])
    assert convert(*options(mine))[0] == 0
    with pytest.raises(SystemExit, match='npy is for depth, labels'):
        convert(*options(mine, rgb_suffix='.npy'))


@pytest.mark.parametrize('stems', [STEMS, STEMS[1:], []])
def test_a_list_must_leave_samples_for_training_and_validation(convert, mine, stems):
    (mine / 'depth/a/1_depth.png').unlink()  # so that it is no sample to train with
    (mine / 'val.list').write_text('\n'.join(stems))
    with pytest.raises(SystemExit, match='must name some of the 4 complete samples'):
        convert(*options(mine, val_list=mine / 'val.list'))
    assert not (mine / 'out').exists()


def test_a_config_that_no_tool_wrote_is_kept(convert, mine):
    (mine / 'out').mkdir()
    (mine / 'out/config.py').write_text('mine = True')
    with pytest.raises(SystemExit, match=r'no tool wrote.*config\.py'):
        convert(*options(mine))
    assert (mine / 'out/config.py').read_text() == 'mine = True'


def test_a_config_that_was_changed_is_not_lost(convert, mine):
    convert(*options(mine))
    config = mine / 'out/config.py'
    written = config.read_text()
    config.write_text('edited')
    status, report = convert(*options(mine))
    assert status == 0
    assert 'before is' in report
    assert (mine / 'out/config.old.py').read_text() == 'edited'
    assert config.read_text() == written
    (mine / 'out/config.old.py').unlink()
    assert 'before is' not in convert(*options(mine))[1]
    assert not (mine / 'out/config.old.py').exists()


def test_images_of_several_formats_become_png(convert, mine, read):
    image = draw('a/1')['rgb']
    (mine / 'rgb/a/1.jpg').unlink()
    write(mine / 'rgb/a/1.bmp', image)
    assert convert(*options(mine))[0] == 0
    np.testing.assert_array_equal(read(mine / 'out/rgb/a/1.png'), image)
    assert (mine / 'out/rgb/b/1.png').is_file()


def test_labels_from_one_on_are_shifted_and_void_stays_void(convert, mine, read):
    kwargs = dict(reduce_zero_label=True, classes='box,ball', ignore_label=7)
    labels = np.array([0, 1, 2, 7], np.uint8)[np.indices(SIZE).sum(0) % 4]
    for stem in STEMS:
        write(mine / f'label/{stem}_label.png', labels)
    assert convert(*options(mine, **kwargs))[0] == 0
    written = read(mine / 'out/label/a/1.png')
    for old, new in [(0, 255), (1, 0), (2, 1), (7, 255)]:
        assert (written[labels == old] == new).all()
    assert Config.fromfile(mine / 'out/config.py').metainfo.classes == ('box', 'ball')


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


CORRUPT = {
    'a/2: no depth, but rgb, label': lambda r: (r / 'depth/a/2_depth.png').unlink(),
    'b/1: its files must agree in size': lambda r: write(
        r / 'label/b/1_label.png', np.zeros((24, 32), np.uint8)
    ),
    'b/2_depth.png must be a complete': lambda r: cut(r / 'depth/b/2_depth.png'),
    'depth must have one channel of integers': lambda r: write(
        r / 'depth/b/2_depth.png', np.zeros((*SIZE, 3), np.uint8)
    ),
    'label/b/1_label.png: labels must be 0..2 or 255, got [4]': lambda r: write(
        r / 'label/b/1_label.png', np.full(SIZE, 4, np.uint8)
    ),
}


@pytest.mark.parametrize('message', CORRUPT)
def test_what_is_wrong_is_named_and_repairing_it_helps(convert, mine, message):
    CORRUPT[message](mine)
    status, report = convert(*options(mine, num_classes=3))
    assert status == 1
    assert message in report
    assert not (mine / 'out/meta.json').exists()
    for stem in STEMS:
        for name in ('depth', 'label'):
            write(mine / name / f'{stem}_{name}.png', draw(stem)[name])
    assert convert(*options(mine, num_classes=3))[0] == 0


def test_an_implausible_unit_is_warned_of(convert, mine):
    status, report = convert(*options(mine, depth_unit=1.0))
    assert status == 0
    assert 'WARNING: depth/: half of it is nearer than' in report
    assert 'correct the unit, a unit of 0.001 m would make it' in report


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        ('sky\nfloor mat\nroad\n', ('sky', 'floor mat', 'road')),
        ('0\tsky\n1\tfloor mat\n2\troad\n', ('sky', 'floor mat', 'road')),
        ('0 m\n5 m\n9 m\n', ('0 m', '5 m', '9 m')),
    ],
)
def test_names_of_classes_are_those_of_the_file(convert, mine, text, names):
    (mine / 'classes.txt').write_text(text)
    assert convert(*options(mine, classes=mine / 'classes.txt'))[0] == 0
    assert Config.fromfile(mine / 'out/config.py').metainfo.classes == names


def test_incomplete_and_damaged_samples_can_be_left_out(convert, mine):
    (mine / 'depth/a/1_depth.png').write_bytes(b'')  # the first, which tells the type
    (mine / 'label/b/1_label.png').unlink()
    assert convert(*options(mine, skip_bad=True, num_classes=3))[0] == 0
    lists = [(mine / 'out' / f'{s}.txt').read_text().split() for s in ('train', 'val')]
    assert sorted(lists[0] + lists[1]) == ['a/2', 'b/2', 'b/3']
    assert lists[1]
    assert convert(mine / 'out', '--check')[0] == 0


def test_the_folders_themselves_are_not_written_to(convert, mine, tree):
    before = tree(mine)
    with pytest.raises(SystemExit, match='would be overwritten'):
        convert(mine, *options(mine)[1:])
    assert tree(mine) == before


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(depth_unit=None), '--depth-unit must be given'),
        (dict(depth_unit=0), 'must be positive'),
        (dict(depth_unit='nan'), 'must be positive and finite, got nan'),
        (dict(depth_unit='inf'), 'must be positive and finite, got inf'),
        (dict(depth_suffix='_d.png'), 'must hold files that end with _d.png'),
        (dict(val_share=1.0), 'must be within 0 and 1'),
        (dict(label_map='1:0,2:1', reduce_zero_label=True), 'got --reduce-zero-label'),
        (
            dict(depth_suffix='.png'),
            'names must agree .*a/1_depth.png.* --depth-suffix',
        ),
    ],
)
def test_wrong_options_are_refused(convert, mine, kwargs, message):
    with pytest.raises(SystemExit, match=message):
        convert(*options(mine, **kwargs))


@pytest.mark.parametrize('side', ['0', '-1'])
def test_images_to_train_on_have_pixels(convert, mine, capsys, side):
    with pytest.raises(SystemExit):
        convert(*options(mine), '--long-side', side)
    assert f"must be a positive integer, got '{side}'" in capsys.readouterr().err


def test_without_labels_there_is_one_list_and_no_config(convert, mine):
    assert convert(*options(mine, label=None))[0] == 0
    assert (mine / 'out/test.txt').read_text().split() == STEMS
    assert not (mine / 'out/config.py').exists()
    assert not (mine / 'out/label').exists()


def test_the_config_has_the_statistics_of_the_training_images(convert, mine):
    convert(*options(mine))
    stems = (mine / 'out/train.txt').read_text().split()
    depth = np.stack([draw(stem)['depth'] for stem in stems]) / 1000
    depth = depth[depth > 0]
    cfg = Config.fromfile(mine / 'out/config.py')
    values = cfg.model.data_preprocessor.modalities.depth
    np.testing.assert_allclose(values.mean, depth.mean(), atol=5e-4)
    np.testing.assert_allclose(values.std, depth.std(), atol=5e-4)
    assert cfg.scale == (64, 48)
    assert cfg.data_root == str(mine / 'out')


@pytest.mark.parametrize('name', ["Bob's rooms", 'a "b"', 'Grün 1'])
def test_any_path_can_be_that_of_the_config(convert, mine, name):
    arguments = options(mine)
    arguments[0] = mine / name
    convert(*arguments)
    cfg = Config.fromfile(mine / name / 'config.py')
    assert cfg.data_root == str(mine / name)
    assert Config.fromstring(cfg.pretty_text, '.py').data_root == cfg.data_root


def test_links_are_followed_and_hidden_files_are_no_images(convert, mine):
    (mine / 'rgb/._a.jpg').touch()
    (mine / 'linked').symlink_to(mine / 'rgb')
    (mine / 'rgb/a').rename(mine / 'elsewhere')
    (mine / 'rgb/a').symlink_to(mine / 'elsewhere')
    assert convert(*options(mine, rgb=mine / 'linked'))[0] == 0
    assert len(list((mine / 'out/rgb').rglob('*.jpg'))) == len(STEMS)
    with pytest.raises(SystemExit, match=r'folder of files must exist, got .*/none'):
        convert(*options(mine, rgb=mine / 'none'))


@pytest.mark.slow
def test_the_config_trains_and_tests(convert, mine):
    convert(*options(mine))
    cfg = Config.fromfile(mine / 'out/config.py')
    cfg.work_dir = str(mine / 'work')
    cfg.visualizer.name = 'own'
    cfg.train_cfg.max_epochs = cfg.train_cfg.val_interval = 1
    cfg.train_dataloader.num_workers = 0
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 1
    assert set(runner.test()) >= {'mIoU', 'rgb/mIoU', 'depth/mIoU'}
