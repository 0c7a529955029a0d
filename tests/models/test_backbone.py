import pickle
from copy import deepcopy

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import (
    CENBackbone,
    CENResNet,
    ModalityNorm,
    MultimodalBackbone,
    exchanging_norms,
    fold_streams,
    split_streams,
    stream_state_dict,
)
from mmseg_cen.streams.presence import present_modalities


def exchanging(model):
    return [
        name
        for name, norm in model.named_modules()
        if isinstance(norm, ModalityNorm) and norm.exchange_threshold is not None
    ]


@pytest.mark.parametrize(
    ('depth', 'layers'), [(18, 16), (34, 32), (50, 16), (101, 33), (152, 50)]
)
def test_channels_are_exchanged_after_every_3x3_convolution(depth, layers):
    model = CENResNet(depth, base_channels=4, stem_channels=4)
    assert len(exchanging(model)) == layers
    names = ('bn1', 'bn2') if depth < 50 else ('bn2',)
    assert all(name.startswith('layer') for name in exchanging(model))
    assert {name.split('.')[-1] for name in exchanging(model)} == set(names)


@pytest.mark.parametrize('kwargs', [{'deep_stem': True}, {'avg_down': True}])
def test_the_stem_and_the_shortcuts_do_not_exchange(kwargs):
    model = CENResNet(50, base_channels=4, stem_channels=4, **kwargs)
    assert len(exchanging(model)) == 16


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('M', [1, 2, 3])
def test_a_unimodal_checkpoint_gives_each_stream_the_unimodal_network(depth, M):
    torch.manual_seed(0)
    unimodal = ResNet(depth, base_channels=4, stem_channels=4).double()
    model = CENResNet(
        depth, M, exchange_threshold=0, base_channels=4, stem_channels=4
    ).double()
    for module in unimodal.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight)
    missing = model.load_state_dict(unimodal.state_dict(), strict=True)
    assert not missing.missing_keys
    x = torch.randn(2, M * 3, 64, 64, dtype=torch.double)
    outs = model(x)
    for m in range(M):
        expected = unimodal(split_streams(fold_streams(x, M), M)[:, m])
        for out, e in zip(outs, expected, strict=True):
            assert_close(split_streams(out, M)[:, m], e)


@pytest.mark.parametrize(
    ('kwargs', 'stride'),
    [({}, 32), ({'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4)}, 8)],
)
def test_outputs_are_folded_feature_maps(kwargs, stride):
    outs = CENResNet(18, 3, base_channels=4, stem_channels=4, **kwargs)(
        torch.randn(2, 9, 64, 64)
    )
    assert len(outs) == 4
    assert outs[-1].shape == (6, 32, 64 // stride, 64 // stride)


def test_blocks_of_depth_18_do_not_start_with_all_own_parts_exchanged():
    model = CENResNet(18, 2, base_channels=4, stem_channels=4)
    model.init_weights()
    assert model.layer1[0].norm2.gamma.abs().min() > 0.5


def test_norm_eval_freezes_the_statistics_and_trains_the_affine_part():
    model = CENResNet(18, 2, norm_eval=True, base_channels=4, stem_channels=4)
    model.train()
    before = model.bn1.norm.running_mean.clone()
    sum(o.sum() for o in model(torch.randn(2, 6, 64, 64))).backward()
    assert torch.equal(model.bn1.norm.running_mean, before)
    assert model.bn1.norm.weight.grad is not None


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'num_modalities': 0}, 'at least 1, got 0'),
        ({'exchange_threshold': -1.0}, 'not negative, got -1.0'),
        ({'exchange_scope': 'none'}, "got 'none'"),
    ],
)
def test_arguments_without_a_meaning_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        CENResNet(18, **kwargs)


def test_inputs_of_another_number_of_modalities_are_refused():
    model = CENResNet(18, 3, base_channels=4, stem_channels=4)
    with pytest.raises(ValueError, match=r'3 \* 3 = 9, got 6'):
        model(torch.zeros(1, 6, 32, 32))


def test_a_torchvision_checkpoint_without_torchvision_is_refused_at_once(monkeypatch):
    monkeypatch.setattr('mmseg_cen.models.pretrained.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='torchvision must be installed'):
        CENResNet(
            18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')
        )


RESNET = dict(type='ResNet', base_channels=4, stem_channels=4)


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('M', [2, 3])
def test_cenbackbone_around_a_resnet_is_cenresnet(depth, M):
    resnet = CENResNet(depth, M, 0.5, base_channels=4, stem_channels=4).double()
    backbone = CENBackbone({**RESNET, 'depth': depth}, M, exchange_threshold=0.5)
    for norm in exchanging_norms(resnet).values():
        torch.nn.init.normal_(norm.norm.weight)
    backbone.double().load_state_dict(resnet.state_dict(), strict=True)
    x = torch.randn(2, M * 3, 64, 64, dtype=torch.double)
    for out, expected in zip(backbone(x), resnet(x), strict=True):
        assert torch.equal(out, expected)
    assert backbone.state_dict().keys() == resnet.state_dict().keys()
    resnet.load_state_dict(backbone.state_dict(), strict=True)


@pytest.mark.parametrize(
    'cfg',
    [
        {**RESNET, 'depth': 50},
        dict(type='MobileNetV2'),
        dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1]),
        dict(type='BiSeNetV2'),
        dict(type='SwinTransformer', embed_dims=8, depths=[1] * 4, num_heads=[1] * 4),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_with_one_modality_it_is_the_backbone(cfg):
    unimodal = MODELS.build(cfg)
    backbone = CENBackbone(cfg, modalities=['rgb'], exchange_threshold=10.0)
    for model in (unimodal, backbone):
        model.eval()
    assert backbone.state_dict().keys() == unimodal.state_dict().keys()
    backbone.load_state_dict(unimodal.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    for out, expected in zip(backbone(x), unimodal(x), strict=True):
        assert torch.equal(out, expected)


@pytest.mark.parametrize(
    'cfg',
    [
        {**RESNET, 'depth': 50},
        dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1]),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_its_own_init_cfg_initializes_every_modality(cfg, tmp_path):
    unimodal = MODELS.build(cfg)
    unimodal.eval()
    torch.save(unimodal.state_dict(), tmp_path / 'unimodal.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'unimodal.pth'))
    backbone = CENBackbone({**cfg, 'init_cfg': init_cfg}, 3, exchange_threshold=0.0)
    backbone.init_weights()
    x = torch.randn(2, 9, 64, 64)
    backbone.eval()
    outs = backbone(x)
    for m, stream in enumerate(x.chunk(3, dim=1)):
        for out, expected in zip(outs, unimodal(stream), strict=True):
            assert_close(split_streams(out, 3)[:, m], expected)


def test_no_scaling_factor_that_exchanges_starts_at_zero():
    backbone = CENBackbone({**RESNET, 'depth': 18}, 2)
    backbone.init_weights()
    assert all(norm.gamma.all() for norm in exchanging_norms(backbone).values())
    backbone = CENBackbone({**RESNET, 'depth': 50}, 2)
    backbone.init_weights()
    assert not backbone.layer1[0].norm3.gamma.any(), 'as in the unimodal one'


def test_frozen_stages_and_norm_eval_keep_working():
    cfg = dict(RESNET, depth=18, frozen_stages=1, norm_eval=True)
    backbone = CENBackbone(cfg, 2)
    backbone.train()
    trainable = {n for n, p in backbone.named_parameters() if p.requires_grad}
    assert not any(name.startswith(('conv1', 'bn1', 'layer1')) for name in trainable)
    assert 'layer2.0.bn1.norm.weight' in trainable
    assert not any(
        m.training for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)
    )


def test_the_number_of_modalities_is_given_once_or_alike():
    cfg = {**RESNET, 'depth': 18}
    assert CENBackbone(cfg, 2, modalities=['rgb', 'depth']).num_modalities == 2
    for arguments in ({}, {'num_modalities': 3, 'modalities': ['rgb', 'depth']}):
        with pytest.raises(ValueError, match='must tell the number of modalities'):
            CENBackbone(cfg, **arguments)


def test_weights_that_a_segmentor_hands_down_start_the_backbone():
    cfg = ConfigDict(
        type='EncoderDecoder',
        pretrained='resnet18.pth',
        backbone=dict(
            type='CENBackbone', num_modalities=2, backbone={**RESNET, 'depth': 18}
        ),
        decode_head=dict(type='FCNHead', in_channels=32, channels=4, num_classes=2),
    )
    init_cfg = MODELS.build(cfg).backbone.init_cfg
    assert init_cfg == dict(type='Pretrained', checkpoint='resnet18.pth')


def test_arguments_that_cenbackbone_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"'lora'\], got \['exchnge', 'module'\]"):
        CENBackbone({**RESNET, 'depth': 18}, 2, exchnge={}, module=None)


def test_inputs_of_another_number_of_modalities_are_refused_by_cenbackbone():
    with pytest.raises(ValueError, match=r'3 \* 3 = 9, got 6'):
        CENBackbone({**RESNET, 'depth': 18}, 3)(torch.zeros(1, 6, 32, 32))


def test_it_keeps_the_names_and_can_be_copied():
    cfg = {**RESNET, 'depth': 18}
    backbone = CENBackbone(cfg, 2)
    assert isinstance(backbone, MultimodalBackbone)
    assert isinstance(backbone, ResNet)
    assert type(backbone).__name__ == 'CENResNet', 'optimizer constructors ask for it'
    unimodal = {name for name, _ in MODELS.build(cfg).named_parameters()}
    names = {name for name, _ in backbone.named_parameters()}
    assert {name.replace('.norm.', '.') for name in names} == unimodal
    x = torch.randn(1, 6, 32, 32)
    backbone.eval()
    copied = pickle.loads(pickle.dumps(deepcopy(backbone)))
    assert type(copied) is type(backbone)
    for out, expected in zip(copied(x), backbone(x), strict=True):
        assert torch.equal(out, expected)
    assert not {*copied.parameters()} & {*backbone.parameters()}


def pretrained(path, depth=18, **kwargs):
    model = CENResNet(
        depth,
        2,
        base_channels=4,
        stem_channels=4,
        init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        **kwargs,
    )
    model.init_weights()
    return model


def test_an_imagenet_checkpoint_is_loaded_but_for_its_classifier(tmp_path):
    unimodal = ResNet(18, base_channels=4, stem_channels=4)
    torch.nn.init.normal_(unimodal.layer3[1].bn2.running_mean)
    state = {
        **{k: v for k, v in unimodal.state_dict().items() if 'num_batches' not in k},
        'fc.weight': torch.zeros(10, 32),
        'fc.bias': torch.zeros(10),
    }
    torch.save(state, tmp_path / 'resnet.pth')
    model = pretrained(tmp_path / 'resnet.pth')
    for m in range(2):
        loaded = stream_state_dict(model, m)
        for name, tensor in unimodal.state_dict().items():
            assert torch.equal(loaded[name], tensor)


def test_a_multimodal_checkpoint_is_loaded_as_it_is(tmp_path):
    source = CENResNet(18, 2, base_channels=4, stem_channels=4)
    torch.nn.init.normal_(source.bn1.norm.weight)
    torch.save({'state_dict': source.state_dict()}, tmp_path / 'cen.pth')
    model = pretrained(tmp_path / 'cen.pth')
    assert torch.equal(model.bn1.gamma, source.bn1.gamma)


def test_weights_of_another_network_are_refused_layer_by_layer(tmp_path):
    path = tmp_path / 'resnet.pth'
    torch.save(ResNet(18, base_channels=4, stem_channels=4).state_dict(), path)
    with pytest.raises(
        ValueError, match=r'80 missing \(layer1\.2\.conv1\.weight, .*layer4\.2\.bn2'
    ):
        pretrained(path, depth=34)
    with pytest.raises(ValueError, match=r'conv1\.weight \(4, 3, 7, 7\) instead of'):
        pretrained(path, in_channels=6)
    with pytest.raises(ValueError, match=r'5 unexpected \(conv1\.weight, '):
        pretrained(path, deep_stem=True)


def test_weights_of_other_sizes_are_refused_though_torch_raises_an_error(tmp_path):
    """Swin, BEiT, MAE and PIDNet load by torch, which takes no other shape."""
    small = dict(type='SwinTransformer', window_size=2, pretrain_img_size=32)
    small |= dict(embed_dims=4, num_heads=(1,) * 4, depths=(1,) * 4)
    path = str(tmp_path / 'swin.pth')
    torch.save(dict(state_dict=MODELS.build(small).state_dict()), path)
    init_cfg = dict(type='Pretrained', checkpoint=path)
    CENBackbone({**small, 'init_cfg': init_cfg}, 2).init_weights()
    wide = CENBackbone({**small, 'in_channels': 4, 'init_cfg': init_cfg}, 2)
    with pytest.raises(ValueError, match=r'of this CENSwin.*mismatch for patch_embed'):
        wide.init_weights()


@pytest.mark.parametrize('present', [None, [[True, True], [True, False]]])
@pytest.mark.parametrize('depth', [18, 50])
def test_gradient_checkpointing_changes_neither_outputs_nor_gradients(depth, present):
    torch.manual_seed(0)
    x = torch.randn(2, 6, 32, 32, dtype=torch.double, requires_grad=True)
    mask = None if present is None else torch.tensor(present)
    results = []
    for with_cp in (False, True):
        torch.manual_seed(1)
        model = CENResNet(
            depth,
            base_channels=4,
            stem_channels=4,
            exchange_threshold=0.5,
            with_cp=with_cp,
        ).double()
        for norm in exchanging_norms(model).values():
            torch.nn.init.uniform_(norm.norm.weight)
        model.train()
        with present_modalities(mask):
            outs = model(x)
        loss = sum(out.square().sum() for out in outs)
        x.grad = None
        loss.backward()
        grads = [parameter.grad for parameter in model.parameters()]
        results.append([*(out.detach() for out in outs), x.grad, *grads])
    assert_close(*results)


def test_frozen_stages_keep_private_norms_as_they_are():
    """Parameters and statistics; later stages learn."""
    cfg = dict(depth=18, base_channels=4, stem_channels=4, frozen_stages=2)
    net = CENResNet(num_modalities=3, **cfg).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    sum(out.square().sum() for out in net(torch.randn(2, 9, 32, 32))).backward()
    frozen = ('conv1.', 'bn1.', 'layer1.', 'layer2.')
    for name, parameter in net.named_parameters():
        assert (parameter.grad is None) == name.startswith(frozen), name
    moved = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert moved
    assert not [name for name in moved if name.startswith(frozen)]
