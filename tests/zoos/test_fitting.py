"""What becomes of the tensors of a file in a network of the toolbox."""

import re

import pytest
import torch
from mmseg.models.backbones import MobileNetV2, ResNet, ResNetV1c, ResNetV1d
from torch import nn
from torch.nn.functional import conv2d

from mmseg_cen.zoos import advise, fit, recognize

from .references import MobileNetV2 as TorchvisionMobileNetV2
from .references import ResNet as TorchvisionResNet
from .references import assert_close, randomize

TINY = dict(base_channels=4, stem_channels=4)


def convert(state, network):
    """The fit of a state dict into a network."""
    families = [base.__name__ for base in type(network).__mro__]
    wanted = network.state_dict()
    found = recognize(state, families, [*wanted])
    return fit(found.state, found.scheme, wanted)


def load(network, state):
    """A network with converted weights, all of which fit."""
    fitted = convert(state, network)
    assert fitted.misfits == []
    network.load_state_dict(fitted.state, strict=True)
    network.eval()
    return network


@pytest.fixture
def image():
    return torch.randn(1, 3, 64, 64)


def test_a_resnet_computes_what_that_of_torchvision_does(image):
    reference = randomize(TorchvisionResNet(width=4))
    ours = load(ResNet(50, **TINY), reference.state_dict())
    assert_close(ours(image), reference(image))


def test_a_mobilenet_computes_what_that_of_torchvision_does(image):
    reference = randomize(TorchvisionMobileNetV2())
    ours = load(MobileNetV2(widen_factor=0.25), reference.state_dict())
    assert_close(ours(image), reference(image))


def test_names_that_fit_already_are_kept(image):
    reference = randomize(ResNetV1d(depth=50, **TINY))
    state = {f'backbone.{n}': t for n, t in reference.state_dict().items()}
    ours = load(ResNetV1d(depth=50, **TINY), {**state, 'head.fc.weight': torch.ones(2)})
    assert_close(ours(image), reference(image))


def test_a_first_shortcut_without_the_pooling_of_stride_1_is_the_same(image):
    """mmpretrain has none, the toolbox one that does nothing."""
    reference = randomize(ResNetV1d(depth=50, **TINY))
    shortcut, state = 'layer1.0.downsample.', {}
    for name, tensor in reference.state_dict().items():
        for k in (1, 2):
            name = name.replace(f'{shortcut}{k}.', f'{shortcut}{k - 1}.')
        state[f'backbone.{name}'] = tensor
    assert_close(load(ResNetV1d(depth=50, **TINY), state)(image), reference(image))


def test_shortcuts_without_pooling_are_no_shortcuts_with_it():
    state = ResNetV1c(depth=50, **TINY).state_dict()
    misfits = convert(state, ResNetV1d(depth=50, **TINY)).misfits
    stages = {misfit.name.partition('.')[0] for misfit in misfits}
    assert stages == {'layer2', 'layer3', 'layer4'}


def test_biases_of_convolutions_move_into_the_norms(image):
    """Caffe has a bias in the first convolution, before its norm."""
    reference = randomize(TorchvisionResNet(width=4))
    reference.conv1.bias = nn.Parameter(torch.randn(4))
    block = reference.layer2[0]
    block.conv2.bias = nn.Parameter(torch.randn(8))
    block.downsample[0].bias = nn.Parameter(torch.randn(32))
    ours = load(ResNet(50, **TINY), reference.state_dict())
    assert_close(ours(image), reference(image))


def test_norms_without_statistics_scale_and_shift(image):
    """Detectron has norms of two tensors, and may have a bias before them."""
    reference = randomize(TorchvisionResNet(width=4))
    for norm in (m for m in reference.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    reference.layer2[0].conv2.bias = nn.Parameter(torch.randn(8))
    state = {
        name_of_detectron(name): tensor
        for name, tensor in reference.state_dict().items()
        if 'running' not in name
    }
    ours = ResNet(50, **TINY)
    remarks = ' '.join(convert(state, ours).remarks)
    assert '53 norms have no running statistics' in remarks
    assert 'biases of 1 convolutions' in remarks
    assert_close(load(ours, state)(image), reference(image))


def name_of_detectron(name):
    name = name.replace('downsample.0', 'shortcut')
    name = name.replace('downsample.1', 'shortcut.norm')
    name = re.sub(r'bn(\d)', r'conv\1.norm', name)
    name = re.sub(r'^layer(\d)', lambda found: f'res{int(found[1]) + 1}', name)
    return name if name.startswith(('res', 'fc')) else f'stem.{name}'


def test_groupnorms_are_no_batch_norms_without_statistics():
    """resnet50_gn of timm has the names of a ResNet with batch norms."""
    state = {
        name: tensor
        for name, tensor in TorchvisionResNet(width=4).state_dict().items()
        if 'running' not in name and 'tracked' not in name
    }
    network = ResNet(50, **TINY)
    fitted = convert(state, network)
    missing = {misfit.name.rpartition('.')[2] for misfit in fitted.misfits}
    assert missing == {'running_mean', 'running_var'}
    assert 'as GroupNorms have none' in advise(fitted.state, network.state_dict())[0]


def test_sums_of_half_precision_are_not_rounded():
    state = {
        name: tensor.bfloat16() if tensor.is_floating_point() else tensor
        for name, tensor in TorchvisionResNet(width=4).state_dict().items()
    }
    state['conv1.bias'] = torch.full((4,), 2.0**-9).bfloat16()
    state['bn1.running_mean'] = torch.ones(4).bfloat16()
    mean = convert(state, ResNet(50, **TINY)).state['bn1.running_mean']
    assert torch.equal(mean, torch.full((4,), 1 - 2.0**-9))


def test_two_tensors_of_one_name_are_refused():
    """Some files of Caffe have the same in norms as in scalings."""
    names = ('conv1', 'res2a_branch2a', 'bn_conv1', 'scale_conv1')
    state = {f'{name}.weight': torch.ones(4) for name in names}
    with pytest.raises(
        ValueError, match=r'got bn_conv1\.weight and scale_conv1\.weight, which both'
    ):
        convert(state, ResNet(50, **TINY))


def test_convolutions_that_hold_their_norm_get_one_that_adds_the_bias():
    wanted = ResNet(18, **TINY)
    state = {n: t for n, t in wanted.state_dict().items() if not n.startswith('bn1')}
    state['conv1.bias'] = torch.randn(4)
    x = torch.randn(1, 3, 16, 16)
    ours = load(wanted, state)
    expected = conv2d(x, state['conv1.weight'], state['conv1.bias'], 2, 3)
    torch.testing.assert_close(ours.bn1(ours.conv1(x)), expected, rtol=0, atol=1e-4)


def test_misfits_have_both_shapes():
    fitted = convert(TorchvisionResNet(width=8).state_dict(), ResNet(50, **TINY))
    lines = [str(misfit) for misfit in fitted.misfits]
    assert lines[0] == (
        'conv1.weight: (8, 3, 7, 7) in the file, (4, 3, 7, 7) in the network'
    )


def test_missing_and_unexpected_tensors_are_misfits():
    state = TorchvisionResNet(width=4).state_dict()
    state['layer1.0.se.weight'] = state.pop('layer1.0.conv2.weight')
    lines = [str(misfit) for misfit in convert(state, ResNet(50, **TINY)).misfits]
    assert lines == [
        'layer1.0.conv2.weight: none in the file, (4, 4, 3, 3) in the network',
        'layer1.0.se.weight: (4, 4, 3, 3) in the file, none in the network',
    ]


def test_stages_that_a_network_does_not_have_are_dropped():
    short = dict(num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1))
    network = ResNet(50, **TINY, **short, out_indices=(0, 1, 2))
    fitted = convert(TorchvisionResNet(width=4).state_dict(), network)
    assert fitted.misfits == []
    assert {name.partition('.')[0] for name in fitted.dropped} == {'fc', 'layer4'}


def test_a_stem_of_three_convolutions_is_renamed(image):
    reference = randomize(ResNetV1c(depth=18, **TINY))
    state = {}
    for name, tensor in reference.state_dict().items():
        name = name.replace('stem.7.', 'bn1.').replace('stem.', 'conv1.')
        state[name] = tensor
    assert_close(load(ResNetV1c(depth=18, **TINY), state)(image), reference(image))
