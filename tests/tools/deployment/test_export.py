"""tools/deployment/export.py writes a network, and what a program must know of it."""

import json
import re

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.deployment import formats

TOOL = 'deployment/export.py'


@pytest.fixture
def network(tmp_path, config):
    """A small config, a checkpoint of random weights, and the model."""
    path = tmp_path / 'own.py'
    path.write_text(f"""
_base_ = {str(config)!r}
test_dataloader = dict(dataset=dict(
    _delete_=True, type='MultimodalSegDataset', data_root='none',
    modalities=dict(
        rgb=dict(), depth=dict(dtype='uint16', scale=0.001, fill='nearest')),
    metainfo=dict(classes=[str(k) for k in range(13)], palette=[[k] * 3 for k in range(13)]),
    pipeline=[
        dict(type='LoadModalities'), dict(type='LoadAnnotations'),
        dict(type='PackMultimodalInputs')]))
model = dict(
    backbone=dict(num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,),
        base_channels=8, stem_channels=8),
    decode_head=dict(head=dict(in_channels=8, in_index=0)),
    test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 16)))
""")  # noqa: E501
    model = MODELS.build(Config.fromfile(path).model).eval()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    return path, tmp_path / 'weights.pth', model


def test_the_tool_offers_the_formats_that_there_are(load_tool):
    tool = load_tool(TOOL)
    for name in formats.FORMATS:
        assert tool.parse_args(['a', 'b', 'c', '--format', name]).format == name
    with pytest.raises(SystemExit):
        tool.parse_args(['a', 'b', 'c', '--format', 'tflite'])


def test_a_file_and_its_description_are_written(network, load_tool, tmp_path, capsys):
    config, checkpoint, model = network
    out = tmp_path / 'new' / 'net.ts'
    arguments = [config, checkpoint, out, '--format', 'torchscript', '--streams']
    load_tool(TOOL).main([str(argument) for argument in arguments])
    assert 'largest difference from the model' in capsys.readouterr().out
    told = json.loads((tmp_path / 'new' / 'net.ts.json').read_text())
    assert [one['name'] for one in told['inputs']] == ['rgb', 'depth']
    assert told['inputs'][1]['shape'] == ['batch', 1, 'height', 'width']
    streams = ['stream_rgb', 'stream_depth', 'ensemble']
    assert [one['name'] for one in told['outputs']] == streams
    rgb, depth = told['modalities']
    assert (rgb['order'], rgb['reversed_by_preprocessing']) == ('BGR', True)
    assert depth['file']['scale'] == 0.001
    assert depth['file']['fill'] == 'nearest'
    assert told['test'] == dict(
        mode='slide', crop_size=[32, 32], stride=[16, 16], transforms=[]
    )
    assert len(told['classes']) == len(told['palette']) == 13
    assert told['ignore_index'] == 255
    images = [torch.rand(1, 3, 40, 56) * 255, torch.rand(1, 1, 40, 56) * 5]
    inputs = model.data_preprocessor(dict(inputs=[torch.cat(images, dim=1)[0]]))
    with torch.no_grad():
        outputs = formats.read_torchscript(out, torch.device('cpu'))(images)
        logits = model.encode_decode(inputs['inputs'], [dict(img_shape=(40, 56))])
    assert_close(torch.cat(outputs, dim=1), logits, rtol=1e-4, atol=1e-4)


def test_a_file_that_differs_from_the_model_is_not_left(
    network, error_of, tmp_path, monkeypatch
):
    config, checkpoint, _ = network
    out = tmp_path / 'net.ts'
    monkeypatch.setattr('mmseg_cen.deployment.verification.TOLERANCE', -1)
    line = error_of(TOOL, config, checkpoint, out, '--format', 'torchscript')
    assert 'the torchscript file must compute what the model does' in line
    assert {path.name for path in tmp_path.iterdir()} == {'own.py', 'weights.pth'}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--device', 'no'], "`--device` must be one that this computer has.*got 'no'"),
        ([], '`OUT` must be a new file, got an existing one'),
        (['--format', 'onnx'], 'must be installed for --format onnx, got no no_such'),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(
    error_of, tmp_path, monkeypatch, options, message
):
    out = tmp_path / 'net'
    if not options:
        out.touch()
    packages = {'onnx': formats.Format(None, None, ('no_such_package',))}
    monkeypatch.setattr(formats, 'FORMATS', {**formats.FORMATS, **packages})
    line = error_of(TOOL, 'config', 'weights', out, '--format', 'torchscript', *options)
    assert re.search(message, line)


def test_weights_that_the_checkpoint_replaces_are_not_looked_for(
    network, load_tool, tmp_path, monkeypatch
):
    """They need torchvision."""
    monkeypatch.setattr('mmseg_cen.models.pretrained.find_spec', lambda name: None)
    config, checkpoint, _ = network
    start = 'dict(type="Pretrained", checkpoint="torchvision://resnet18")'
    config.write_text(
        f'{config.read_text()}\nmodel["backbone"]["init_cfg"] = {start}\n'
    )
    arguments = [config, checkpoint, tmp_path / 'net.ts', '--format', 'torchscript']
    load_tool(TOOL).main([*map(str, arguments), '--no-verify'])
    assert (tmp_path / 'net.ts').is_file()


def test_the_checkpoint_of_another_model_is_refused(network, error_of, tmp_path):
    config, _, _ = network
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), tmp_path / 'other.pth')
    files = [config, tmp_path / 'other.pth', tmp_path / 'net']
    line = error_of(TOOL, *files, '--format', 'torchscript')
    assert 'which is a checkpoint of another model' in line
    assert not (tmp_path / 'net').exists()
