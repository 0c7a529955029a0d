"""The recipes of CONTRIBUTING.md run as they are written, and its floors are true."""

import ast
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS, MODELS
from torch.testing import assert_close

from mmseg_cen.models import exchange_channels
from mmseg_cen.streams.exchanges import build_exchange

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
NARROW = dict(type='CENResNet', depth=18, base_channels=4, stem_channels=4)
B, M, C = 2, 3, 6


def run(recipe):
    """Run the code of a recipe; its registered types are then known."""
    block = rf'<!-- {recipe} -->\n```python\n(.*?)```'
    scope = {}
    exec(re.search(block, PAGE, re.DOTALL)[1], scope)
    return scope


def test_a_fusion():
    run('fusion')
    streams = torch.randn(B, M, C, 4, 5)
    largest = streams.max(dim=1).values
    fusion = dict(type='MaxFusion', channels=C, num_modalities=M)
    fused = MODELS.build(fusion).forward(streams)
    for m in range(M):
        assert_close(fused.streams[:, m], largest)
    merged = MODELS.build({**fusion, 'merges': True}).forward(streams)
    assert_close(merged.merged, largest)
    network = dict(num_modalities=M, fusion=dict(type='MaxFusion', stages=('layer4',)))
    outputs = MODELS.build({**NARROW, **network})(torch.randn(B, M * 3, 32, 32))
    maps = outputs[-1].unflatten(0, (B, M))
    assert_close(maps, maps[:, :1].expand_as(maps))


def test_an_exchange():
    run('exchange')
    config = dict(type='HalfwayExchange', threshold=0.5)
    x, gamma = torch.randn(B, M, C, 4, 5), torch.linspace(-1, 1, M * C).view(M, C)
    expected = (x + exchange_channels(x, gamma, 0.5)) / 2
    exchanged = build_exchange(config, M, C)(x, gamma)
    assert_close(exchanged, expected)
    assert not torch.equal(exchanged, x)
    network = MODELS.build({**NARROW, 'num_modalities': M, 'exchange': config})
    types = {type(module).__name__ for module in network.modules()}
    assert 'HalfwayExchange' in types
    assert 'ChannelExchange' not in types


def test_a_data_set(tmp_path):
    run('data-set')
    for folder, suffix, image in [
        ('rgb', '.jpg', np.zeros((4, 6, 3), np.uint8)),
        ('infrared', '.png', np.full((4, 6), 5000, np.uint16)),
        ('label', '.png', np.ones((4, 6), np.uint8)),
    ]:
        (tmp_path / folder).mkdir()
        assert cv2.imwrite(str(tmp_path / folder / f'row7_012{suffix}'), image)
    steps = ('LoadModalities', 'LoadAnnotations', 'PackMultimodalInputs')
    data = DATASETS.build(
        dict(
            type='OrchardDataset',
            data_root=str(tmp_path),
            pipeline=[dict(type=step) for step in steps],
        )
    )
    assert len(data) == 1
    sample = data[0]
    assert sample['inputs'].shape == (4, 4, 6)
    assert_close(sample['inputs'][3], torch.full((4, 6), 0.5))
    assert sample['data_samples'].gt_sem_seg.data.unique().tolist() == [1]
    assert data.get_data_info(0)['groups'] == dict(row='7')


def test_a_head_that_was_refused():
    run('head')
    head = dict(in_channels=C, in_index=0, channels=4, num_classes=3)
    names = ('rgb', 'depth', 'thermal')
    refused = dict(
        type='EnsembleHead', modalities=names, head=dict(type='CoolHead', **head)
    )
    with pytest.raises(ValueError, match='it has its own predict_by_feat'):
        MODELS.build(refused)
    taken = {**refused, 'head': dict(type='CoolLogitsHead', **head)}
    logits = MODELS.build(taken).forward_streams([torch.randn(B * M, C, 4, 5)])
    assert list(logits) == [*names, 'ensemble']


@pytest.mark.parametrize(
    'reason',
    ['it has its own predict_by_feat', 'it classifies masks', 'it estimates depth'],
)
def test_reasons_of_refusals_are_those_of_the_source(reason):
    source = ROOT / 'mmseg_cen/models/heads.py'
    assert reason in PAGE
    assert reason in source.read_text(encoding='utf-8')


def test_the_floors_are_those_of_the_test_of_imports():
    tree = ast.parse((ROOT / 'tests/test_architecture.py').read_text(encoding='utf-8'))
    (floors,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == 'FLOORS'
    )
    written = {}
    number = None
    for first, names in re.findall(r'^\| (\d?) *\| (`.*?`) \|', PAGE, re.MULTILINE):
        number = int(first) if first else number
        written.setdefault(number, set()).update(re.findall(r'`(\w+)`', names))
    assert written == {i: {*floor} for i, floor in enumerate(floors[:-1])}
