from itertools import combinations

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS

from mmseg_cen.translation import TranslationPreprocessor, build_domains

RNG = np.random.default_rng(0)
SIZE = (24, 32)
DOMAINS = dict(
    rgb=dict(suffix='.jpg'),
    depth=dict(dtype='uint16', scale=1e-3, nodata=0, range=(0, 10)),
    normal=dict(channels=3, dtype='uint8', scale=2 / 255, offset=-1.0, vectors=True),
    heat=dict(suffix='.npy', range=(-5, 5)),
)
PIPELINE = [dict(type='LoadDomains'), dict(type='PackTranslationInputs')]


def image(name, size=SIZE):
    if name == 'depth':
        return RNG.integers(1, 9000, size, np.uint16)
    if name == 'heat':
        return RNG.normal(size=size)
    return RNG.integers(0, 256, (*size, 3), np.uint8)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.npy':
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array)


@pytest.fixture
def root(tmp_path):
    for stem in ('a', 'b/c', 'd'):
        for name, domain in build_domains(DOMAINS).items():
            write(tmp_path / name / f'{stem}{domain.suffix}', image(name))
    (tmp_path / 'list.txt').write_text('d\n\nb/c\n')
    return tmp_path


def test_stems_may_have_blanks_in_them(root):
    for name, domain in build_domains(DOMAINS).items():
        old = root / name / f'd{domain.suffix}'
        old.rename(old.with_stem('room (4)'))
    (root / 'list.txt').write_text('room (4)\na\n')
    data = build(root, ann_file='list.txt')
    assert data.get_data_info(0)['img_path'].endswith('rgb/room (4).jpg')
    assert len(data) == 2


def build(root, sources=('depth', 'rgb'), target='normal', **kwargs):
    options = dict(domains=DOMAINS, pipeline=PIPELINE, serialize_data=False) | kwargs
    return DATASETS.build(
        dict(
            type='MultimodalTranslationDataset',
            data_root=str(root),
            sources=sources,
            target=target,
            **options,
        )
    )


def test_samples_are_the_stems_in_the_folders(root):
    dataset = build(root)
    assert len(dataset) == 3
    paths = [dataset.get_data_info(i)['modality_paths'] for i in range(3)]
    assert [p['depth'] for p in paths] == [
        str(root / f'depth/{stem}.png') for stem in ('a', 'b/c', 'd')
    ]
    assert list(paths[0]) == ['depth', 'rgb', 'normal']
    assert dataset[1]['data_samples'].img_path == str(root / 'rgb/b/c.jpg')


@pytest.mark.parametrize('derived', [False, True])
def test_samples_without_the_target_are_there_to_be_predicted(root, derived):
    domains = DOMAINS | (dict(normal=dict(derive='normal')) if derived else {})
    data = build(root, domains=domains, data_prefix=dict(normal=None))
    assert len(data) == 3
    assert list(data.get_data_info(0)['modality_paths']) == ['depth', 'rgb']
    sample = data[0]['data_samples']
    assert 'gt_image' not in sample
    assert 'gt_valid' not in sample
    assert sample.sources == dict(depth=1, rgb=3)
    assert data.metainfo['target'] == sample.target == 'normal'
    assert 'normal' in data.metainfo['domains']


def test_sources_need_a_folder(root):
    with pytest.raises(ValueError, match=r"got None for \['depth'\]"):
        build(root, data_prefix=dict(depth=None))


def test_a_source_that_is_derived_from_the_target_needs_its_files(root):
    domains = DOMAINS | dict(edge=dict(derive='edge'))
    options = dict(domains=domains, data_prefix=dict(depth=None))
    with pytest.raises(ValueError, match="folder of 'depth', from which the source"):
        build(root, ('rgb', 'edge'), 'depth', **options)


def test_a_file_is_not_both_a_source_and_the_target(root):
    message = r"files of their own, got .*rgb/a.jpg for 'rgb' and 'color'"
    color = dict(suffix='.jpg', channels=3, dtype='uint8', range=(0, 99))
    options = dict(domains=DOMAINS | dict(color=color), data_prefix=dict(color='rgb'))
    with pytest.raises(ValueError, match=message):
        build(root, ('rgb',), 'color', **options)
    # As two sources, it may be seen in two ways.
    assert len(build(root, ('rgb', 'color'), 'depth', **options)) == 3
    twice = dict(domains=DOMAINS | dict(near=DOMAINS['depth']))
    with pytest.raises(ValueError, match="'depth' and 'near'"):
        build(root, ('depth', 'near'), 'rgb', data_prefix=dict(near='depth'), **twice)


def test_samples_are_the_lines_of_a_list(root):
    dataset = build(root, ann_file='list.txt')
    assert dataset[0]['data_samples'].img_path == str(root / 'rgb/d.jpg')
    assert len(dataset) == 2


def test_a_byte_order_mark_belongs_to_no_stem(root):
    (root / 'windows.txt').write_bytes(b'\xef\xbb\xbfd\r\nb/c\r\n')
    assert len(build(root, ann_file='windows.txt')) == 2


@pytest.mark.parametrize('name', ['target', 'helpers', 'gt_valid'])
def test_names_that_the_pipeline_uses_are_refused(root, name):
    with pytest.raises(ValueError, match=f'{name}.*rename'):
        build(root, domains=DOMAINS | {name: DOMAINS['rgb']})


def test_a_list_may_name_the_files(root):
    (root / 'paths.txt').write_text('depth/a.png rgb/d.jpg normal/b/c.png\n')
    paths = build(root, ann_file='paths.txt').get_data_info(0)['modality_paths']
    names = ('depth/a.png', 'rgb/d.jpg', 'normal/b/c.png')
    assert list(paths.values()) == [str(root / name) for name in names]


def test_the_columns_of_a_list_are_in_the_order_of_the_sources(root):
    (root / 'paths.txt').write_text('depth/a.png rgb/d.jpg normal/b/c.png\n')
    message = r"got depth/a.png of 'depth' for 'rgb' in .*paths.txt"
    with pytest.raises(ValueError, match=message):
        build(root, ('rgb', 'depth'), ann_file='paths.txt')
    # Files may lie anywhere else.
    (root / 'b.png').write_bytes((root / 'depth/a.png').read_bytes())
    (root / 'paths.txt').write_text('rgb/d.jpg b.png normal/b/c.png\n')
    assert len(build(root, ('rgb', 'depth'), ann_file='paths.txt')) == 1


@pytest.mark.parametrize(
    ('pattern', 'folders'),
    [
        ('{domain}/{stem}_of_{domain}{suffix}', {}),
        ('{stem}-{domain}{suffix}', {}),
        ('{stem}/{domain}{suffix}', {}),
        ('x/{domain}{stem}{suffix}', dict(rgb='color/', depth='z/')),
        ('{domain}/{stem}{suffix}', dict(depth='', rgb='.')),
    ],
)
def test_files_are_found_by_any_pattern(tmp_path, pattern, folders):
    for stem in ('q', '7_w'):
        for name in ('rgb', 'depth'):
            path = pattern.format(
                stem=stem,
                domain=folders.get(name, name) or '.',
                suffix='.png' if name == 'depth' else '.jpg',
            )
            write(tmp_path / path, image(name))
    dataset = build(
        tmp_path, ('depth',), 'rgb', file_pattern=pattern, data_prefix=folders
    )
    assert len(dataset) == 2
    assert len({dataset[i]['data_samples'].img_path for i in range(2)}) == 2


def test_of_several_suffixes_a_sample_has_the_one_that_exists(root):
    write(root / 'rgb/d.png', image('rgb'))
    (root / 'rgb/d.jpg').unlink()
    several = DOMAINS | dict(rgb=dict(suffix=['.jpg', '.png']))
    dataset = build(root, domains=several)
    paths = [dataset.get_data_info(i)['modality_paths']['rgb'] for i in range(3)]
    assert paths == [str(root / f'rgb/{f}') for f in ('a.jpg', 'b/c.jpg', 'd.png')]


@pytest.mark.parametrize('pattern', ['{domain}', '{stem}{stem}', '{stem}{x}', '{stem'])
def test_a_pattern_without_meaning_is_refused(root, pattern):
    with pytest.raises(ValueError, match='file_pattern'):
        build(root, file_pattern=pattern)


def test_a_list_and_a_pattern_name_all_missing_files(root):
    (root / 'depth/d.png').unlink()
    (root / 'rgb/b/c.jpg').unlink()
    for ann_file in ('list.txt', ''):
        with pytest.raises(FileNotFoundError) as error:
            build(root, ann_file=ann_file)
        message = str(error.value)
        assert str(root / 'depth/d.png') in message
        assert str(root / 'rgb/b/c.jpg') in message
        assert 'normal' not in message


def test_an_image_too_few_in_the_first_domain_is_missing_too(root):
    (root / 'depth/a.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 9 files(.|\n)*depth/a\.png'):
        build(root)


def test_files_of_domains_that_are_not_used_may_be_missing(root):
    for path in (root / 'heat').glob('*.npy'):
        path.unlink()
    assert len(build(root)) == 3


@pytest.mark.parametrize(
    ('kwargs', 'error', 'message'),
    [
        (dict(target='depth'), ValueError, 'must not be a source'),
        (dict(sources=('depth', 'shade')), ValueError, 'shade'),
        (dict(data_prefix=dict(deep='x')), ValueError, 'deep'),
        (dict(data_prefix=dict(rgb='color')), FileNotFoundError, 'color'),
        (dict(ann_file='no.txt'), FileNotFoundError, r'no\.txt'),
        (dict(file_pattern='{domain}/x{stem}{suffix}'), ValueError, 'no file'),
    ],
)
def test_what_does_not_fit_is_refused(root, kwargs, error, message):
    with pytest.raises(error, match=message):
        build(root, **kwargs)


@pytest.mark.parametrize('line', ['a b', 'a b c d', ''])
def test_a_line_with_the_wrong_number_of_columns_is_refused(root, line):
    (root / 'wrong.txt').write_text(line + '\n')
    message = r'3 paths of \[.depth., .rgb., .normal.\]' if line else 'empty'
    with pytest.raises(ValueError, match=message):
        build(root, ann_file='wrong.txt')


def test_inputs_are_the_sources_in_their_order_and_rgb(root):
    every = build(root, ('normal', 'rgb', 'depth'), 'heat')[0]
    stored = cv2.imread(str(root / 'rgb/a.jpg'))[..., ::-1].transpose(2, 0, 1)
    inputs = every['inputs']
    assert inputs.dtype == torch.float32
    assert inputs.abs().max() <= 1
    np.testing.assert_allclose(inputs[3:6], stored / 127.5 - 1, atol=1e-6)
    meters = cv2.imread(str(root / 'depth/a.png'), -1) / 1000
    np.testing.assert_allclose(inputs[6], meters / 5 - 1, atol=1e-6)
    heat = np.load(root / 'heat/a.npy').clip(-5, 5) / 5
    np.testing.assert_allclose(every['data_samples'].gt_image.data[0], heat, atol=1e-6)
    vectors = cv2.imread(str(root / 'normal/a.png'))[..., ::-1] / 127.5 - 1
    length = np.linalg.norm(vectors, axis=-1)
    vectors, known = vectors / length[..., None], length > 0.5
    np.testing.assert_allclose(
        inputs[:3].numpy()[:, known], vectors.transpose(2, 0, 1)[:, known], atol=1e-5
    )


def test_any_pair_gives_the_channels_it_says(root):
    for *sources, target in combinations(DOMAINS, 3):
        sample = build(root, sources, target)[0]
        meta = sample['data_samples'].metainfo
        channels = {n: build_domains(DOMAINS)[n].channels for n in sources}
        assert meta['sources'] == channels
        assert meta['target'] == target
        assert sample['inputs'].shape == (sum(channels.values()), *SIZE)


def test_metainfo_tells_how_to_decode_the_target(root):
    meta = build(root, ('rgb',), 'depth').metainfo
    assert (meta['sources'], meta['target']) == (('rgb',), 'depth')
    depth = build_domains(meta['domains'])['depth']
    assert depth.decode(np.zeros((1, 1)))[0, 0] == 5


def test_batches_pass_the_preprocessor(root):
    dataset = build(root)
    batch = pseudo_collate([dataset[i] for i in range(3)])
    inputs = TranslationPreprocessor(('depth', 'rgb'))(batch)['inputs']
    assert inputs.shape == (3, 6, *SIZE)
    assert torch.equal(inputs[:, 0], inputs[:, 2])
