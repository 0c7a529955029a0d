"""Laws of tools/model_converters/pretrained_backbone.py."""

import argparse
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmseg.models.backbones import MobileNetV2, ResNet, SwinTransformer

from mmseg_cen.models import CENResNet
from mmseg_cen.streams.stream_state import stream_state_dict
from mmseg_cen.zoos import Pixels

TOOL = 'model_converters/pretrained_backbone.py'
SHARED = Path(os.environ.get('PRETRAINED_WEIGHTS', '../shared/weights'))
TINY = dict(base_channels=4, stem_channels=4)
SWIN = dict(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), window_size=2)
HALF_RESNET = dict(depth=50, base_channels=32, stem_channels=64)
CONFIG = """
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='MultimodalPreprocessor',
        modalities=dict(
            rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
            depth=dict(mean=[3.0], std=[1.5]),
        ),
        size=(32, 32),
    ),
    backbone={backbone},
    decode_head=dict(
        type='EnsembleHead',
        modalities=('rgb', 'depth'),
        head=dict(
            type='FCNHead', in_channels=4, channels=4, num_classes=3, num_convs=0,
            concat_input=False, in_index=0,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ),
    ),
)
"""


@pytest.fixture
def config(tmp_path):
    """Write a config with a backbone."""

    def write(backbone):
        path = tmp_path / 'config.py'
        path.write_text(CONFIG.format(backbone=repr(backbone)))
        return path

    return write


@pytest.fixture
def run(load_tool):
    """Call the tool."""
    return lambda *args: load_tool(TOOL).main([str(arg) for arg in args])


def resnet_config(**kwargs):
    return dict(type='CENResNet', num_modalities=2, depth=18, **TINY, **kwargs)


def file_of_torchvision(path, **kwargs):
    """A file with the names of torchvision, random."""
    state = ResNet(**{'depth': 18, **TINY, **kwargs}).state_dict()
    for name, tensor in state.items():
        if tensor.ndim:
            state[name] = torch.rand_like(tensor)
    torch.save({**state, 'fc.weight': torch.ones(10, 32)}, path)
    return state


def test_what_is_written_initializes_every_stream(tmp_path, config, run, capsys):
    source, out = tmp_path / 'in.pth', tmp_path / 'folder' / 'out.pth'
    state = file_of_torchvision(source)
    run(config(resnet_config()), source, out)
    printed = capsys.readouterr().out
    assert 'left out: fc.weight' in printed
    assert f"model.backbone.init_cfg = dict(type='Pretrained', checkpoint='{out}')" in (
        printed
    )
    assert 'in the order RGB, which the config has:' in printed
    backbone = CENResNet(
        18, 2, **TINY, init_cfg=dict(type='Pretrained', checkpoint=str(out))
    )
    backbone.init_weights()
    for m in range(2):
        found = stream_state_dict(backbone, m)
        assert found.keys() == state.keys()
        assert all(torch.equal(found[name], state[name]) for name in state)


def test_misfits_are_listed_and_nothing_is_written(tmp_path, config, error_of, capsys):
    source, out = tmp_path / 'in.pth', tmp_path / 'out.pth'
    file_of_torchvision(source, depth=34)
    error = error_of(TOOL, config(resnet_config()), source, out)
    assert error.startswith('error: the weights must fit the backbone of the config')
    assert error.endswith('set depth=34')
    printed = capsys.readouterr().out
    line = 'layer1.2.conv1.weight: (4, 4, 3, 3) in the file, none in the network'
    assert line in printed
    assert 'num_batches_tracked' not in printed
    assert not out.exists()


@pytest.mark.parametrize(
    ('given', 'convs'), [(None, 'shared'), ('pytorch', 'shared'), (None, 'private')]
)
def test_another_place_of_the_stride_is_refused(
    tmp_path, config, error_of, given, convs
):
    source = tmp_path / 'in.pth'
    file_of_torchvision(source, depth=50)
    backbone = {**resnet_config(style='caffe', convs=convs), 'depth': 50}
    option = ['--style', given] if given else []
    error = error_of(TOOL, config(backbone), source, tmp_path / 'out.pth', *option)
    assert "must be 'pytorch', where these weights" in error
    assert ('give --style caffe' in error) == (given is None)


def test_weights_for_bgr_images_can_take_rgb(tmp_path, config, run, capsys):
    source, out = tmp_path / 'in.pth', tmp_path / 'out.pth'
    state = file_of_torchvision(source)
    means = ('--mean', 103.53, 116.28, 123.675, '--std', 1, 2, 3)
    run(config(resnet_config()), source, out, '--bgr', *means)
    saved = torch.load(out, weights_only=True)
    assert torch.equal(
        saved['state_dict']['conv1.weight'], state['conv1.weight'].flip(1)
    )
    said = saved['meta']['pretrained']
    assert said['mean'] == (123.675, 116.28, 103.53)
    assert (said['std'], said['order']) == ((3.0, 2.0, 1.0), 'RGB')
    printed = capsys.readouterr().out
    assert 'which the config does not have yet' in printed
    assert 'modalities.rgb.std = [3.0, 2.0, 1.0]' in printed


def test_weights_of_detectron2_say_which_images_they_are_for(
    tmp_path, config, run, capsys
):
    state = {}
    for name, tensor in ResNet(50, **TINY).state_dict().items():
        name = name.replace('downsample.0', 'shortcut')
        name = name.replace('downsample.1', 'shortcut.norm')
        for k in '123':
            name = name.replace(f'bn{k}', f'conv{k}.norm')
        for k in '4321':
            name = name.replace(f'layer{k}', f'res{int(k) + 1}')
        state[name if name.startswith('res') else f'stem.{name}'] = tensor
    torch.save(dict(model=state), tmp_path / 'in.pth')
    backbone = {**resnet_config(style='caffe'), 'depth': 50}
    run(config(backbone), tmp_path / 'in.pth', tmp_path / 'out.pth')
    printed = capsys.readouterr().out
    assert 'in the order BGR, which the config does not have yet' in printed
    assert 'std = [1.0, 1.0, 1.0]' in printed
    assert 'bgr_to_rgb = False' in printed
    assert "style = 'caffe'" in printed


def test_checkpoints_with_options_of_a_training_are_read(tmp_path, config, run):
    """torchvision saves its command line beside the model."""
    file_of_torchvision(tmp_path / 'state.pth')
    state = torch.load(tmp_path / 'state.pth', weights_only=True)
    checkpoint = dict(model=state, epoch=3, args=argparse.Namespace(lr=0.1))
    torch.save(checkpoint, tmp_path / 'in.pth')
    run(config(resnet_config()), tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert (tmp_path / 'out.pth').exists()


def test_a_backbone_of_the_toolbox_within_cenbackbone(tmp_path, config, run, capsys):
    """Swin loads weights by a method of its own."""
    inner = dict(type='SwinTransformer', **SWIN)
    source, out = tmp_path / 'in.pth', tmp_path / 'out.pth'
    state = SwinTransformer(**SWIN).state_dict()
    torch.save(
        {f'backbone.{n}': t for n, t in state.items() if n[:5] != 'norm1'}, source
    )
    backbone = dict(type='CENBackbone', num_modalities=2, backbone=inner)
    run(config(backbone), source, out)
    printed = capsys.readouterr().out
    assert 'model.backbone.backbone.init_cfg' in printed
    assert 'norm1 are not in the file: they start as 1 and 0' in printed


def test_mean_and_std_are_read_from_the_configuration_of_a_hub(tmp_path, load_tool):
    load_tool(TOOL)
    from weights.pixels import pixels_beside

    path = tmp_path / 'model.safetensors'
    assert pixels_beside(str(path)) is None
    half = dict(image_mean=[0.5] * 3, image_std=[0.25] * 3)
    (tmp_path / 'preprocessor_config.json').write_text(json.dumps(half))
    assert pixels_beside(str(path)).mean == (127.5,) * 3
    timm = dict(pretrained_cfg=dict(mean=[0.485, 0.456, 0.406], std=[0.2] * 3))
    (tmp_path / 'config.json').write_text(json.dumps(timm))
    assert pixels_beside(str(path)).mean == (123.675, 116.28, 103.53)
    assert pixels_beside(str(path)).std == (51.0,) * 3


@pytest.mark.parametrize(
    'text',
    [
        'no json',
        '[1]',
        '{"image_mean": 0.5, "image_std": 0.5}',
        '{"image_mean": null, "image_std": null}',
        '{"pretrained_cfg": null}',
        '{"pretrained_cfg": "a"}',
    ],
)
def test_other_files_of_these_names_say_no_mean(tmp_path, load_tool, text):
    load_tool(TOOL)
    from weights.pixels import pixels_beside

    for name in ('config.json', 'preprocessor_config.json'):
        (tmp_path / name).write_text(text)
    assert pixels_beside(str(tmp_path / 'model.pth')) is None


@pytest.mark.parametrize(
    'option', ['--mean 0.485 0.456 0.406', '--std 0.2 0.2 0.2', '--std 0 1 1']
)
def test_mean_and_std_of_other_pixels_are_refused(load_tool, option, capsys):
    with pytest.raises(SystemExit):
        load_tool(TOOL).parse_args(['config.py', 'in', 'out', *option.split()])
    assert 'must be of pixels of 0 to 255' in capsys.readouterr().err


def test_weights_that_are_for_rgb_are_not_reversed_once_more(load_tool):
    args = argparse.Namespace(bgr=True, mean=None, std=None, input='out.pth')
    recognized = SimpleNamespace(scheme=SimpleNamespace(pixels=None))
    said = dict(mean=(3.0, 2.0, 1.0), std=(1.0, 1.0, 1.0), order='RGB')
    with pytest.raises(ValueError, match='which this tool has written for RGB'):
        load_tool(TOOL).pixels_of(args, recognized, said)


def test_a_tuple_of_means_is_what_the_config_has(load_tool):
    tool = load_tool(TOOL)
    had = dict(mean=(1.0, 2, 3), std=(4.0, 5, 6), bgr_to_rgb=True)
    cfg = Config(dict(model=dict(data_preprocessor=had)))
    said = tool.preprocessing(cfg, Pixels((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))
    assert said.startswith('Images in the order RGB, which the config has:')


def test_the_files_of_an_index_are_one(tmp_path, load_tool):
    load_tool(TOOL)
    from weights.files import read_weights

    first, second = (f'pytorch_model-0000{k}-of-00002.bin' for k in (1, 2))
    torch.save(dict(a=torch.zeros(1)), tmp_path / first)
    index = tmp_path / 'pytorch_model.bin.index.json'
    index.write_text(json.dumps(dict(weight_map=dict(a=first, b=second))))
    with pytest.raises(FileNotFoundError, match='00002-of-00002'):
        read_weights(str(index))
    torch.save(dict(b=torch.ones(1)), tmp_path / second)
    assert {*read_weights(str(index))} == {'a', 'b'}
    with pytest.raises(ValueError, match=r'one file of 2: give the file that lists'):
        read_weights(str(tmp_path / second))
    index.write_text('{}')
    with pytest.raises(ValueError, match='must hold `weight_map`'):
        read_weights(str(index))


@pytest.mark.parametrize('name', ['in.pth', 'in.safetensors'])
def test_a_pointer_to_a_file_of_weights_is_refused(tmp_path, load_tool, name):
    load_tool(TOOL)
    from weights.files import read_weights

    path = tmp_path / name
    path.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:1\n')
    with pytest.raises(ValueError, match='a pointer of Git LFS to them: fetch'):
        read_weights(str(path))


def test_weights_that_are_not_finite_are_refused(tmp_path, config, error_of):
    state = ResNet(18, **TINY).state_dict()
    state['layer1.0.conv1.weight'][0] = float('nan')
    torch.save(state, tmp_path / 'in.pth')
    files = tmp_path / 'in.pth', tmp_path / 'out.pth'
    error = error_of(TOOL, config(resnet_config()), *files)
    assert 'must be finite, got NaN or infinity in layer1.0.conv1.weight' in error
    assert not files[1].exists()


def test_averages_that_are_not_taken_are_said(tmp_path, config, run, capsys):
    state = ResNet(18, **TINY).state_dict()
    averages = {f'module.{name}': tensor + 1 for name, tensor in state.items()}
    torch.save(dict(model=state, model_ema=averages), tmp_path / 'in.pth')
    run(config(resnet_config()), tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert 'averages of the weights under model_ema, too' in capsys.readouterr().out
    torch.save(dict(model_ema=averages), tmp_path / 'in.pth')
    run(config(resnet_config()), tmp_path / 'in.pth', tmp_path / 'ema.pth')
    saved = torch.load(tmp_path / 'ema.pth', weights_only=True)['state_dict']
    assert torch.equal(saved['conv1.weight'], state['conv1.weight'] + 1)


def test_safetensors_are_read(tmp_path, config, run):
    save_file = pytest.importorskip('safetensors.torch').save_file
    state = file_of_torchvision(tmp_path / 'in.pth')
    save_file(state, tmp_path / 'in.safetensors')
    run(config(resnet_config()), tmp_path / 'in.safetensors', tmp_path / 'out.pth')
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert all(torch.equal(saved[name], state[name]) for name in state)


def test_safetensors_without_the_package_are_refused(
    tmp_path, config, error_of, monkeypatch
):
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    (tmp_path / 'in.safetensors').write_bytes(b'')
    files = tmp_path / 'in.safetensors', tmp_path / 'out.pth'
    error = error_of(TOOL, config(resnet_config()), *files)
    assert 'the package safetensors must be installed to read' in error


def test_a_damaged_file_of_safetensors_is_refused(tmp_path, config, error_of):
    pytest.importorskip('safetensors')
    (tmp_path / 'in.safetensors').write_bytes(b'no tensors')
    files = tmp_path / 'in.safetensors', tmp_path / 'out.pth'
    assert 'a complete one of safetensors' in error_of(
        TOOL, config(resnet_config()), *files
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason=f'no files in {SHARED}')
@pytest.mark.parametrize(
    ('name', 'backbone', 'reference'),
    [
        (
            'mobilenet_v2_mmseg.pth',
            dict(
                type='CENBackbone',
                num_modalities=2,
                backbone=dict(type='MobileNetV2', out_indices=(1, 2, 4, 6)),
            ),
            MobileNetV2,
        ),
        (
            'resnet50_half_mmseg.pth',
            dict(type='CENResNet', style='caffe', num_modalities=2, **HALF_RESNET),
            lambda: ResNet(**HALF_RESNET),
        ),
    ],
)
def test_converted_files_are_converted_to_themselves(
    name, backbone, reference, tmp_path, config, run
):
    run(config(backbone), SHARED / name, tmp_path / 'out.pth')
    found = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    expected = torch.load(SHARED / name, weights_only=True)['state_dict']
    assert found.keys() == expected.keys() == reference().state_dict().keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
