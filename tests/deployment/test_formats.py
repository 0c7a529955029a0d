import importlib.util

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.deployment.formats import FORMATS, check_packages, write
from mmseg_cen.deployment.network import prepare

from .conftest import Encoder, segmentor, translation

SIZES = [(1, 65, 79), (3, 96, 64)]
PSP = dict(type='PSPHead', pool_scales=(1, 2, 3, 6), channels=4, in_channels=6)


def needs(name):
    absent = [p for p in FORMATS[name].packages if not importlib.util.find_spec(p)]
    return pytest.param(
        name, marks=pytest.mark.skipif(bool(absent), reason=f'no {absent}')
    )


def psp(modalities):
    cfg = segmentor(modalities, **PSP)
    for argument in ('num_convs', 'concat_input'):
        del cfg['decode_head']['head'][argument]
    return cfg


def assert_runs_for_any_size(model, name, path, predict, sizes=SIZES):
    network = prepare(model, streams=True)
    write(network, path, name)
    run = FORMATS[name].read(path, torch.device('cpu'))
    for size in sizes:
        images = network.random_images(*size)
        outputs = run(images)
        for output, other in zip(outputs, predict(model, images), strict=True):
            assert_close(output, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', [needs('onnx'), needs('torch-export')])
def test_a_graph_runs_for_other_sizes_than_its_example(name, build, predict, tmp_path):
    model = build(segmentor(('rgb', 'depth')))
    assert_runs_for_any_size(model, name, tmp_path / 'file', predict)


class Stages(nn.Module):
    """A stem, and a stage behind which streams can be fused."""

    def __init__(self):
        super().__init__()
        self.stem, *layers = Encoder()
        self.layer1 = nn.Sequential(*layers)

    def forward(self, x):
        return (self.layer1(self.stem(x)),)


@pytest.mark.parametrize('merges', [False, True])
def test_a_graph_of_fused_streams_runs_for_other_sizes(
    merges, build, predict, tmp_path
):
    cfg = segmentor(('rgb', 'depth'))
    fusion = dict(type='AverageFusion', stages=('layer1',), merges=merges)
    cfg['backbone'].update(backbone=dict(type=Stages), fusion=fusion)
    path = tmp_path / 'file'
    assert_runs_for_any_size(build(cfg), 'torch-export', path, predict)


@pytest.mark.parametrize('modalities', [('rgb', 'depth'), ('rgb', 'depth', 'thermal')])
def test_a_trace_has_pyramid_pooling_of_any_size(modalities, build, predict, tmp_path):
    model = build(psp(modalities))
    assert_runs_for_any_size(model, 'torchscript', tmp_path / 'file', predict)


def test_a_trace_translates_images_of_any_multiple_of_the_least_size(
    build, predict, tmp_path
):
    sizes = [(1, 8, 8), (2, 40, 16)]
    model = build(translation())
    assert_runs_for_any_size(model, 'torchscript', tmp_path / 'file', predict, sizes)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda package: None)
    with pytest.raises(ValueError, match=r'got no onnx, onnxscript, onnxruntime: pip'):
        check_packages('onnx')
    check_packages('torchscript')
