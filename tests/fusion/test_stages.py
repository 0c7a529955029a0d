"""Fusion behind the stages of a backbone, in both settings of Table 2."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import convert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn
from torch.testing import assert_close

from mmseg_cen.fusion import Fused, Fusion
from mmseg_cen.fusion.losses import pop_losses
from mmseg_cen.models import (
    CENBackbone,
    CENResNet,
    ModalityNorm,
    PrivateLayer,
    present_modalities,
    split_streams,
    stream_state_dict,
)

NARROW = dict(depth=18, base_channels=8, stem_channels=8)
ALL = ('layer1', 'layer2', 'layer3', 'layer4')
KEPT = ['Concat', 'Average', 'SSMA', 'Align', 'CBN', 'MMF', 'ACM', 'SAGate', 'CMX']
MERGED = [name for name in KEPT if name not in ('Align', 'CBN')]


@MODELS.register_module()
class SumFusion(Fusion):
    """The fusion that the documentation shows."""

    def forward(self, streams):
        total = streams.sum(dim=1)
        if self.merges:
            return Fused(streams, total, loss=total.mean())
        return Fused(streams + total.unsqueeze(1), loss=total.mean())


@MODELS.register_module()
class SquareFusion(Fusion):
    """A fusion whose loss needs its output in the backward pass."""

    def forward(self, streams):
        mean = streams.mean(dim=1)
        if self.merges:
            return Fused(streams, mean, loss=mean.square().mean())
        doubled = streams * 2
        return Fused(doubled, loss=doubled.square().mean())


def build(name='Concat', stages=('layer2',), M=2, merges=False, **kwargs):
    fusion = dict(type=f'{name}Fusion', stages=stages, merges=merges)
    fusion |= kwargs.pop('fusion', {})
    return CENResNet(
        **NARROW,
        num_modalities=M,
        exchange_threshold=0.0,
        fusion=fusion,
        **kwargs,
    )


def images(M=2):
    return torch.randn(2, 3 * M, 64, 64)


def unimodal(state, training=True):
    network = ResNet(**NARROW)
    network.load_state_dict(state, strict=False)
    network.train(training)
    return network


def stages_of(network, x, until=4):
    """Outputs of the stages, one at a time, without any hook."""
    x = network.maxpool(network.relu(network.norm1(network.conv1(x))))
    outs = []
    for name in ALL[:until]:
        for block in getattr(network, name):
            x = block(x)
        outs.append(x)
    return outs


@pytest.mark.parametrize(
    ('name', 'convs', 'M'),
    [
        ('Concat', 'private', 2),
        ('SSMA', 'shared', 3),
        ('Align', 'shared', 2),
        ('CMX', 'private', 3),
    ],
)
def test_kept_streams_are_fused_behind_every_stage(name, convs, M):
    backbone = build(name, ALL, M, convs=convs).train()
    x = images(M)
    outs = backbone(x)
    streams = x.reshape(2 * M, 3, 64, 64)
    streams = backbone.maxpool(backbone.relu(backbone.norm1(backbone.conv1(streams))))
    for stage, out in zip(ALL, outs, strict=True):
        for block in getattr(backbone, stage):
            streams = block(streams)
        fused = backbone.fusions[stage](split_streams(streams, M))
        streams = fused.streams.flatten(0, 1)
        assert_close(out, streams)


@pytest.mark.parametrize(('name', 'M'), [('Concat', 2), ('SAGate', 2), ('CMX', 3)])
def test_merged_features_go_to_the_decoder_and_streams_go_on(name, M):
    """All stages: M encoders to the end, and a merged stream at each stage."""
    backbone = build(name, ALL, M, merges=True, convs='private').train()
    x = images(M)
    outs = backbone(x)
    networks = [unimodal(stream_state_dict(backbone, m)) for m in range(M)]
    streams = [
        n.maxpool(n.relu(n.norm1(n.conv1(x[:, 3 * m : 3 * m + 3]))))
        for m, n in enumerate(networks)
    ]
    for stage, out in zip(ALL, outs, strict=True):
        for m, network in enumerate(networks):
            for block in getattr(network, stage):
                streams[m] = block(streams[m])
        fused = backbone.fusions[stage](torch.stack(streams, dim=1))
        assert_close(out, fused.merged, rtol=1e-4, atol=1e-4)
        streams = list(fused.streams.unbind(1))


def test_behind_the_last_fused_stage_there_is_one_trunk():
    """Middle fusion: M encoders of three stages, then one of one."""
    M = 3
    backbone = build('Concat', ('layer3',), M, merges=True, convs='private').train()
    assert not any(
        isinstance(m, (ModalityNorm, PrivateLayer)) for m in backbone.layer4.modules()
    )
    x = images(M)
    outs = backbone(x)
    of_streams = [
        stages_of(unimodal(stream_state_dict(backbone, m)), x[:, 3 * m : 3 * m + 3], 3)
        for m in range(M)
    ]
    for stage in (0, 1):  # before the fusion, the decoder sees the mean
        mean = sum(stream[stage] for stream in of_streams) / M
        assert_close(outs[stage], mean, rtol=1e-4, atol=1e-4)
    conv = backbone.fusions['layer3'].block
    merged = conv(torch.cat([stream[2] for stream in of_streams], dim=1))
    assert_close(outs[2], merged, rtol=1e-4, atol=1e-4)
    for block in backbone.layer4:
        merged = block(merged)
    assert_close(outs[3], merged, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('merges', [False, True])
def test_the_order_of_stages_does_not_matter(merges):
    a = build(stages=('layer3', 'layer1'), merges=merges)
    b = build(stages=('layer1', 'layer3'), merges=merges)
    b.load_state_dict(a.state_dict())
    x = images()
    for one, other in zip(a.eval()(x), b.eval()(x), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize('merges', [False, True])
def test_any_backbone_fuses(merges):
    """CENBackbone, with stages by the names of its submodules."""
    fusion = dict(type='ConcatFusion', stages=('layer2',), merges=merges)
    backbone = CENBackbone(
        dict(type='ResNet', **NARROW), 2, exchange_threshold=0, fusion=fusion
    )
    same = build(merges=merges)
    same.load_state_dict(backbone.state_dict())
    x = images()
    for one, other in zip(backbone.eval()(x), same.eval()(x), strict=True):
        assert torch.equal(one, other)
    assert backbone.out_streams == same.out_streams == (1 if merges else 2)


LAYERS = ('conv1', 'bn1', 'layer2.0.conv1', 'layer2.0.bn1', 'layer2.0.downsample')


@pytest.mark.parametrize('convs', ['shared', 'private'])
@pytest.mark.parametrize('name', LAYERS)
def test_streams_are_fused_behind_any_layer(name, convs):
    """Behind all copies of a private layer, and not within them."""
    M = 3
    backbone = build('Concat', (name,), M, convs=convs).eval()
    stage = backbone.get_submodule(name)
    seen = []
    stage.register_forward_hook(lambda _, args, out: seen.extend([*args, out.clone()]))
    x = images(M)
    outs = backbone(x)
    streams = split_streams(stage.forward(seen[0]), M)
    fused = backbone.fusions[name.replace('.', '_')](streams).streams
    assert_close(seen[1], fused.flatten(0, 1))
    for out, of_first, of_second in zip(
        outs, backbone(x[:1]), backbone(x[1:]), strict=True
    ):
        assert_close(out, torch.cat([of_first, of_second]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('convs', ['shared', 'private'])
def test_streams_are_merged_behind_a_norm(convs):
    M = 3
    backbone = build('Concat', ('bn1',), M, merges=True, convs=convs).eval()
    x = images(M)
    streams = []
    for m in range(M):
        network = unimodal(stream_state_dict(backbone, m), training=False)
        streams.append(network.norm1(network.conv1(x[:, 3 * m : 3 * m + 3])))
    merged = backbone.fusions['bn1'].block(torch.cat(streams, dim=1))
    merged = backbone.maxpool(merged.relu())
    for name, out in zip(ALL, backbone(x), strict=True):
        merged = backbone.get_submodule(name)(merged)
        assert_close(out, merged, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'merges'),
    [(name, False) for name in [*KEPT, 'Square']]
    + [(name, True) for name in [*MERGED, 'Square']],
)
def test_the_next_layer_may_work_in_place(name, merges):
    """As the ReLU behind a norm does, on features that the fusion still needs."""
    backbone = build(name, ('bn1',), merges=merges).train()
    x = torch.randn(2, 6, 32, 32)
    outs = backbone(x)
    sum([*(out.sum() for out in outs), *pop_losses(outs).values()]).backward()
    with torch.no_grad():
        backbone.eval()(x[:1])


def test_stages_are_fused_in_the_order_they_run():
    backbone = build(stages=('layer2', 'layer1', 'layer1.0', 'layer2.0.downsample'))
    assert backbone.fusions.stages == [
        'layer1.0',
        'layer1',
        'layer2.0.downsample',
        'layer2',
    ]
    backbone(images())


def test_building_leaves_no_trace_in_the_network():
    """The blank images are seen by no statistics, and change no mode."""
    backbone = build('SSMA', ALL, frozen_stages=1, norm_eval=False)
    for name, buffer in backbone.named_buffers():
        if 'running' in name:
            assert buffer.eq('var' in name).all()
        elif 'batches' in name:
            assert not buffer
    assert not backbone.layer1.training
    assert backbone.layer2.training
    assert backbone.fusions.training


def test_blocks_within_stages_fuse_too():
    backbone = build('SSMA', ('layer3.0',), convs='private').train()
    before = {}
    for name in ('layer3.0', 'layer3.1'):
        backbone.get_submodule(name).register_forward_pre_hook(
            lambda _, args, name=name: before.update({name: args[0]})
        )
    backbone(images())
    streams = backbone.layer3[0].forward(before['layer3.0'])
    fused = backbone.fusions['layer3_0'](split_streams(streams, 2)).streams
    assert_close(before['layer3.1'], fused.flatten(0, 1))


@pytest.mark.parametrize(
    ('fusion', 'message'),
    [
        (dict(stages=()), r"names of submodules, got \(\): .* such as of \['conv1'"),
        (dict(stages='layer2'), "got 'layer2'"),
        (dict(stages=2), 'got 2'),
        (dict(stages=('layer5',)), r"got \('layer5',\)"),
        (dict(stages=('',)), r"part of the forward pass, got \[''\]"),
        (dict(merges='yes'), "True or False, got 'yes'"),
        (dict(channels=(5,)), r"must not say \['channels'\], got {'channels': \(5,\)}"),
        (dict(num_modalities=3), r"got {'num_modalities': 3}: leave them out"),
        (dict(type='NoSuch'), r"got {'type': 'NoSuch', .* such as \['ACMFusion', "),
        (dict(type='SumExchange'), "that extends Fusion, got {'type': 'SumExchange'"),
        (dict(reduction=3), r"'merges'\], got {.*'reduction': 3|got {'reduction': 3"),
        (dict(type='CBNFusion', hidden_channels=0), 'at least 1, got 0'),
    ],
)
def test_a_wrong_fusion_is_refused(fusion, message):
    with pytest.raises(ValueError, match=message):
        build(fusion=fusion)


@pytest.mark.parametrize(
    ('fusion', 'message'),
    [
        ('ConcatFusion', "a config dict.* got 'ConcatFusion'"),
        (dict(stages=('layer2',)), r"got {'stages': \('layer2',\)}"),
        (dict(type='ConcatFusion'), r'names of submodules, got \(\)'),
    ],
)
def test_what_is_no_fusion_is_refused(fusion, message):
    with pytest.raises(ValueError, match=message):
        CENResNet(**NARROW, fusion=fusion)
    with pytest.raises(ValueError, match=message):
        CENBackbone(dict(type='ResNet', **NARROW), 2, fusion=fusion)


@pytest.mark.parametrize(
    ('stages', 'message'),
    [
        (('layer1', 'layer1.0'), 'choose stages among its outputs'),
        (('layer2.0', 'layer4'), 'choose stages among its outputs'),
        (('layer2.0.conv1',), r'an error \(.* must match .*: choose whole stages'),
        (('layer2.0.bn1',), r'an error \(.* must match .*: choose whole stages'),
        (('layer2.0.downsample',), r'must match .* behind .*downsample'),
    ],
)
def test_streams_that_cannot_be_merged_there_are_refused_when_the_model_is_built(
    stages, message
):
    with pytest.raises(ValueError, match=message):
        build(stages=stages, merges=True, convs='private')


def test_one_modality_has_nothing_to_fuse():
    with pytest.raises(ValueError, match='leave `fusion` out'):
        build(M=1)


def test_a_merged_stage_that_is_no_output_is_refused():
    with pytest.raises(ValueError, match='choose stages among its outputs'):
        build(stages=ALL, merges=True, out_indices=(0, 2, 3))


class Lazy(Fusion):
    def forward(self, streams):
        return Fused(streams)


class Unmerged(Fusion):
    def forward(self, streams):
        return Fused(streams, streams)


class Bare(Fusion):
    def forward(self, streams):
        return streams


class Pooling(Fusion):
    def forward(self, streams):
        return Fused(streams[..., ::2, ::2], streams.mean(1))


class Absent(Fusion):
    pass


@pytest.mark.parametrize(
    ('of_type', 'merges', 'message'),
    [
        (Lazy, True, r'Fused of .*\(\)\]: set .*Fused\.merged, or can_merge'),
        (Unmerged, True, r'\(2, 16, 8, 8\)\], got Fused of .*, \(2, 2, 16, 8, 8\)\]'),
        (Bare, False, r'got Tensor of'),
        (Pooling, False, r'\[\(2, 2, 16, 8, 8\)\], got .* \[\(2, 2, 16, 4, 4\)\]'),
        (Absent, False, r'got an error \(.* behind .*choose whole stages'),
    ],
)
def test_a_module_that_returns_something_else_is_refused_when_the_model_is_built(
    of_type, merges, message
):
    with pytest.raises(ValueError, match=message):
        build(merges=merges, fusion=dict(type=of_type))


def test_frozen_statistics_are_those_of_the_pretrained_network_only():
    backbone = build('SSMA', norm_eval=True)
    backbone.train()
    assert not backbone.norm1.norm.training
    assert backbone.fusions['layer2'].block.norm.norm.training
    backbone.eval()
    assert not backbone.fusions['layer2'].block.norm.norm.training


def test_pretrained_weights_leave_fusion_modules_alone(tmp_path):
    network = ResNet(**NARROW)
    torch.save(network.state_dict(), tmp_path / 'resnet.pth')
    backbone = build(
        'CBN',
        convs='private',
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth')),
    )
    nn.init.normal_(backbone.fusions['layer2'].delta_beta[-1].weight)
    backbone.init_weights()
    assert not backbone.fusions['layer2'].delta_beta[-1].weight.any()
    state = stream_state_dict(backbone, 1)
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor)


@pytest.mark.parametrize('merges', [False, True])
def test_copies_of_a_model_fuse_with_modules_of_their_own(merges):
    """As an exponential moving average has it."""
    backbone = build(merges=merges).eval()
    x = images()
    before = backbone(x)
    twin = copy.deepcopy(backbone)
    for p in backbone.fusions.parameters():
        nn.init.zeros_(p)
    for one, other in zip(twin(x), before, strict=True):
        assert torch.equal(one, other)


def test_sync_bn_conversion_keeps_the_fusion():
    backbone = build('SSMA', ALL).eval()
    x = images()
    before = backbone(x)
    for one, other in zip(
        convert_sync_batchnorm(backbone).eval()(x), before, strict=True
    ):
        assert_close(one, other)


def segmentor(name, merges=False, model='CENSegmentor', neck=None, **kwargs):
    fusion = dict(type=f'{name}Fusion', stages=('layer1', 'layer3'), merges=merges)
    return MODELS.build(
        dict(
            type=model,
            backbone=dict(
                type='CENResNet', **NARROW, exchange_threshold=0, fusion=fusion
            ),
            neck=neck,
            decode_head=head(merges),
            train_cfg=dict(),
            test_cfg=ConfigDict(mode='whole'),
            **kwargs,
        )
    )


def head(merges, **kwargs):
    return dict(
        type='EnsembleHead',
        modalities=('fused',) if merges else ('rgb', 'depth'),
        head=dict(
            type='FCNHead',
            in_channels=32,
            in_index=2,
            channels=8,
            num_convs=1,
            num_classes=3,
            **kwargs,
        ),
    )


def samples():
    label = PixelData(data=torch.randint(0, 3, (1, 64, 64)))
    return [SegDataSample(gt_sem_seg=label, metainfo=META) for _ in range(2)]


META = dict(img_shape=(64, 64), ori_shape=(64, 64), pad_shape=(64, 64))
FPN = dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=32, num_outs=4)


@pytest.mark.parametrize('merges', [False, True])
@pytest.mark.parametrize(
    ('model', 'neck'),
    [('EncoderDecoder', None), ('CENSegmentor', None), ('CENSegmentor', FPN)],
)
def test_losses_of_fusion_modules_join_the_losses_once(model, neck, merges):
    name = 'Sum' if merges else 'Align'
    network = segmentor(
        name, merges, model, neck, auxiliary_head=head(merges, loss_decode=AUXILIARY)
    ).train()
    losses = network.loss(images(), samples())
    names = [name for name in losses if 'fusion' in name]
    assert names == ['decode.loss_fusion_layer1', 'decode.loss_fusion_layer3']
    total, logged = network.parse_losses(losses)
    assert set(names) <= set(logged)
    assert_close(total, sum(value for name, value in losses.items() if 'loss' in name))
    total.backward()
    for name, p in network.backbone.fusions.named_parameters():
        assert p.grad is not None, name


AUXILIARY = dict(type='CrossEntropyLoss', loss_weight=0.4)


def test_the_loss_trains_what_it_depends_on():
    network = segmentor('Align').train()
    losses = network.loss(images(), samples())
    losses['decode.loss_fusion_layer1'].backward()
    backbone = network.backbone
    assert backbone.conv1.weight.grad.any()
    assert backbone.fusions['layer1'].common[0].weight.grad.any()
    assert backbone.fusions['layer1'].join[0].weight.grad is None


def test_the_loss_is_that_of_the_modules():
    network = segmentor('Align').eval()
    x = images()
    seen = {}
    fusion = network.backbone.fusions['layer1']
    fusion.register_forward_pre_hook(lambda _, args: seen.update(streams=args[0]))
    fusion.train()
    losses = network.loss(x, samples())
    assert_close(losses['decode.loss_fusion_layer1'], fusion(seen['streams']).loss)


def test_a_loss_that_no_head_takes_is_an_error():
    fusion = dict(type='SumFusion', stages=('layer4',), merges=True)
    backbone = build(fusion=fusion, merges=True)
    backbone.train()(images())  # nothing takes the losses from the features
    with torch.no_grad():
        copy.deepcopy(backbone).eval()(images())
    with pytest.raises(
        ValueError, match=r"losses of SumFusion .*\['loss_fusion_layer4'\] left"
    ):
        backbone(images())
    backbone(images()).losses.clear()
    backbone(images())


@pytest.mark.parametrize('model', ['EncoderDecoder', 'CENSegmentor'])
def test_one_merged_stream_is_predicted_from_once(model):
    network = segmentor('Concat', merges=True, model=model).eval()
    (sample, _) = network.predict(images(), samples())
    assert sample.pred_sem_seg.data.shape == (1, 64, 64)
    if model == 'CENSegmentor':
        assert torch.equal(sample.pred_streams.fused, sample.pred_sem_seg.data)


def test_a_head_for_streams_that_are_merged_is_refused():
    backbone = dict(
        type='CENResNet',
        **NARROW,
        fusion=dict(type='ConcatFusion', stages=('layer2',), merges=True),
    )
    with pytest.raises(ValueError, match=r"\('rgb', 'depth'\)} .* streams are merged"):
        MODELS.build(
            dict(type='CENSegmentor', backbone=backbone, decode_head=head(False))
        )


def test_a_preprocessor_of_other_modalities_than_are_merged_is_refused():
    preprocessor = dict(
        type='MultimodalPreprocessor',
        modalities=dict(depth=dict(mean=[0.0], std=[1.0])),
    )
    with pytest.raises(ValueError, match=r'`num_modalities` .* at least 2, got 1'):
        segmentor('Concat', merges=True, data_preprocessor=preprocessor)


def test_missing_modalities_are_refused():
    """Their streams are made up, and would be fused."""
    present = torch.tensor([[True, True], [True, False]])
    with (
        present_modalities(present),
        pytest.raises(ValueError, match='all modalities for ConcatFusion'),
    ):
        build()(images())


def test_fusion_and_exchange_go_together():
    fusion = dict(type='ConcatFusion', stages=('layer4',))
    backbone = CENResNet(**NARROW, exchange_threshold=0.5, fusion=fusion)
    for norm in backbone.modules():
        if isinstance(norm, ModalityNorm):
            nn.init.zeros_(norm.norm.weight)
    backbone(images())[3].sum().backward()
    assert any(
        norm.exchange is not None
        for norm in backbone.modules()
        if isinstance(norm, ModalityNorm)
    )
