"""One fault in a sample that is well otherwise: it is refused, and named."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS

LOADING = [dict(type='LoadModalities'), dict(type='LoadAnnotations')]
# Types of arrays in files, by suffix.
STORED = {
    '.png': ['uint8', 'uint16'],
    '.tiff': ['uint8', 'uint16', 'float32'],
    '.npy': ['uint8', 'uint16', 'int32', 'float16', 'float32', 'float64'],
}
KINDS = st.sampled_from([(end, dtype) for end, own in STORED.items() for dtype in own])


@st.composite
def data_sets(draw):
    """Files by modality, as arrays of one size, with the options that describe them."""
    shape = draw(st.tuples(st.integers(4, 24), st.integers(4, 24)))
    names = draw(st.permutations(['rgb', 'depth', 'heat', 'polar']))
    names = names[: draw(st.integers(1, 4))]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    arrays, modalities = {}, {}
    for name in names:
        suffix, dtype = ('.png', 'uint8') if name == 'rgb' else draw(KINDS)
        channels = 3 if name == 'rgb' else draw(st.sampled_from([1, 3]))
        size = shape if channels == 1 else (*shape, channels)
        arrays[name] = rng.integers(1, 200, size).astype(dtype)
        modalities[name] = dict(suffix=suffix, dtype=dtype, channels=channels)
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    return modalities, {**arrays, 'label': labels}


def write(root, name, suffix, array):
    path = root / name / f'1{suffix}'
    path.parent.mkdir(exist_ok=True)
    if suffix == '.npy':
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array)
    return path


def load(root, modalities):
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(
            dict(
                type='MultimodalSegDataset',
                data_root=str(root),
                modalities=modalities,
                ann_file='list.txt',
                data_prefix=dict(seg_map_path='label'),
                metainfo=dict(classes=('a', 'b', 'c')),
                pipeline=LOADING,
                serialize_data=False,  # it collects garbage, for 0.5 s
            )
        )
    return dataset[0]


def suffix_of(modalities, name):
    return '.png' if name == 'label' else modalities[name]['suffix']


@pytest.fixture
def make(tmp_path_factory):
    """A function that writes a data set to a folder, and tells which."""

    def make(modalities, arrays):
        root = tmp_path_factory.mktemp('data')
        (root / 'list.txt').write_text('1\n')
        for name, array in arrays.items():
            write(root, name, suffix_of(modalities, name), array)
        return root

    return make


@given(data_sets())
def test_what_is_well_is_loaded_as_it_is(make, data_set):
    modalities, arrays = data_set
    results = load(make(modalities, arrays), modalities)
    main = 'rgb' if 'rgb' in modalities else next(iter(modalities))
    for name in modalities:
        loaded = results['img' if name == main else name]
        assert loaded.dtype in ('uint8', 'float32')
        expected, suffix = arrays[name], modalities[name]['suffix']
        # OpenCV writes blue first; docs/modalities.md says what is loaded.
        if expected.ndim == 3 and (suffix == '.npy') == (expected.dtype == np.uint8):
            expected = expected[..., ::-1]
        np.testing.assert_array_equal(loaded, expected)
    np.testing.assert_array_equal(results['gt_seg_map'], arrays['label'])


FAULTS = (
    'missing', 'empty', 'truncated', 'size', 'dtype', 'channels', 'NaN', 'unknown',
    'option', 'class',
)  # fmt: skip


@given(data_sets(), st.sampled_from(FAULTS), st.data())
def test_one_fault_is_one_error_that_names_it(
    make, outcome, assert_told, data_set, fault, data
):
    modalities, arrays = data_set
    root = make(modalities, arrays)
    name = data.draw(st.sampled_from([*modalities]))
    where = data.draw(st.sampled_from([name, 'label']))
    suffix = suffix_of(modalities, where)
    path, named = root / where / f'1{suffix}', where
    content = path.read_bytes()
    wrong = arrays[where]
    if fault == 'missing':
        path.unlink()
    elif fault == 'empty':
        path.write_bytes(b'')
    elif fault == 'truncated':
        path.write_bytes(content[: data.draw(st.integers(1, 30))])
    elif fault == 'size' and len(arrays) > 2:
        side = data.draw(st.sampled_from([0, 1]))
        write(root, where, suffix, wrong.repeat(2, axis=side))
    elif fault == 'dtype':
        path, named = root / name / f'1{suffix_of(modalities, name)}', name
        other = np.uint16 if arrays[name].dtype == np.uint8 else np.uint8
        write(root, name, path.suffix, arrays[name].astype(other))
    elif fault == 'channels' and suffix_of(modalities, name) == '.npy':
        path, named = root / name / '1.npy', name
        write(root, name, '.npy', np.stack([arrays[name]] * 2, axis=-1))
    elif fault == 'NaN' and arrays[name].dtype.kind == 'f':
        path, named = root / name / f'1{suffix_of(modalities, name)}', name
        spoiled = arrays[name].copy()
        spoiled.flat[data.draw(st.integers(0, spoiled.size - 1))] = np.nan
        write(root, name, path.suffix, spoiled)
    elif fault == 'unknown':
        path, named = root, 'x-ray'
        modalities = {**modalities, 'x-ray': {}}
    elif fault == 'option':
        path, named = root, 'sufix'
        modalities = {**modalities, name: dict(modalities[name], sufix='.png')}
    else:
        path, named = root / 'label' / '1.png', 'label'
        write(root, 'label', '.png', arrays['label'] + np.uint8(3))
    _, error = outcome(load, root, modalities)
    assert isinstance(error, ValueError | FileNotFoundError), repr(error)
    assert_told(error, named if path == root else path)
