from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import (
    ModalityBN,
    ModalityGN,
    ModalityIN,
    ModalityLN,
    exchanging_norms,
    split_streams,
    stream_state_dict,
    to_multimodal,
)


def network():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8, eps=1e-3, momentum=0.3),
        nn.Sequential(nn.ReLU(), nn.Conv2d(8, 4, 1), nn.InstanceNorm2d(4, affine=True)),
    )
    nn.init.normal_(net[1].weight)
    return net.double()


@pytest.mark.parametrize('training', [True, False])
def test_each_stream_computes_what_the_unimodal_module_computes(training):
    unimodal = network().train(training)
    multimodal = to_multimodal(network().train(training), 3)
    x = torch.randn(2 * 3, 3, 8, 8, dtype=torch.double)
    streams = split_streams(x, 3)
    out = split_streams(multimodal(x), 3)
    for m in range(3):
        unimodal.load_state_dict(network().state_dict())
        assert_close(out[:, m], unimodal(streams[:, m]))


def test_settings_of_the_norm_survive():
    net = network()
    net[1].weight.requires_grad_(False)
    net[2][2].eval()
    to_multimodal(net, 2)
    assert isinstance(net[1], ModalityBN)
    assert isinstance(net[2][2], ModalityIN)
    assert (net[1].norm.eps, net[1].norm.momentum) == (1e-3, 0.3)
    assert not net[1].norm.weight.requires_grad
    assert net[1].norm.bias.requires_grad
    assert net[1].norm.training
    assert not net[2][2].norm.training
    assert net[1].norm.weight.dtype == torch.double


def test_sync_bn_stays_synchronized():
    net = to_multimodal(nn.Sequential(nn.SyncBatchNorm(4)), 2)
    assert isinstance(net[0].norm, nn.SyncBatchNorm)
    assert net[0].norm.num_features == 8


def test_converting_twice_changes_nothing():
    net = to_multimodal(network(), 2)
    norms = [net[1], net[2][2]]
    to_multimodal(net, 2)
    assert [net[1], net[2][2]] == norms


class LayerNorm2d(nn.LayerNorm):
    """As in mmpretrain and timm."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class FastLayerNorm(nn.LayerNorm):
    """As in timm, which chooses between kernels."""

    def forward(self, x):
        weight, bias = self.weight.float(), self.bias.float()
        return F.layer_norm(x.float(), self.normalized_shape, weight, bias, self.eps)


class GroupNorm1(nn.GroupNorm):
    """As in timm."""

    def __init__(self, num_channels):
        super().__init__(1, num_channels)

    def forward(self, x):
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class OnePlusLayerNorm(nn.LayerNorm):
    """Its weight is the difference to 1."""

    def forward(self, x):
        return F.layer_norm(x, self.normalized_shape, 1 + self.weight, self.bias)


class NoisyLayerNorm(nn.LayerNorm):
    """Which does something else in a training."""

    def forward(self, x):
        return F.dropout(super().forward(x), 0.5, self.training)


class ShiftedLayerNorm(nn.LayerNorm):
    """It has more tensors than a LayerNorm."""

    def __init__(self, channels):
        super().__init__(channels)
        self.register_buffer('shift', torch.zeros(channels))

    def forward(self, x):
        return super().forward(x) + self.shift


class OwnEpsLayerNorm(nn.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, 1e-6)


class ClampedLayerNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x).clamp(-3, 3)


class MaskedLayerNorm(nn.LayerNorm):
    """As in mmpretrain: it asks for what is not there."""

    def forward(self, x):
        return super().forward(x) * self.no_such_mask


class LayerNormByRank(nn.LayerNorm):
    """Images have channels first, sequences last."""

    def forward(self, x):
        if x.ndim == 3:
            return super().forward(x)
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class OneGroupNorm(nn.GroupNorm):
    """Of the channels of several modalities, it would make one group."""

    def forward(self, x):
        return F.group_norm(x, 1, self.weight, self.bias, self.eps)


OWN = (
    OnePlusLayerNorm,
    NoisyLayerNorm,
    ShiftedLayerNorm,
    OwnEpsLayerNorm,
    ClampedLayerNorm,
    MaskedLayerNorm,
    LayerNormByRank,
)

LAYERS = {
    'BN1d': (nn.BatchNorm1d(4), (4,), ModalityBN),
    'BN1d of codes': (nn.BatchNorm1d(4), (4, 6), ModalityBN),
    'BN2d': (nn.BatchNorm2d(4), (4, 5, 5), ModalityBN),
    'BN3d': (nn.BatchNorm3d(4), (4, 2, 3, 3), ModalityBN),
    'BN without affine': (nn.BatchNorm2d(4, affine=False), (4, 5, 5), ModalityBN),
    'SyncBN': (nn.SyncBatchNorm(4), (4, 5, 5), ModalityBN),
    'SyncBN of the toolbox': (
        build_norm_layer(dict(type='SyncBN'), 4)[1],
        (4, 5, 5),
        ModalityBN,
    ),
    'IN1d': (nn.InstanceNorm1d(4, affine=True), (4, 6), ModalityIN),
    'IN2d': (nn.InstanceNorm2d(4, affine=True), (4, 5, 5), ModalityIN),
    'IN with statistics only': (
        nn.InstanceNorm2d(4, track_running_stats=True),
        (4, 5, 5),
        ModalityIN,
    ),
    'GN': (nn.GroupNorm(2, 4), (4, 5, 5), ModalityGN),
    'LN of sequences': (nn.LayerNorm(4), (7, 4), ModalityLN),
    'LN of maps': (nn.LayerNorm(4, eps=1e-2), (5, 5, 4), ModalityLN),
    'LN2d': (LayerNorm2d(4), (4, 5, 5), ModalityLN),
    'LN of timm': (FastLayerNorm(4), (7, 4), ModalityLN),
    'GN of timm': (GroupNorm1(4), (4, 5, 5), ModalityGN),
    'LN of pooled maps': (nn.LayerNorm((4, 1, 1)), (4, 1, 1), ModalityLN),
}


@pytest.mark.parametrize('layer', LAYERS)
def test_every_type_of_norm_becomes_private(layer):
    """Each stream is what a layer with its copy of the tensors computes."""
    M = 3
    _, shape, private_type = LAYERS[layer]
    for training in (True, False):
        unimodal = nn.Sequential(deepcopy(LAYERS[layer][0])).train(training)
        private = to_multimodal(deepcopy(unimodal), M)
        assert isinstance(private[0], private_type)
        for tensor in private[0].norm.state_dict().values():
            if tensor.ndim:
                tensor.uniform_(0.5, 2)
        x = torch.randn(5 * M, *shape)
        before = deepcopy([stream_state_dict(private, m) for m in range(M)])
        runs = not (training and 'SyncBN' in layer)  # the unimodal one needs a GPU
        out = split_streams(private(x), M)
        for m in range(M if runs else 0):
            unimodal.load_state_dict(before[m])
            assert_close(out[:, m], unimodal(split_streams(x, M)[:, m]))
            after = stream_state_dict(private, m)
            assert after.keys() == unimodal.state_dict().keys()
            for name, tensor in unimodal.state_dict().items():
                assert_close(after[name], tensor)


@pytest.mark.parametrize('layer', ['GN', 'LN of sequences', 'LN of maps', 'LN2d'])
def test_every_type_of_norm_exchanges_by_its_scaling_factor(layer):
    unimodal, shape, _ = LAYERS[layer]
    norm = to_multimodal(nn.Sequential(deepcopy(unimodal)), 2)[0]
    norm.norm.weight.data = torch.tensor([0.0, 1, 1, 1, 1, 1, 0, 1])
    norm.norm.bias.data = torch.arange(8.0)
    norm.exchange_threshold = 0.5
    axis = -1 if layer.startswith('LN of') else 1
    a, b = (
        out.movedim(axis, 1)
        for out in split_streams(norm(torch.randn(4, *shape)), 2).unbind(1)
    )
    same = [torch.equal(a[:, c], b[:, c]) for c in range(4)]
    assert same == [True, False, True, False]


@pytest.mark.parametrize('training', [True, False])
def test_a_layer_is_told_by_what_it_computes_without_a_trace(training):
    layer = FastLayerNorm(8).train(training)
    seen = []
    layer.register_forward_hook(lambda *_: seen.append('a call'))
    before, draws = deepcopy(layer.state_dict()), torch.get_rng_state()
    with torch.device('meta'):
        assert isinstance(to_multimodal(layer, 2), ModalityLN)
    assert torch.equal(torch.get_rng_state(), draws)
    assert not seen
    assert layer.training == training
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_layers_without_tensors_are_left_as_they_are():
    net = nn.Sequential(nn.InstanceNorm2d(4), nn.LayerNorm(4, elementwise_affine=False))
    assert [type(m) for m in to_multimodal(net, 2)] == [nn.InstanceNorm2d, nn.LayerNorm]


def test_a_norm_that_is_registered_twice_stays_one():
    norm = nn.BatchNorm2d(4)
    net = to_multimodal(nn.Sequential(norm, nn.Sequential(norm)), 2)
    assert net[0] is net[1][0]


def test_one_modality_has_nothing_private():
    net = network()
    before = net.state_dict()
    assert to_multimodal(net, 1, exchange_threshold=0.1) is net
    assert net.state_dict().keys() == before.keys()
    assert not exchanging_norms(net)


class OwnNorm(nn.BatchNorm2d):
    def forward(self, x):
        return F.batch_norm(x, None, None, self.weight, training=True)


class GRN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(4))


@pytest.mark.parametrize(
    ('layer', 'why'),
    [
        (
            OwnNorm(4),
            r'1\.bad \(OwnNorm\): it is a norm layer with a forward of its own',
        ),
        (GRN(), r'1\.bad \(GRN\): it is a norm layer with a forward of its own'),
        *((own(64), r'\(\w+\): it is a norm layer with a forward') for own in OWN),
        (OneGroupNorm(1, 8), r'\(OneGroupNorm\): it is a norm layer with a forward'),
        (nn.LayerNorm((4, 5, 5)), r'\(LayerNorm\): it normalizes over the axes'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_private_is_refused_by_name(layer, why):
    net = nn.Sequential(nn.BatchNorm2d(4), nn.Module())
    net[1].bad = layer
    net.eval()
    with pytest.raises(ValueError, match=why):
        to_multimodal(net, 2)
    assert isinstance(net[0], nn.BatchNorm2d), 'nothing is changed'


def test_weight_normalized_layers_are_no_norms():
    class NormedConv2d(nn.Conv2d):
        pass

    assert to_multimodal(NormedConv2d(2, 2, 1, bias=False), 2)


def test_less_than_one_modality_is_refused():
    with pytest.raises(ValueError, match='at least 1, got 0'):
        to_multimodal(network(), 0)


@pytest.mark.parametrize('num_modalities', [1, 3])
def test_norms_of_another_number_of_modalities_are_refused(num_modalities):
    with pytest.raises(ValueError, match=f'{num_modalities} modalities, got one of 2'):
        to_multimodal(nn.Sequential(ModalityBN(4, 2)), num_modalities)


def test_regions_are_expected_where_modules_make_them():
    class ISAHead(nn.Sequential):
        """As mmseg's, which moves regions to the batch axis."""

    net = to_multimodal(nn.Sequential(nn.BatchNorm2d(4), ISAHead(nn.BatchNorm2d(4))), 2)
    assert not net[0].has_regions
    assert net[1][0].has_regions
