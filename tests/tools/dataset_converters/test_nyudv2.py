import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import NYUDv2Dataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

h5py = pytest.importorskip('h5py')
savemat = pytest.importorskip('scipy.io').savemat

# Real files, which lie outside the project.
SHARED = Path(__file__).parents[4] / 'shared' / 'data'
META = Path(os.environ.get('MMSEG_CEN_DATA', SHARED)) / 'nyudv2_meta'
N, H, W = 5, 24, 32
TRAIN, TEST = [2, 5, 1], [3, 4]


def images():
    """RGB, depth and raw depth in meters, and labels, as MATLAB shows them."""
    rng = np.random.default_rng(0)
    raw = rng.uniform(0.5, 9.9, (H, W, N)).astype(np.float32)
    depth = raw.copy()
    raw[rng.random(raw.shape) < 0.2] = 0
    return dict(
        images=rng.integers(0, 256, (H, W, 3, N), np.uint8),
        depths=depth,
        rawDepths=raw,
        labels=rng.integers(0, 895, (H, W, N), np.uint16),
    )


def mapping():
    return np.random.default_rng(1).integers(1, 41, (1, 894)).astype(np.uint8)


def save_hdf5(path, arrays):
    with h5py.File(path, 'w') as file:  # MATLAB stores its columns first
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T, chunks=(1, *array.T.shape[1:]))


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'download'
    root.mkdir()
    save_hdf5(root / 'nyu_depth_v2_labeled.mat', images())
    splits = dict(trainNdxs=np.array([TRAIN]).T, testNdxs=np.array([TEST]).T)
    savemat(root / 'splits.mat', {k: v.astype(np.uint16) for k, v in splits.items()})
    savemat(root / 'classMapping40.mat', dict(mapClass=mapping()))
    return root


def test_every_pixel_is_that_of_the_download(convert, download, tmp_path, read):
    status, report = convert(download, tmp_path / 'out')
    assert status == 0
    assert 'WARNING: train has 3 samples, the official list 795' in report
    expected, out = images(), tmp_path / 'out'
    for i in range(1, N + 1):
        name = f'{i:06d}.png'
        rgb = read(out / 'rgb' / name)[..., ::-1]
        np.testing.assert_array_equal(rgb, expected['images'][..., i - 1])
        for folder, key in [('depth', 'depths'), ('depth_raw', 'rawDepths')]:
            depth = read(out / folder / name)
            assert depth.dtype == np.uint16
            meters = expected[key][..., i - 1].astype(float)
            np.testing.assert_array_equal(depth, np.round(meters * 5000))
        labels = expected['labels'][..., i - 1]
        stored = read(out / 'label894' / name)
        assert stored.dtype == np.uint16
        np.testing.assert_array_equal(stored, labels)
        forty = read(out / 'label' / name)
        for value, k in zip(labels.ravel(), forty.ravel(), strict=True):
            assert k == (mapping()[0, value - 1] - 1 if value else 255)
        assert (out / 'train.txt').read_text() == '000002\n000005\n000001\n'
        assert (out / 'val.txt').read_text() == '000003\n000004\n'


def test_thirteen_classes_follow_from_the_forty(convert, download, tmp_path, read):
    convert(download, tmp_path / 'out')
    names = 'bed books ceiling chair floor furniture objects picture sofa table tv wall'
    names = [*names.split(), 'window']
    classes = NYUDv2Dataset.METAINFO['classes']
    known = dict(
        wall='wall', floor='floor', bed='bed', chair='chair', sofa='sofa',
        table='table', desk='table', window='window', blinds='window',
        curtain='window', picture='picture', ceiling='ceiling', books='books',
        television='tv', cabinet='furniture', bookshelf='furniture', lamp='objects',
    )  # fmt: skip
    known['floor mat'] = 'floor'
    forty = read(tmp_path / 'out/label/000001.png')
    thirteen = read(tmp_path / 'out/label13/000001.png')
    assert set(np.unique(thirteen)) <= {*range(13), 255}
    np.testing.assert_array_equal(thirteen == 255, forty == 255)
    for name, coarse in known.items():
        found = np.unique(thirteen[forty == classes.index(name)])
        assert found.tolist() == [names.index(coarse)], name


def test_the_data_set_loads_what_was_written(convert, download, tmp_path):
    convert(download, tmp_path / 'out')
    data = NYUDv2Dataset(
        data_root=str(tmp_path / 'out'),
        ann_file='val.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    depth = images()['depths'][..., TEST[0] - 1]
    np.testing.assert_allclose(data[0]['depth'], depth, atol=1e-4)
    assert len(data) == len(TEST)


def test_the_white_border_is_that_of_the_toolbox(convert, tmp_path, read):
    root = tmp_path / 'download'
    root.mkdir()
    rng = np.random.default_rng(0)
    arrays = dict(
        images=rng.integers(0, 256, (480, 640, 3, 1), np.uint8),
        depths=np.ones((480, 640, 1), np.float32),
        rawDepths=np.zeros((480, 640, 1), np.float32),
        labels=np.ones((480, 640, 1), np.uint16),
    )
    save_hdf5(root / 'nyu_depth_v2_labeled.mat', arrays)
    savemat(root / 'splits.mat', dict(trainNdxs=[[1]], testNdxs=np.zeros((0, 1))))
    savemat(root / 'classMapping40.mat', dict(mapClass=mapping()))
    assert convert(root, tmp_path / 'out', '--crop')[0] == 0
    rgb = read(tmp_path / 'out/rgb/000001.png')[..., ::-1]
    # MATLAB: images(45:471, 41:601, :, 1)
    np.testing.assert_array_equal(rgb, arrays['images'][44:471, 40:601, :, 0])
    assert read(tmp_path / 'out/label/000001.png').shape == (427, 561)
    assert not read(tmp_path / 'out/depth_raw/000001.png').any()


def test_depth_beyond_sixteen_bits_saturates_and_no_depth_is_zero(
    convert, download, tmp_path, read
):
    arrays = images()
    arrays['depths'][0, :4, 1] = [20, np.nan, -1, np.inf]
    save_hdf5(download / 'nyu_depth_v2_labeled.mat', arrays)
    status, report = convert(download, tmp_path / 'out')
    assert status == 0
    assert read(tmp_path / 'out/depth/000002.png')[0, :4].tolist() == [65535, 0, 0, 0]
    assert '1 pixels at the largest value' in report


# --- Corrupt downloads ----------------------------------------------------------------


def truncate(path, share=0.6):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def without(key):
    return lambda root: save_hdf5(
        root / 'nyu_depth_v2_labeled.mat',
        {k: v for k, v in images().items() if k != key},
    )


def with_array(**arrays):
    return lambda root: save_hdf5(
        root / 'nyu_depth_v2_labeled.mat', {**images(), **arrays}
    )


def with_mapping(values):
    return lambda root: savemat(root / 'classMapping40.mat', dict(mapClass=values))


def with_splits(train, test):
    variables = dict(trainNdxs=train, testNdxs=test)
    return lambda root: savemat(root / 'splits.mat', variables)


CORRUPT = {
    'labeled.mat must be a complete MATLAB 7.3': lambda r: truncate(
        r / 'nyu_depth_v2_labeled.mat'
    ),
    'splits.mat must be a complete MATLAB file': lambda r: truncate(r / 'splits.mat'),
    'splits.mat is missing; it comes from http': lambda r: (r / 'splits.mat').unlink(),
    'classMapping40.mat is missing; it comes from http': lambda r: (
        r / 'classMapping40.mat'
    ).unlink(),
    "got no ['rawDepths']": without('rawDepths'),
    'must agree in size (N, W, H), got': with_array(labels=images()['labels'][..., 1:]),
    "'depths': (5, 32, 23)": with_array(depths=images()['depths'][1:]),
    'labeled.mat: labels must be 0..894, got [895]': with_array(
        labels=np.full((H, W, N), 895, np.uint16)
    ),
    'must be images 1..5 of': with_splits([[1], [9]], [[2]]),
    'images in both lists: [2]': with_splits([[1], [2]], [[2]]),
    'classMapping40.mat: `mapClass` must hold 1..40 for each of 894': with_mapping(
        [[41, 1]]
    ),
    'got 893 values, within 1..40': with_mapping(mapping()[:, 1:]),
    'got 894 values, within 40..41': with_mapping(
        np.full((1, 894), 41) - mapping() % 2
    ),
    'splits.mat: `trainNdxs` must hold whole numbers, got float64': with_splits(
        [[1.0], [np.nan]], [[2]]
    ),
    "splits.mat must hold ['trainNdxs', 'testNdxs'], got no ['testNdxs']": (
        lambda r: save_hdf5(r / 'splits.mat', dict(trainNdxs=np.ones((1, 1))))
    ),
    'labeled.mat: `images` and `labels` must be integers': with_array(
        labels=images()['labels'].astype(float)
    ),
    'got rawDepths of uint16': with_array(rawDepths=images()['labels']),
    'must be (N, 3, W, H), got': with_array(images=images()['images'][..., 0]),
}
# Before any sample is planned, in all samples, and in the lists alone.
REPAIRED = [list(CORRUPT)[i] for i in (0, 7, 8)]


@pytest.mark.parametrize('message', CORRUPT)
def test_a_corrupt_download_is_named_and_the_folder_stays_unfinished(
    convert, download, tmp_path, message
):
    CORRUPT[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert 'PROBLEM' in report
    assert message in report
    assert not (tmp_path / 'out/meta.json').exists()
    assert not (tmp_path / 'out/train.txt').exists()


@pytest.mark.parametrize('message', REPAIRED)
def test_a_repaired_download_ends_as_if_it_had_been_sound(
    convert, download, tmp_path, tree, message
):
    shutil.copytree(download, tmp_path / 'sound')
    CORRUPT[message](download)
    assert convert(download, tmp_path / 'out')[0] == 1
    for name in ('out', 'other'):
        assert convert(tmp_path / 'sound', tmp_path / name)[0] == 0
    assert tree(tmp_path / 'out') == tree(tmp_path / 'other')


def test_a_folder_below_a_file_is_refused_in_one_line(convert, download, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(SystemExit, match=r'file/sub. must be below a folder'):
        convert(download, tmp_path / 'file/sub')


def test_check_of_a_sound_folder_succeeds_and_of_a_damaged_one_fails(
    convert, download, tmp_path
):
    out = tmp_path / 'out'
    convert(download, out)
    assert convert(out, '--check')[0] == 0
    truncate(out / 'label13/000004.png')
    status, report = convert(out, '--check')
    assert status == 1
    assert 'label13/000004.png must be a complete' in report


def test_paths_that_do_not_exist_are_named(convert, tmp_path):
    with pytest.raises(SystemExit, match='nowhere'):
        convert(tmp_path / 'nowhere', tmp_path / 'out')
    with pytest.raises(SystemExit, match='not finished'):
        convert(tmp_path, '--check')


# --- Layout of the released code ------------------------------------------------------


@pytest.fixture
def released(tmp_path):
    root = tmp_path / 'released'
    rng = np.random.default_rng(0)
    for stem, size in [('000001', (480, 640)), ('000002', (427, 561))]:
        for name, image in [
            ('rgb', rng.integers(0, 256, (480, 640, 3), np.uint8)),
            ('depth', rng.integers(0, 50000, (480, 640), np.uint16)),
            ('masks', rng.integers(0, 40, size, np.uint8)),
        ]:
            (root / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(f'{root}/{name}/{stem}.png', image)
    line = 'rgb/{0}.png\tmasks/{0}.png\tdepth/{0}.png\n'
    (root / 'train.txt').write_text(line.format('000002'))
    (root / 'val.txt').write_text(line.format('000001'))
    return root


def test_labels_that_count_from_1_are_told_from_others(convert, released, tmp_path):
    path = released / 'masks/000001.png'
    assert cv2.imwrite(str(path), np.full((480, 640), 40, np.uint8))
    status, report = convert(released, tmp_path / 'out')
    assert status == 1
    rule = f'{path}: labels must be 0..39 or 255'
    assert f'{rule}, got [40]: give --reduce-zero' in report


def test_lists_of_the_released_code_are_read(convert, released, tmp_path, read):
    out = tmp_path / 'out'
    assert convert(released, out)[0] == 0
    for new, old in [('rgb', 'rgb'), ('depth', 'depth'), ('label', 'masks')]:
        image = read(out / new / '000001.png')
        np.testing.assert_array_equal(image, read(released / old / '000001.png'))
    depth = read(released / 'depth/000002.png')[44:471, 40:601]
    np.testing.assert_array_equal(read(out / 'depth/000002.png'), depth)
    assert (out / 'val.txt').read_text() == '000001\n'


def test_a_damaged_file_of_the_released_layout_is_named(convert, released, tmp_path):
    truncate(released / 'depth/000001.png')
    (released / 'masks/000002.png').unlink()
    status, report = convert(released, tmp_path / 'out')
    assert status == 1
    assert f'000001: {released}/depth/000001.png must be a complete' in report
    assert f'{released}/masks/000002.png is missing' in report


def test_labels_from_one_on_can_be_shifted(convert, released, tmp_path, read):
    labels = np.full((480, 640), 40, np.uint8)
    labels[0] = 0
    cv2.imwrite(f'{released}/masks/000001.png', labels)
    status, report = convert(released, tmp_path / 'out')
    assert status == 1
    assert 'masks/000001.png: labels must be 0..39 or 255, got [40]' in report
    assert convert(released, tmp_path / 'out', '--reduce-zero-label')[0] == 0
    shifted = read(tmp_path / 'out/label/000001.png')
    assert (shifted[0] == 255).all()
    assert (shifted[1:] == 39).all()


@pytest.mark.skipif(not META.is_dir(), reason=f'no data in {META}')
def test_the_official_splits_and_mapping_are_read(convert, download, tmp_path):
    for name in ('splits.mat', 'classMapping40.mat'):
        shutil.copy(META / name, download / name)
        (download / name).chmod(0o644)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1  # five images cannot be those 1449
    assert 'got 1444 others' in report
    assert 'official list' in report
