import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

TOOL = Path(__file__).parents[3] / 'tools' / 'analysis' / 'dataset_stats.py'

CONFIG = """
default_scope = 'mmseg'
custom_imports = dict(imports=['mmseg_cen'])
train_dataloader = dict(
    dataset=dict(
        type='MultimodalSegDataset',
        data_root=DATA_ROOT,
        modalities=dict(
            rgb={},
            depth=dict(dtype='uint16', scale=1 / 1000, fill='nearest'),
        ),
        data_prefix=dict(seg_map_path='label'),
        metainfo=dict(classes=('a', 'b', 'c')),
        pipeline=[
            dict(type='LoadModalities'),
            dict(type='LoadAnnotations'),
            dict(type='RandomResize', scale=(9, 9), ratio_range=(0.5, 2.0)),
            dict(type='PackMultimodalInputs'),
        ],
    )
)
"""


@pytest.fixture
def images(tmp_path):
    """Three samples of different sizes, with holes in the depth and void pixels."""
    rng = np.random.default_rng(0)
    samples = []
    for index in range(3):
        size = (8 + index, 10)
        depth = rng.integers(500, 4000, size, np.uint16)
        depth[rng.random(size) < 0.2] = 0
        label = rng.choice(np.array([0, 1, 255], np.uint8), size, p=[0.6, 0.3, 0.1])
        sample = dict(
            rgb=rng.integers(0, 256, (*size, 3), np.uint8), depth=depth, label=label
        )
        for folder, image in sample.items():
            (tmp_path / 'data' / folder).mkdir(parents=True, exist_ok=True)
            path = tmp_path / 'data' / folder / f'{index}.png'
            assert cv2.imwrite(
                str(path), image[..., ::-1] if folder == 'rgb' else image
            )
        samples.append(sample)
    return samples


@pytest.fixture
def tool(monkeypatch):
    spec = importlib.util.spec_from_file_location('dataset_stats', TOOL)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, 'dataset_stats', module)  # where pickle looks
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('jobs', [1, 2])
def test_the_figures_agree_with_numpy(tool, images, tmp_path, capsys, jobs):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.replace('DATA_ROOT', repr(str(tmp_path / 'data'))))
    tool.main([str(config), '--out', str(tmp_path / 'out'), '--jobs', str(jobs)])
    figures = json.loads((tmp_path / 'out/statistics.json').read_text())
    rgb = np.concatenate([i['rgb'].reshape(-1, 3) for i in images])
    of_rgb = figures['modalities']['rgb']
    np.testing.assert_allclose(of_rgb['mean'], rgb.mean(0))
    np.testing.assert_allclose(of_rgb['std'], rgb.std(0))
    depth = np.concatenate([i['depth'].ravel() for i in images]) / 1000
    of_depth = figures['modalities']['depth']
    np.testing.assert_allclose(of_depth['mean'], [depth[depth > 0].mean()], rtol=1e-6)
    np.testing.assert_allclose(of_depth['std'], [depth[depth > 0].std()], rtol=1e-5)
    assert of_depth['no_data'] == pytest.approx((depth == 0).mean())
    label = np.concatenate([i['label'].ravel() for i in images])
    expected = [(label == c).sum() / (label != 255).sum() for c in range(3)]
    np.testing.assert_allclose(figures['classes']['frequency'], expected)
    assert figures['classes']['void'] == pytest.approx((label == 255).mean())
    assert (tmp_path / 'out/statistics.png').stat().st_size > 5000

    head, _, snippet = capsys.readouterr().out.partition('to paste:')
    assert 'warning: 1 of 3 classes do not occur (c)' in head
    pasted = Config.fromstring(snippet, '.py').model.data_preprocessor.modalities
    np.testing.assert_allclose(pasted.rgb.mean, rgb.mean(0), rtol=1e-3)
    np.testing.assert_allclose(pasted.depth.std, of_depth['std'], rtol=1e-3)


@pytest.mark.parametrize('fill', [None, 'nearest'])
def test_sentinels_do_not_count(tool, images, tmp_path, fill):
    depth = np.concatenate([i['depth'].ravel() for i in images])
    options = f"scale=1 / 1000, fill={fill!r}, invalid=['3000..5000']"
    text = CONFIG.replace("scale=1 / 1000, fill='nearest'", options)
    config = tmp_path / 'config.py'
    config.write_text(text.replace('DATA_ROOT', repr(str(tmp_path / 'data'))))
    tool.main([str(config), '--out', str(tmp_path / 'out'), '--jobs', '1'])
    figures = json.loads((tmp_path / 'out/statistics.json').read_text())
    known = (depth < 3000) & ((depth > 0) | (fill is None))
    of_depth = figures['modalities']['depth']
    np.testing.assert_allclose(
        of_depth['mean'], [depth[known].mean() / 1000], rtol=1e-6
    )
    assert of_depth['no_data'] == pytest.approx(1 - known.mean())


def test_bars_of_a_histogram_are_wide_enough_to_be_seen(tool):
    few = tool.to_bars({-2: 1, 3: 3}, 0.5)
    assert few == ({-1.0: 0.25, 1.5: 0.75}, 0.5)
    bars, width = tool.to_bars(dict.fromkeys(range(0, 2560, 10), 1), 0.1)  # 8 bits
    assert (len(bars), width) == (256, 1.0)
    assert sum(bars.values()) == pytest.approx(1)
    assert tool.to_bars({}, 0.1) == ({}, 0.1)


def test_a_split_that_the_config_lacks_is_refused(tool, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.replace('DATA_ROOT', "'data'") + 'test_dataloader = None')
    with pytest.raises(SystemExit, match=r"`test_dataloader`, got \['train"):
        tool.main([str(config), '--split', 'test'])


def test_transforms_that_load_are_known_by_name_scope_and_class(tool):
    class LoadThermal:
        pass

    kinds = ['LoadModalities', 'mmseg.LoadAnnotations', LoadThermal, 'EncodeDepth']
    node = dict(pipeline=[dict(type=kind) for kind in [*kinds, 'RandomFlip', dict]])
    tool.keep_loading(node)
    assert [transform['type'] for transform in node['pipeline']] == kinds


def test_a_file_in_the_place_of_the_folder_is_refused_at_once(tool, tmp_path, capsys):
    (tmp_path / 'out').touch()
    with pytest.raises(SystemExit):
        tool.parse_args(['config.py', '--out', str(tmp_path / 'out')])
    assert '`--out` must be a folder, got the file' in capsys.readouterr().err
