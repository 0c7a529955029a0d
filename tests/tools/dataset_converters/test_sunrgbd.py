import os
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import SUNRGBDDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

h5py = pytest.importorskip('h5py')
savemat = pytest.importorskip('scipy.io').savemat

# Real files, which lie outside the project.
SHARED = Path(__file__).parents[4] / 'shared' / 'data'
REAL = Path(os.environ.get('MMSEG_CEN_DATA', SHARED)) / 'sunrgbd_depth'
OLD = '/n/fs/sun3d/data/'
SEQUENCES = [
    ('kv1/NYUdata/NYU0001', 'NYU0001.jpg', 'NYU0001.png'),
    ('kv2/kinect2data/000002_2014-resize', '0000103.jpg', '0000103.png'),
    ('realsense/lg/2014_10_21-18', '0000064.jpg', '0000075.png'),
    ('xtion/sun3ddata/brown/0000081', '0000081-0.jpg', '0000081-1.png'),
]
TRAIN, TEST = [3, 0], [1, 2]


def size(i):
    return 20 + i, 30 + 2 * i


def millimeters(i, folder):
    rng = np.random.default_rng([i, folder == 'depth'])
    return rng.integers(0, 2**16, size(i)).astype(np.uint16)


def labels(i):
    return np.random.default_rng(i).integers(0, 38, size(i)).astype(np.uint8)


def rotate(depth):
    """Three bits to the left, in Python integers."""
    values = [(int(d) << 3 | int(d) >> 13) & 0xFFFF for d in depth.ravel()]
    return np.array(values, np.uint16).reshape(depth.shape)


def save_labels(path, maps):
    """A struct array in MATLAB 7.3: references to the columns-first arrays."""
    with h5py.File(path, 'w') as file:
        field = file.create_dataset(
            'SUNRGBD2Dseg/seglabel', (len(maps), 1), h5py.ref_dtype
        )
        for i, array in enumerate(maps):
            data = file.create_dataset(f'#refs#/{i}', data=array.T, chunks=True)
            field[i, 0] = data.ref


def save_meta(path, sequences=SEQUENCES):
    record = [('rgbpath', object), ('depthpath', object), ('sensorType', object)]
    records = np.empty((1, len(sequences)), record)
    for i, (sequence, rgb, depth) in enumerate(sequences):
        folder = f'{OLD}SUNRGBD/{sequence}'
        records[0, i] = (
            f'{folder}/image/{rgb}',
            f'{folder}/depth/{depth}',
            sequence.split('/')[0],
        )
    savemat(path, dict(SUNRGBDMeta=records))


def save_splits(path, train=TRAIN, test=TEST):
    cells = {}
    for name, indices in [('alltrain', train), ('alltest', test)]:
        cells[name] = np.empty((1, len(indices)), object)
        for column, i in enumerate(indices):
            cells[name][0, column] = f'{OLD}SUNRGBD/{SEQUENCES[i][0]}'
    savemat(path, cells)


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'download'
    toolbox = root / 'SUNRGBDtoolbox'
    for i, (sequence, rgb, depth) in enumerate(SEQUENCES):
        folder = root / 'SUNRGBD' / sequence
        for name in ('image', 'depth', 'depth_bfx'):
            (folder / name).mkdir(parents=True)
        image = np.random.default_rng(i).integers(0, 256, (*size(i), 3), np.uint8)
        cv2.imwrite(str(folder / 'image' / rgb), image)
        for name in ('depth', 'depth_bfx'):
            cv2.imwrite(str(folder / name / depth), rotate(millimeters(i, name)))
    for name in ('Metadata', 'traintestSUNRGBD'):
        (toolbox / name).mkdir(parents=True)
    maps = [labels(i) for i in range(4)]
    save_labels(toolbox / 'Metadata/SUNRGBD2Dseg.mat', maps)
    save_meta(toolbox / 'Metadata/SUNRGBDMeta.mat')
    save_splits(toolbox / 'traintestSUNRGBD/allsplit.mat')
    return root


def test_every_pixel_is_that_of_the_download(convert, download, tmp_path, read):
    status, report = convert(download, tmp_path / 'out')
    assert status == 0
    assert 'camera: kv1 1, kv2 1, realsense 1, xtion 1' in report
    assert 'WARNING: train has 2 samples, the official list 5285' in report
    out = tmp_path / 'out'
    for i, (sequence, rgb, _) in enumerate(SEQUENCES):
        written = (out / f'rgb/{sequence}.jpg').read_bytes()
        assert written == (download / 'SUNRGBD' / sequence / 'image' / rgb).read_bytes()
        for folder, official in [('depth', 'depth_bfx'), ('depth_raw', 'depth')]:
            depth = read(out / folder / f'{sequence}.png')
            np.testing.assert_array_equal(depth, millimeters(i, official))
        label = read(out / f'label/{sequence}.png')
        expected = labels(i).astype(int) - 1
        np.testing.assert_array_equal(label, np.where(expected < 0, 255, expected))
    for split, indices in [('train', TRAIN), ('val', TEST)]:
        lines = (out / f'{split}.txt').read_text().splitlines()
        assert lines == [SEQUENCES[i][0] for i in indices]


def test_the_zip_file_gives_what_its_contents_give(convert, download, tmp_path, tree):
    convert(download, tmp_path / 'a')
    with zipfile.ZipFile(download / 'SUNRGBD.zip', 'w') as file:
        for path in sorted((download / 'SUNRGBD').rglob('*')):
            file.write(path, path.relative_to(download))
    shutil.rmtree(download / 'SUNRGBD')
    # Two processes read the one file at once.
    assert convert(download, tmp_path / 'b', '--jobs', '2')[0] == 0
    written = [tree(tmp_path / name) for name in 'ab']
    for contents in written:
        contents.pop('meta.json')  # tells what it was made of
    assert written[0] == written[1]


def test_the_data_set_loads_what_was_written(convert, download, tmp_path):
    convert(download, tmp_path / 'out')
    data = SUNRGBDDataset(
        data_root=str(tmp_path / 'out'),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    depth = millimeters(TRAIN[0], 'depth_bfx') / 1000
    np.testing.assert_allclose(data[0]['depth'][depth > 0], depth[depth > 0], rtol=1e-6)
    assert data.get_data_info(0)['groups'] == dict(camera='xtion')


def test_the_name_of_depth_may_be_given_without_its_path(
    convert, download, tmp_path, tree
):
    convert(download, tmp_path / 'a')
    records = np.empty((1, 4), [('rgbpath', object), ('depthname', object)])
    for i, (sequence, rgb, depth) in enumerate(SEQUENCES):
        records[0, i] = f'{OLD}SUNRGBD//{sequence}/image/{rgb}', depth
    savemat(meta(download, 'SUNRGBDMeta.mat'), dict(SUNRGBDMeta=records))
    assert convert(download, tmp_path / 'b')[0] == 0
    written = [tree(tmp_path / name) for name in 'ab']
    for contents in written:
        contents.pop('meta.json')
    assert written[0] == written[1]


def folder_of(root, i):
    return root / 'SUNRGBD' / SEQUENCES[i][0]


def meta(root, name):
    return root / 'SUNRGBDtoolbox/Metadata' / name


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])


def change_labels(change):
    def corrupt(root):
        maps = [labels(i) for i in range(4)]
        change(maps)
        save_labels(meta(root, 'SUNRGBD2Dseg.mat'), maps)

    return corrupt


CORRUPT = {
    'SUNRGBD2Dseg.mat must be a complete MATLAB 7.3': lambda r: truncate(
        meta(r, 'SUNRGBD2Dseg.mat')
    ),
    'SUNRGBDMeta.mat must be a complete MATLAB file': lambda r: truncate(
        meta(r, 'SUNRGBDMeta.mat')
    ),
    'allsplit.mat is missing': lambda r: next(r.rglob('allsplit.mat')).unlink(),
    'SUNRGBDMeta.mat is missing': lambda r: meta(r, 'SUNRGBDMeta.mat').unlink(),
    'SUNRGBD.zip exists': lambda r: shutil.rmtree(r / 'SUNRGBD'),
    'kv1/NYUdata/NYU0001/depth/NYU0001.png is missing': lambda r: (
        folder_of(r, 0) / 'depth/NYU0001.png'
    ).unlink(),
    'image/NYU0001.jpg must be a complete image': lambda r: truncate(
        folder_of(r, 0) / 'image/NYU0001.jpg'
    ),
    'depth_bfx/0000081-1.png must be a complete': lambda r: truncate(
        folder_of(r, 3) / 'depth_bfx/0000081-1.png'
    ),
    'depth must be uint16': lambda r: cv2.imwrite(
        str(folder_of(r, 0) / 'depth/NYU0001.png'), np.zeros(size(0), np.uint8)
    ),
    'has the labels of 3 samples': change_labels(lambda maps: maps.pop()),
    '2Dseg.mat: labels must be 0..37, got 0..38': change_labels(
        lambda maps: maps[1].__setitem__((0, 0), 38)
    ),
    '0000081: its files must agree in size': change_labels(
        lambda maps: maps.__setitem__(3, maps[3].T)
    ),
    'must hold rgbpath, got none': lambda r: savemat(
        meta(r, 'SUNRGBDMeta.mat'),
        dict(SUNRGBDMeta=np.zeros((1, 4), [('depthname', object)])),
    ),
    'lists 1 sequences twice': lambda r: save_splits(
        next(r.rglob('allsplit.mat')), train=[0, 1], test=[1]
    ),
    'sequences that SUNRGBDMeta.mat does not have': lambda r: (
        save_meta(meta(r, 'SUNRGBDMeta.mat'), SEQUENCES[:3]),
        save_labels(meta(r, 'SUNRGBD2Dseg.mat'), [labels(i) for i in range(3)]),
    ),
}


# Of the whole, of one sample, and of the lists.
REPAIRED = [list(CORRUPT)[i] for i in (0, 5, -1)]


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


def test_a_damaged_zip_file_is_named(convert, download, tmp_path):
    with zipfile.ZipFile(download / 'SUNRGBD.zip', 'w') as file:
        file.write(download / 'SUNRGBDtoolbox/Metadata/SUNRGBDMeta.mat')
    shutil.rmtree(download / 'SUNRGBD')
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert 'NYU0001.jpg, got no such file' in report
    truncate(download / 'SUNRGBD.zip')
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    said = report.count('SUNRGBD.zip must be a complete zip file')
    assert said == 2, 'before the conversion and in its report, not for each sample'


def test_a_file_whose_compression_is_damaged_is_named(load_tool, tmp_path):
    path = tmp_path / 'SUNRGBD.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
        file.writestr('SUNRGBD/kv1/a.png', bytes(500))
    content = path.read_bytes()
    place = 30 + len('SUNRGBD/kv1/a.png')  # behind the header of the file
    path.write_bytes(content[:place] + b'\xff' + content[place + 1 :])
    with pytest.raises(ValueError, match=r'kv1/a\.png .* damaged file'):
        load_tool('sunrgbd_files').read_file(str(path), 'kv1/a.png')


def test_the_cameras_may_lie_beside_the_toolbox(convert, download, tmp_path, tree):
    convert(download, tmp_path / 'a')
    for folder in (download / 'SUNRGBD').iterdir():
        folder.rename(download / folder.name)
    (download / 'SUNRGBD').rmdir()
    assert convert(download, tmp_path / 'b')[0] == 0
    assert tree(tmp_path / 'a') == tree(tmp_path / 'b')
    shutil.rmtree(download / 'SUNRGBDtoolbox')
    report = convert(download, tmp_path / 'c')[1]
    assert f'allsplit.mat is missing in {download} and {tmp_path}, with' in report


def test_a_table_of_matlab_7_3_is_named(convert, download, tmp_path):
    with h5py.File(meta(download, 'SUNRGBDMeta.mat'), 'w') as file:
        file.create_group('SUNRGBDMeta')
    report = convert(download, tmp_path / 'out')[1]
    assert 'SUNRGBDMeta.mat: `SUNRGBDMeta` must hold numbers' in report


@pytest.mark.skipif(not REAL.is_dir(), reason=f'no data in {REAL}')
def test_the_depth_of_real_samples_is_decoded(convert, tmp_path, read):
    stems = ['0000144', 'img_0063']
    sequences = [
        ('kv2/kinect2data/000144', '0000144.jpg', '0000144.png'),
        ('kv1/b3dodata/img_0063', 'img_0063.jpg', 'img_0063.png'),
    ]
    root = tmp_path / 'download'
    for (sequence, rgb, depth), stem in zip(sequences, stems, strict=True):
        for name, file in [('image', rgb), ('depth', depth), ('depth_bfx', depth)]:
            folder = root / 'SUNRGBD' / sequence / name
            folder.mkdir(parents=True)
            source = REAL / ('rgb' if name == 'image' else name)
            shutil.copy(source / f'{stem}{Path(file).suffix}', folder / file)
    save_meta(root / 'SUNRGBDMeta.mat', sequences)
    shapes = [(530, 730), (427, 561)]
    save_labels(root / 'SUNRGBD2Dseg.mat', [np.ones(s, np.uint8) for s in shapes])
    cells = [np.array([[f'{OLD}SUNRGBD/{s[0]}']], object) for s in sequences]
    savemat(root / 'allsplit.mat', dict(alltrain=cells[0], alltest=cells[1]))
    assert convert(root, tmp_path / 'out')[0] == 0
    for (sequence, _, _), low, high in zip(
        sequences, (0.640, 1.430), (3.783, 2.525), strict=True
    ):
        for folder in ('depth', 'depth_raw'):
            depth = read(tmp_path / 'out' / folder / f'{sequence}.png') / 1000
            assert (depth[depth > 0].min(), depth.max()) == (low, high)
