"""Fusion in the encoder of the U-Net, as in Table 4."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmseg_cen.fusion import Fused, Fusion
from mmseg_cen.models import ModalityNorm, PrivateLayer, split_streams
from mmseg_cen.streams.fold import fold_streams
from mmseg_cen.translation import CENUNet, TranslationDataSample

N = 5
LAYERS = [f'conv{i}' for i in range(1, N + 1)]


def build(name='Concat', stages=('conv1',), M=2, merges=False, **kwargs):
    fusion = dict(type=f'{name}Fusion', stages=stages, merges=merges)
    unet = CENUNet(
        M,
        num_downs=N,
        base_channels=8,
        dropout=0.0,
        exchange_threshold=0,
        fusion=fusion,
        **kwargs,
    )
    for p in unet.parameters():
        nn.init.normal_(p, std=0.3)
    return unet


def images(M=2, batch=2):
    return torch.randn(batch, 3 * M, 2**N, 2**N)


class Lazy(Fusion):
    """A fusion that returns no merged stream."""

    def forward(self, streams):
        return Fused(streams)


@pytest.mark.parametrize(
    ('fusion', 'convs', 'M'),
    [('Concat', 'private', 2), ('SSMA', 'shared', 3), ('CMX', 'private', 3)],
)
def test_kept_streams_are_fused_in_every_layer(fusion, convs, M):
    unet = build(fusion, LAYERS, M, convs=convs).train()
    x = images(M)
    feats = []
    z = fold_streams(x, M)
    for name in LAYERS:
        layer = unet.encoder[name]
        z = layer.norm(layer.conv(layer.activation(z)))  # without its hook
        z = unet.fusions[name](split_streams(z, M)).streams.flatten(0, 1)
        feats.append(z)
    expected = split_streams(unet.decode(feats), M)
    streams, ensemble = unet(x)
    assert_close(streams, expected)
    assert_close(ensemble, torch.einsum('m,bmchw->bchw', unet.alpha, expected))


@pytest.mark.parametrize(('last', 'M'), [(1, 3), (4, 2), (N, 3)])
def test_behind_a_merging_layer_there_is_one_unet(last, M):
    """The decoder sees the mean of the streams before, the merged one behind."""
    unet = build('SSMA', (f'conv{last}',), M, merges=True, convs='private').train()
    x = images(M)
    z, feats = fold_streams(x, M), []
    for i, name in enumerate(LAYERS, start=1):
        layer = unet.encoder[name]
        z = layer.norm(layer.conv(layer.activation(z)))
        private = [m for m in layer.modules() if isinstance(m, PrivateLayer)]
        assert bool(private) == (i <= last)
        if i == last:
            z = unet.fusions[name](split_streams(z, M)).merged
        feats.append(split_streams(z, M).mean(dim=1) if i < last else z)
    assert not any(
        isinstance(m, (ModalityNorm, PrivateLayer)) for m in unet.decoder.modules()
    )
    expected = unet.decode(feats)
    streams, ensemble = unet(x)
    assert_close(ensemble, expected)
    for m in range(M):
        assert_close(streams[:, m], expected)


def test_all_merging_layers_serve_the_decoder():
    M = 3
    unet = build('CMX', LAYERS, M, merges=True).train()
    x = images(M)
    z, feats = fold_streams(x, M), []
    for name in LAYERS:
        layer = unet.encoder[name]
        z = layer.norm(layer.conv(layer.activation(z)))
        fused = unet.fusions[name](split_streams(z, M))
        feats.append(fused.merged)
        z = fused.streams.flatten(0, 1)
    assert_close(unet(x)[1], unet.decode(feats))


def test_one_image_is_enough_for_the_innermost_layer_without_norm():
    """A batch norm cannot normalize a single value; pix2pix trains image by image."""
    fusion = dict(type='SSMAFusion', stages=LAYERS, norm=False)
    unet = CENUNet(num_downs=N, base_channels=8, exchange_threshold=0, fusion=fusion)
    unet.train()(images(batch=1))[0].sum().backward()


@pytest.mark.parametrize('stages', [(), 'conv1', ('conv9',), ('decoder.deconv1',)])
def test_other_layers_are_refused(stages):
    with pytest.raises(ValueError, match=r"layers of the encoder, out of \['conv1'"):
        build(stages=stages)


@pytest.mark.parametrize(
    ('fusion', 'message'),
    [
        ('ConcatFusion', "a config dict.* got 'ConcatFusion'"),
        (dict(stages=('conv1',)), r"got {'stages': \('conv1',\)}"),
        (dict(type='ConcatFusion'), r'layers of the encoder, .* got \(\)'),
        (dict(type='SumExchange', stages=('conv1',)), 'that extends Fusion'),
        (dict(type='ConcatFusion', stages=('conv1',), no=1), "got {'no': 1, "),
        (dict(type=Lazy, stages=('conv1',), merges=True), 'set .*Fused.merged'),
    ],
)
def test_what_is_no_fusion_is_refused(fusion, message):
    with pytest.raises(ValueError, match=message):
        CENUNet(num_downs=N, base_channels=4, exchange_threshold=None, fusion=fusion)


def pix2pix(name, merges):
    fusion = dict(type=f'{name}Fusion', stages=('conv1', 'conv4'), merges=merges)
    generator = dict(
        type='CENUNet',
        num_downs=N,
        base_channels=4,
        exchange_threshold=0,
        fusion=fusion,
    )
    discriminator = dict(type='PatchDiscriminator', in_channels=6, base_channels=4)
    return MODELS.build(
        dict(
            type='CENPix2Pix',
            generator=generator,
            discriminator=discriminator,
            sources=('depth', 'normal'),
        )
    ).train()


def samples():
    image = PixelData(data=torch.rand(3, 2**N, 2**N) * 2 - 1)
    return [TranslationDataSample(gt_image=image) for _ in range(2)]


def test_losses_of_fusion_modules_join_those_of_the_generator():
    model = pix2pix('Align', merges=False)
    losses = model(images(), samples(), mode='loss')
    names = {name for name in losses if 'fusion' in name}
    assert names == {'loss_fusion_conv1', 'loss_fusion_conv4'}
    total, logged = model.parse_losses(losses)
    assert names <= set(logged)
    assert_close(total, sum(losses.values()))
    losses['loss_fusion_conv4'].backward()
    assert model.generator.fusions['conv4'].common[0].weight.grad.any()


@pytest.mark.parametrize('merges', [False, True])
def test_every_parameter_of_the_generator_is_trained(merges):
    model = pix2pix('Concat', merges)
    total, _ = model.parse_losses(model(images(), samples(), mode='loss'))
    total.backward()
    generator = model.generator
    untrained = [
        name
        for name, p in generator.named_parameters()
        if p.requires_grad and p.grad is None
    ]
    assert untrained == []
    assert generator.alpha_logits.requires_grad != merges
