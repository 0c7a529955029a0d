"""Folders of one's own, over sizes, types and suffixes, well or with one fault."""

import importlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TOOLS = Path(__file__).parents[2] / 'tools' / 'dataset_converters'
# Type of the depth, meters of one stored unit, and suffixes that hold it.
DEPTHS = [
    ('uint16', 0.001, ['.png', '.tiff', '.npy']),
    ('uint8', 0.02, ['.png', '.npy']),
    ('int32', 0.001, ['.npy']),
    ('float32', 1.0, ['.tiff', '.npy']),
    ('float64', 1.0, ['.npy']),
]
STEM = st.from_regex(r'[a-z0-9äß][a-z0-9 _.äß-]{0,5}[a-z0-9]', fullmatch=True)
FAULTS = ('missing', 'empty', 'size', 'channels')
few = settings(max_examples=settings.default.max_examples // 5)


@pytest.fixture
def convert(monkeypatch):
    """A function that runs from_folders.py: its exit status, or message of the exit."""
    monkeypatch.syspath_prepend(str(TOOLS))
    main = importlib.import_module('from_folders').main

    def convert(*arguments):
        try:
            return main(['--jobs', '1', *map(str, arguments)])
        except SystemExit as end:
            return end.code

    return convert


@st.composite
def folders(draw):
    """Arrays of each sample by folder, and the suffix of each folder."""
    dtype, unit, suffixes = draw(st.sampled_from(DEPTHS))
    ends = dict(
        rgb=draw(st.sampled_from(['.png', '.bmp', '.tif'])),
        depth=draw(st.sampled_from(suffixes)),
        label=draw(st.sampled_from(['.png', '.npy'])),
    )
    stems = draw(st.lists(STEM, min_size=3, max_size=4, unique_by=str.casefold))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    samples = {}
    for stem in stems:
        size = draw(st.tuples(st.integers(4, 20), st.integers(4, 20)))
        label = rng.integers(0, 3, size).astype(np.uint8)
        label.flat[:3] = 0, 1, 2  # every class in every sample
        samples[stem] = dict(
            rgb=rng.integers(0, 256, (*size, 3)).astype(np.uint8),
            depth=(rng.uniform(1, 4, size) / unit).astype(dtype),
            label=label,
        )
    return samples, ends, unit


def write(path, array):
    path.parent.mkdir(exist_ok=True, parents=True)
    if path.suffix == '.npy':
        np.save(path, array)
    else:
        # OpenCV opens no names beyond the code page of Windows.
        path.write_bytes(cv2.imencode(path.suffix, array)[1].tobytes())


def read(path):
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), -1)


def options(root, unit):
    named = (part for n in ('rgb', 'depth', 'label') for part in (f'--{n}', root / n))
    return [root / 'out', *named, '--depth-unit', unit]


@few
@given(folders())
def test_what_is_written_is_what_was_given(tmp_path_factory, convert, tree):
    samples, ends, unit = tree
    root = tmp_path_factory.mktemp('mine')
    for stem, arrays in samples.items():
        for name, array in arrays.items():
            write(root / name / f'{stem}{ends[name]}', array)
    assert convert(*options(root, unit)) == 0
    assert convert(root / 'out', '--check') == 0
    lists = [(root / 'out' / f'{k}.txt').read_text('utf-8') for k in ('train', 'val')]
    assert sorted(''.join(lists).splitlines()) == sorted(samples)
    for stem, arrays in samples.items():
        depth = arrays['depth']
        if depth.dtype.kind == 'f':  # meters, stored in millimeters
            depth = np.rint(depth.astype(np.float64) * 1000)
        out = {name: root / 'out' / name / f'{stem}.png' for name in arrays}
        for name, array in {**arrays, 'depth': depth}.items():
            np.testing.assert_array_equal(read(out[name]), array)


@few
@given(folders(), st.sampled_from(FAULTS), st.data())
def test_one_fault_is_refused_and_named(tmp_path_factory, convert, tree, fault, data):
    samples, ends, unit = tree
    root = tmp_path_factory.mktemp('mine')
    for stem, arrays in samples.items():
        for name, array in arrays.items():
            write(root / name / f'{stem}{ends[name]}', array)
    stem = data.draw(st.sampled_from([*samples]))
    name = data.draw(st.sampled_from(['rgb', 'depth', 'label']))
    path, array = root / name / f'{stem}{ends[name]}', samples[stem][name]
    if fault == 'missing':
        path.unlink()
    elif fault == 'empty':
        path.write_bytes(b'')
    elif fault == 'size':
        write(path, array.repeat(2, axis=data.draw(st.sampled_from([0, 1]))))
    else:
        path = root / 'label' / f'{stem}{ends["label"]}'
        label = samples[stem]['label']
        write(path, np.dstack([label, label, 1 - label]))
    status = convert(*options(root, unit))
    assert status != 0
    reports = [*(root / 'out').glob('*report*')] if status == 1 else []
    told = str(status) + ''.join(r.read_text('utf-8', 'replace') for r in reports)
    assert stem in told
