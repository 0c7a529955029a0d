"""Any modality of own data is stored with its values, type, channels and unit."""

from functools import partial

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mmseg_cen.preparation import read_image

SIZE = (12, 16)
STEMS = ('1', '2', '3')


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array)


@pytest.fixture
def folders(tmp_path):
    """Write a folder of files that a function makes."""

    def fill(name, suffix, make):
        for k, stem in enumerate(STEMS):
            write(tmp_path / name / f'{stem}{suffix}', make(np.random.default_rng(k)))
        return tmp_path / name

    fill('rgb', '.png', lambda rng: rng.integers(0, 256, (*SIZE, 3), np.uint8))
    fill('label', '.png', lambda rng: rng.integers(0, 3, SIZE, np.uint8))
    return fill


@pytest.fixture
def convert(tmp_path, load_tool, capsys):
    tool = load_tool('from_folders')

    def run(*options):
        labels = ['--label', tmp_path / 'label', '--jobs', '1', '--val-share', '0.4']
        arguments = [tmp_path / 'out', '--rgb', tmp_path / 'rgb', *labels, *options]
        status = tool.main([*map(str, arguments)])
        return status, capsys.readouterr().out

    return run


def loaded(out):
    """The arrays of each modality by stem, as a training would load them."""
    cfg = Config.fromfile(out / 'config.py')
    arrays = {}
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        settings = {**loader.dataset, 'pipeline': [dict(type='LoadModalities')]}
        dataset = DATASETS.build(settings)
        for i in range(len(dataset)):
            sample = dataset[i]
            name = sample['img_path'].rpartition('/')[2].removesuffix('.png')
            arrays[name] = sample
    return arrays


KINDS = dict(
    thermal=('.png', 0.01, lambda rng: rng.integers(28000, 31000, SIZE, np.uint16)),
    gray=('.jpg', None, lambda rng: np.full(SIZE, rng.integers(9, 200), np.uint8)),
    pressure=('.npy', 0.5, lambda rng: rng.integers(-50, 50, SIZE).astype(np.int16)),
    normal=('.npy', None, lambda rng: rng.normal(size=(*SIZE, 3)).astype(np.float16)),
    curvature=('.npy', None, lambda rng: rng.random(SIZE) / 1000),
    bands=('.npy', None, lambda rng: rng.integers(0, 256, (*SIZE, 5), np.uint8)),
    pgm=('.pgm', None, lambda rng: rng.integers(0, 4096, SIZE, np.uint16)),
    once=('.npy', 2.0, lambda rng: rng.random((*SIZE, 1)).astype(np.float32)),
)


def test_every_modality_is_loaded_as_it_was_in_physical_units(
    folders, convert, tmp_path
):
    options = []
    for name, (suffix, scale, make) in KINDS.items():
        option = f'{name}={folders(name, suffix, make)}:suffix={suffix}'
        option += '' if scale is None else f':scale={scale}'
        options += ['--modality', option]
    assert convert(*options)[0] == 0
    channels = {}
    for stem, sample in loaded(tmp_path / 'out').items():
        for name, (suffix, scale, make) in KINDS.items():
            stored = make(np.random.default_rng(STEMS.index(stem)))
            expected = stored.astype(np.float32).squeeze() * (scale or 1)
            atol = 1.5 * (suffix == '.jpg')
            np.testing.assert_allclose(sample[name], expected, rtol=1e-3, atol=atol)
            channels[name] = np.atleast_3d(expected).shape[2]
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    assert cfg.model.modalities == ('rgb', *KINDS)
    statistics = cfg.model.data_preprocessor.modalities
    assert {name: len(statistics[name].mean) for name in KINDS} == channels
    assert all(value > 0 for name in KINDS for value in statistics[name].std)


def test_depth_as_a_modality_is_depth(folders, convert, tmp_path, tree):
    folder = folders('d', '.png', lambda rng: rng.integers(900, 4000, SIZE, np.uint16))
    assert convert('--depth', folder, '--depth-unit', '0.001')[0] == 0
    once = tree(tmp_path / 'out')
    assert convert('--modality', f'depth={folder}:scale=0.001')[0] == 0
    assert tree(tmp_path / 'out') == once


def test_options_of_depth_are_those_of_depth_as_a_modality(folders, convert, tmp_path):
    def far(rng):
        depth = rng.integers(9000, 30000, (SIZE[0] // 2, SIZE[1] // 2), np.uint16)
        depth[0, 0] = 65535
        return depth

    option = f'depth={folders("d", ".png", far)}'
    options = ['--depth-unit', '0.001', '--depth-invalid', '65535', '--resize']
    options += ['--plausible-depth', '4', '99']
    status, report = convert('--modality', option, *options)
    assert status == 0
    assert 'unit 0.001 m' in report
    assert 'WARNING' not in report
    assert (read_image(tmp_path / 'out/depth/1.png') == 0).sum() == 4
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    assert tuple(cfg.dataset.modalities.depth.plausible) == (4, 99)
    status, report = convert('--modality', f'{option}:scale=0.002', *options)
    assert 'unit 0.002 m' in report


def test_stored_values_of_no_measurement_become_invalid(folders, convert, tmp_path):
    def make(rng):
        values = rng.integers(28000, 31000, SIZE, np.uint16)
        values[3:5] = 65535
        return values

    folder = folders('thermal', '.png', make)
    assert convert('--modality', f'thermal={folder}:invalid=65535:scale=0.01')[0] == 0
    for sample in loaded(tmp_path / 'out').values():
        assert sample['thermal'].max() < 311
        assert sample['thermal'].min() > 279


def test_zeros_of_signed_values_are_measured(folders, convert, tmp_path):
    def make(rng):
        values = rng.integers(-3, 4, SIZE).astype(np.int16)
        values[3:5] = -32768
        return values

    folder = folders('celsius', '.npy', make)
    assert convert('--modality', f'celsius={folder}:invalid=-32768')[0] == 0
    for stem, sample in loaded(tmp_path / 'out').items():
        stored = make(np.random.default_rng(STEMS.index(stem)))
        known = stored > -32768
        np.testing.assert_array_equal(sample['celsius'][known], stored[known])
        assert sample['celsius'].min() >= -3


def test_files_of_the_camera_are_read_as_the_written_ones(folders, convert, tmp_path):
    def make(rng):
        depth = rng.integers(9000, 40000, (SIZE[0] // 2, SIZE[1] // 2), np.uint16)
        depth[:3] = 65535
        return depth

    options = ('--depth-unit', '0.0001', '--depth-invalid', '65535', '--resize')
    assert convert('--depth', folders('d', '.png', make), *options)[0] == 0
    written = loaded(tmp_path / 'out')
    for stem in STEMS:
        (tmp_path / 'd' / f'{stem}.png').replace(tmp_path / f'out/depth/{stem}.png')
    for stem, sample in loaded(tmp_path / 'out').items():
        np.testing.assert_array_equal(sample['depth'], written[stem]['depth'])


def test_a_value_that_no_file_can_hold_is_refused(folders, convert):
    folder = folders('d', '.png', lambda rng: np.ones(SIZE, np.uint16))
    with pytest.raises(SystemExit, match='depth: `invalid` must be values that uint16'):
        convert('--depth', folder, '--depth-unit', '1', '--depth-invalid', '-1')


def test_the_reason_is_said_why_no_file_can_be_read(folders, convert):
    folder = folders('d', '.png', lambda rng: np.ones(SIZE, np.uint16))
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(SystemExit, match=r'none among 3 files: .*1.png must be'):
        convert('--depth', folder, '--depth-unit', '1')


def test_images_that_are_no_pictures_are_refused(folders, convert, tmp_path):
    for path in (tmp_path / 'rgb').iterdir():
        path.unlink()
    folders('rgb', '.tiff', lambda rng: rng.random((*SIZE, 3), np.float32))
    with pytest.raises(SystemExit, match=r'rgb must be images of 8 or 16 bits, got fl'):
        convert()


def test_values_that_are_not_finite_need_a_replacement(folders, convert, tmp_path):
    def make(rng):
        values = rng.random(SIZE)
        values[0, 0] = np.nan
        return values

    folder = folders('curvature', '.npy', make)
    status, report = convert('--modality', f'curvature={folder}')
    assert status == 1
    assert '1.npy: curvature must be finite' in report
    assert convert('--modality', f'curvature={folder}:fill=nearest')[0] == 0
    for sample in loaded(tmp_path / 'out').values():
        assert np.isfinite(sample['curvature']).all()


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('thermal', 'must be NAME=DIR'),
        ('thermal=', 'must be NAME=DIR'),
        ('thermal={}:scal=1', r"got \['scal'\]"),
        ('thermal={}:scale=x', 'must be numbers'),
        ('thermal={}:scale=-1', '`scale of thermal` must be positive'),
        ('thermal={}:fill=mean', '`fill` must be a number'),
        ('img={}', "got 'img': rename"),
        ('label={}', "must not be named 'label'"),
        ('rgb={}', 'a modality must be given once'),
        ('depth={}', '--depth-unit must be given'),
        ('depth={}:scale=0', '`--depth-unit` must be positive'),
        ('thermal={}:suffix=.tif', 'must hold files that end with .tif'),
    ],
)
def test_a_wrong_modality_is_refused_by_name(folders, convert, option, message):
    folder = folders('thermal', '.png', lambda rng: np.ones(SIZE, np.uint16))
    with pytest.raises(SystemExit, match=message):
        convert('--modality', option.format(folder))


def test_files_unlike_the_first_are_named(folders, convert):
    folder = folders('thermal', '.png', lambda rng: np.ones(SIZE, np.uint16))
    write(folder / '2.png', np.ones((*SIZE, 3), np.uint16))
    write(folder / '3.png', np.ones(SIZE, np.uint8))
    status, report = convert('--modality', f'thermal={folder}')
    assert status == 1
    assert '2.png: thermal must have one channel of integers (uint16)' in report
    assert '3.png: thermal must have one channel of integers (uint16)' in report


@pytest.mark.parametrize('few', [('1', '2'), ('3',)])
def test_depth_of_8_bits_among_more_is_refused(folders, convert, few):
    folder = folders('d', '.png', lambda rng: rng.integers(800, 4000, SIZE, np.uint16))
    for stem in few:
        write(folder / f'{stem}.png', np.full(SIZE, 99, np.uint8))
    status, report = convert('--depth', folder, '--depth-unit', '0.001')
    assert status == 1
    other = '3' if '1' in few else few[0]
    first = 'uint8' if '1' in few else 'uint16'
    assert f'{other}.png: depth must have one channel of integers ({first})' in report


def test_a_picture_of_depth_in_colors_is_refused(folders, convert):
    color = folders('c', '.png', lambda rng: np.full((*SIZE, 3), 9, np.uint8))
    status, report = convert('--depth', color, '--depth-unit', '0.02')
    assert status == 1
    assert '1.png: depth must have one channel' in report
    assert 'a picture of depth in colors' in report


def test_depth_of_8_bits_and_its_largest_value_are_warned_of(folders, convert):
    def make(rng):
        depth = rng.integers(90, 200, SIZE, np.uint8)
        depth[:3] = 255
        return depth

    options = ['--depth', folders('d', '.png', make), '--depth-unit', '0.02']
    report = convert(*options)[1]
    assert 'WARNING: depth has 8 bits' in report
    assert '--depth-invalid 255)' in report


def test_a_value_that_files_call_no_measurement_is_asked_for(folders, convert):
    def write_tiff(folder):
        tags = ImageFileDirectory_v2()
        tags[42113] = '-9999'
        for path in folder.glob('*.png'):
            height = np.ones(SIZE, np.float32)
            height[0] = -9999
            Image.fromarray(height).save(path.with_suffix('.tif'), tiffinfo=tags)
            path.unlink()
        return folder

    dsm = write_tiff(folders('dsm', '.png', lambda rng: np.ones(SIZE, np.uint8)))
    report = convert('--modality', f'dsm={dsm}')[1]
    assert 'give --modality dsm=DIR:invalid=-9999\n' in report
    assert 'GDAL_NODATA' not in convert('--modality', f'dsm={dsm}:invalid=-9999')[1]


@pytest.mark.parametrize(('fourth', 'is_said'), [(255, True), (254, False)])
def test_opacity_is_no_measurement(folders, convert, fourth, is_said):
    image = np.full((*SIZE, 4), 99, np.uint8)
    image[..., 3] = fourth
    thermal = folders('t', '.png', lambda rng: image)
    status, report = convert('--modality', f'thermal={thermal}')
    assert status == 0
    assert ('the last of which is opacity' in report) == is_said


def test_far_depth_in_floats_gets_a_coarser_unit(folders, convert, tmp_path):
    far = np.linspace(1, 500, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    folder = folders('d', '.npy', lambda rng: far)
    status, report = convert('--depth', folder, '--depth-unit', '1')
    assert status == 0
    assert 'unit 0.01 m' in report
    for sample in loaded(tmp_path / 'out').values():
        np.testing.assert_allclose(sample['depth'], far, atol=0.0051)


def test_depth_that_is_too_far_for_any_unit_is_no_depth(folders, convert, tmp_path):
    def make(rng):
        depth = rng.uniform(1, 5, SIZE).astype(np.float32)
        depth[:3] = 1e10
        return depth

    folder = folders('d', '.npy', make)
    with pytest.raises(SystemExit, match=r'give --depth-invalid 1e\+10, else correct'):
        convert('--depth', folder, '--depth-unit', '1')
    invalid = ('--depth-invalid', '1e9..inf')
    assert convert('--depth', folder, '--depth-unit', '1', *invalid)[0] == 0
    for sample in loaded(tmp_path / 'out').values():
        assert sample['depth'].max() < 5.1


def test_integers_beyond_sixteen_bits_get_a_coarser_unit(folders, convert, tmp_path):
    def micrometers(rng):
        return rng.integers(1_000_000, 5_000_000, SIZE, np.uint32)

    folder = folders('d', '.npy', micrometers)
    assert convert('--depth', folder, '--depth-unit', '1e-6')[0] == 0
    for stem, sample in loaded(tmp_path / 'out').items():
        meters = micrometers(np.random.default_rng(STEMS.index(stem))) / 1e6
        np.testing.assert_allclose(sample['depth'], meters, atol=5.1e-5)


def test_far_depth_is_expected_where_that_is_said(folders, convert, tmp_path):
    def far(rng):
        return rng.integers(9000, 40000, SIZE, np.uint16)

    options = ['--depth', folders('d', '.png', far), '--depth-unit', '0.001']
    assert 'WARNING: depth/: half of it' in convert(*options)[1]
    assert 'WARNING' not in convert(*options, '--plausible-depth', 4, 100)[1]
    config = Config.fromfile(tmp_path / 'out/config.py')
    modalities = config.train_dataloader.dataset.modalities
    assert tuple(modalities['depth']['plausible']) == (4, 100)


def test_depth_of_another_size_is_resized_if_asked(folders, convert, tmp_path):
    def small(rng):
        return rng.integers(900, 4000, (SIZE[0] // 2, SIZE[1] // 2), np.uint16)

    options = ['--depth', folders('d', '.png', small), '--depth-unit', '0.001']
    status, report = convert(*options)
    assert status == 1
    assert 'its files must agree in size' in report
    assert convert(*options, '--resize')[0] == 0
    for stem, sample in loaded(tmp_path / 'out').items():
        stored = small(np.random.default_rng(STEMS.index(stem)))
        expected = stored.repeat(2, axis=0).repeat(2, axis=1) / 1000
        np.testing.assert_allclose(sample['depth'], expected, rtol=1e-6)


def test_values_of_any_type_are_resized_if_asked(folders, convert, tmp_path):
    def ramp(rng):
        values = np.arange(-(2**31), -(2**31) + 8 * 2**20, 2**20, np.int64)
        return values.astype(np.int32).repeat(6).reshape(8, 6).T

    option = f'count={folders("c", ".npy", ramp)}:resize=1:interpolation=bilinear'
    assert convert('--modality', option)[0] == 0
    count = np.load(tmp_path / 'out/count/1.npy')
    assert count.dtype == np.int32
    assert count[0].tolist() == cv2.resize(ramp(None)[:1] * 1.0, (16, 1))[0].tolist()


def test_values_are_not_mixed_with_holes_when_they_are_resized(
    folders, convert, tmp_path
):
    def small(rng, hole=65535, dtype=np.uint16):
        values = np.full((SIZE[0] // 2, SIZE[1] // 2), 30000, dtype)
        values[2:4, 2:4] = hole
        return values

    there = folders('t', '.png', small)
    nan = folders('f', '.npy', partial(small, hole=np.nan, dtype=np.float32))
    resized = 'resize=1:interpolation=bilinear'
    options = [
        f'thermal={there}:invalid=65535:{resized}',
        f'far={nan}:fill=0:{resized}',
    ]
    status, report = convert('--modality', options[0], '--modality', options[1])
    assert status == 0
    assert report.count('unit 1, 0 is invalid') == 2
    assert report.count('3e+04 to 3e+04, 8.3 % invalid') == 2
    for stem in STEMS:
        thermal = read_image(tmp_path / f'out/thermal/{stem}.png')
        far = np.load(tmp_path / f'out/far/{stem}.npy')
        assert (thermal == 0).sum() == np.isnan(far).sum() == 16
        assert {*thermal[thermal > 0], *far[~np.isnan(far)]} == {30000}


def test_images_are_turned_as_their_tags_say_if_asked(folders, convert, tmp_path):
    depth = folders('d', '.png', lambda rng: rng.integers(900, 4000, SIZE, np.uint16))
    upright = {}
    for stem in STEMS:
        path = tmp_path / 'rgb' / f'{stem}.png'
        upright[stem] = cv2.imread(str(path))
        exif = Image.Exif()
        exif[0x0112] = 6
        stored = np.rot90(upright[stem][..., ::-1])
        Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    options = ['--depth', depth, '--depth-unit', '0.001']
    status, report = convert(*options)
    assert status == 1
    assert '3 files have an orientation tag (EXIF)' in report
    status, report = convert(*options, '--orientation', 'apply')
    assert status == 0
    assert 'WARNING' not in report
    for stem, sample in loaded(tmp_path / 'out').items():
        np.testing.assert_array_equal(sample['img'], upright[stem])
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    assert cfg.dataset.modalities.rgb.orientation == 'apply'


@pytest.mark.parametrize('dtype', ['uint8', 'uint16'])
def test_bands_are_in_one_order_whatever_the_format(folders, convert, tmp_path, dtype):
    def bands(rng):
        return rng.integers(0, 256, (*SIZE, 3)).astype(dtype)

    arrays = folders('a', '.npy', bands)
    images = folders('i', '.png', lambda rng: bands(rng)[..., ::-1])
    options = ('--modality', f'a={arrays}', '--modality', f'i={images}')
    assert convert(*options)[0] == 0
    for stem, sample in loaded(tmp_path / 'out').items():
        stored = bands(np.random.default_rng(STEMS.index(stem)))
        expected = stored[..., ::-1] if dtype == 'uint8' else stored  # a picture is BGR
        np.testing.assert_array_equal(sample['a'], expected)
        np.testing.assert_array_equal(sample['i'], expected)
