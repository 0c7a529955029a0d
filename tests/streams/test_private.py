import pytest
import torch
from mmcv.cnn import ConvModule
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import (
    CENBackbone,
    CENResNet,
    ModalityNorm,
    PrivateLayer,
    split_streams,
    stream_state_dict,
    to_private,
)
from mmseg_cen.streams.context import streams_on_batch

NARROW = dict(depth=18, base_channels=8, stem_channels=8)
LAYERS = {
    'conv': (lambda: nn.Conv2d(4, 6, 3, padding=1), (4, 5, 5)),
    'depthwise': (lambda: nn.Conv2d(4, 4, 3, groups=4, bias=False), (4, 5, 5)),
    'transposed': (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2), (4, 5, 5)),
    'linear': (lambda: nn.Linear(4, 6), (7, 4)),
    'prelu': (lambda: nn.PReLU(4), (4, 5, 5)),
}


def randomize(module):
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)


def center(module):
    """Convolutions of random signs; the norms stay positive."""
    for p in module.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, std=0.2)


@pytest.mark.parametrize('name', LAYERS)
@pytest.mark.parametrize('M', [2, 3])
def test_a_private_layer_equals_separate_layers(name, M):
    build, shape = LAYERS[name]
    separate = [build() for _ in range(M)]
    private = to_private(build(), M)
    for layer in separate:
        randomize(layer)
    for m, layer in enumerate(separate):
        private[m].load_state_dict(layer.state_dict())
    x = torch.randn(2 * M, *shape)
    out = split_streams(private(x), M)
    for m, layer in enumerate(separate):
        assert_close(out[:, m], layer(split_streams(x, M)[:, m]))


@pytest.mark.parametrize('name', LAYERS)
def test_a_unimodal_checkpoint_initializes_every_copy(name):
    unimodal = nn.Sequential(LAYERS[name][0]())
    randomize(unimodal)
    private = to_private(nn.Sequential(LAYERS[name][0]()), 3)
    private.load_state_dict(unimodal.state_dict())
    for copy in private[0]:
        for key, tensor in unimodal[0].state_dict().items():
            assert_close(copy.state_dict()[key], tensor)


def test_copies_do_not_share_their_parameters():
    private = to_private(nn.Conv2d(2, 2, 1), 2)
    private(torch.randn(4, 2, 3, 3))[0::2].sum().backward()
    assert private[0].weight.grad.any()
    assert not private[1].weight.grad.any()


def test_every_copy_is_initialized_with_the_fan_of_one_stream():
    module = to_private(nn.Sequential(nn.Conv2d(64, 64, 3)), 4)
    for copy in module[0]:
        nn.init.kaiming_normal_(copy.weight, mode='fan_out')
        assert copy.weight.std().item() == pytest.approx(
            (2 / (9 * 64)) ** 0.5, rel=0.02
        )


def test_a_layer_registered_twice_stays_one_layer():
    conv = nn.Conv2d(2, 2, 1)
    module = to_private(nn.ModuleDict(dict(a=conv, b=conv)), 2)
    assert module['a'] is module['b']
    assert isinstance(module['a'], PrivateLayer)


def test_another_private_conversion_changes_nothing():
    module = to_private(nn.Sequential(nn.Conv2d(2, 2, 1)), 2)
    assert to_private(module, 2)[0] is module[0]
    assert isinstance(module[0][0], nn.Conv2d)


def test_further_tensors_are_split_among_the_copies():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x, offset, *, scale=1.0):
            return self.weight * x * scale + offset

    layer = to_private(Scaled(), 2)
    layer[1].weight.data.fill_(3)
    x, offset = torch.randn(4, 5), torch.randn(4, 5)
    expected = x * torch.tensor([1.0, 3, 1, 3])[:, None] * 2 + offset
    assert_close(layer(x, offset, scale=2.0), expected)


def test_other_batches_are_refused():
    layer = to_private(nn.Linear(2, 2), 2)
    with pytest.raises(ValueError, match=r'B\*M=B\*2 streams .* got a batch of 3'):
        layer(torch.zeros(3, 2))
    with (
        streams_on_batch(layer, 2),
        pytest.raises(ValueError, match=r'B\*M=2 streams .* got a batch of 4'),
    ):
        layer(torch.zeros(4, 2))
    layer(torch.zeros(4, 2))


def test_parameters_beside_layers_are_refused_all_by_name():
    net = nn.Sequential(nn.MultiheadAttention(4, 2), nn.Embedding(3, 4))
    with pytest.raises(ValueError, match=r'0 \(MultiheadAttention\).*in_proj_weight'):
        to_private(net, 2)
    with pytest.raises(ValueError, match=r'2 modules .*1 \(Embedding\)'):
        to_private(net, 2)


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('training', [True, False])
def test_with_all_private_each_stream_is_a_network_of_its_own(M, training):
    backbone = CENResNet(
        **NARROW, num_modalities=M, exchange_threshold=0.0, convs='private'
    )
    randomize(backbone)
    center(backbone)
    backbone.train(training)
    x = torch.randn(2, M * 3, 64, 64)
    streams = [split_streams(out, M) for out in backbone(x)]
    for m in range(M):
        unimodal = ResNet(**NARROW)
        unimodal.train(training)
        # The pass above moved the statistics, which training mode does not use.
        unimodal.load_state_dict(stream_state_dict(backbone, m))
        for out, expected in zip(
            streams, unimodal(x[:, 3 * m : 3 * m + 3]), strict=True
        ):
            assert_close(out[:, m], expected, rtol=1e-4, atol=1e-4)


def test_private_convolutions_still_exchange_channels_at_the_same_places():
    def places(**kwargs):
        backbone = CENResNet(depth=50, base_channels=4, stem_channels=4, **kwargs)
        return {
            name: norm.num_features
            for name, norm in backbone.named_modules()
            if isinstance(norm, ModalityNorm) and norm.exchange_threshold is not None
        }

    assert places(convs='private') == places() != {}


def test_shared_norms_are_those_of_the_unimodal_network_over_all_streams():
    backbone = CENResNet(**NARROW, exchange_threshold=0, norms='shared')
    backbone.train()
    unimodal = ResNet(**NARROW)
    unimodal.train()
    unimodal.load_state_dict(backbone.state_dict())
    x = torch.randn(2, 6, 64, 64)
    expected = unimodal(x.reshape(4, 3, 64, 64))
    for out, wanted in zip(backbone(x), expected, strict=True):
        assert_close(out, wanted)
    assert_close(backbone.state_dict(), unimodal.state_dict())


@pytest.mark.parametrize('norms', ['shared', 'private'])
@pytest.mark.parametrize('convs', ['shared', 'private'])
def test_convolutions_and_norms_are_shared_independently(convs, norms):
    sharing = dict(convs=convs, norms=norms)
    of_type = dict(type='ResNet', **NARROW)
    backbone = CENBackbone(of_type, 2, exchange_threshold=0, **sharing)
    unimodal = ResNet(**NARROW)
    counts = {True: 0, False: 0}  # of norms and others
    for p in unimodal.parameters():
        counts[p.ndim == 1] += p.numel()
    expected = counts[True] * (1 + (norms == 'private'))
    expected += counts[False] * (1 + (convs == 'private'))
    assert sum(p.numel() for p in backbone.parameters()) == expected
    same = CENResNet(**NARROW, exchange_threshold=0, **sharing)
    assert same.state_dict().keys() == backbone.state_dict().keys()
    backbone(torch.randn(2, 6, 64, 64))


@pytest.mark.parametrize('argument', ['convs', 'norms'])
def test_sharing_is_one_of_two_words(argument):
    with pytest.raises(
        ValueError, match=rf"`{argument}` must be 'shared'.*got 'unshared'"
    ):
        CENResNet(**NARROW, **{argument: 'unshared'})


def test_shared_norms_cannot_decide_about_an_exchange():
    with pytest.raises(
        ValueError, match=r'exchange_threshold=0\.02: set the threshold to 0'
    ):
        CENResNet(**NARROW, norms='shared')


def test_a_pretrained_unimodal_network_initializes_private_convolutions(tmp_path):
    unimodal = ResNet(**NARROW)
    randomize(unimodal)
    torch.save(unimodal.state_dict(), tmp_path / 'resnet.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth'))
    backbone = CENResNet(**NARROW, convs='private', init_cfg=init_cfg)
    backbone.init_weights()
    for m in range(2):
        state = stream_state_dict(backbone, m)
        assert_close(state, dict(unimodal.state_dict()))


@pytest.mark.parametrize('M', [2, 3])
def test_a_private_head_is_a_head_for_each_modality(M):
    head = dict(
        type='RefineNetHead',
        in_channels=[4, 8, 16, 32],
        channels=4,
        num_classes=3,
        dropout_ratio=0.0,
    )
    names = [f'm{m}' for m in range(M)]
    ensemble = MODELS.build(
        dict(type='EnsembleHead', modalities=names, head=head, convs='private')
    )
    randomize(ensemble)
    center(ensemble)
    feats = [torch.randn(2 * M, c, 64 // c, 64 // c) for c in head['in_channels']]
    streams = ensemble.forward_streams(feats)
    for m, name in enumerate(names):
        own = MODELS.build(head)
        own.load_state_dict(stream_state_dict(ensemble.head, m))
        of_stream = [split_streams(feat, M)[:, m] for feat in feats]
        assert_close(streams[name], own(of_stream), rtol=1e-4, atol=1e-4)


def test_blocks_with_a_private_convolution_keep_their_checkpoints():
    unimodal = ConvModule(2, 3, 1, norm_cfg=dict(type='BN'))
    private = to_private(ConvModule(2, 3, 1, norm_cfg=dict(type='BN')), 2)
    assert isinstance(private.bn, nn.BatchNorm2d)  # norms are left as they are
    private.load_state_dict(unimodal.state_dict())
    assert_close(stream_state_dict(private, 1), dict(unimodal.state_dict()))
