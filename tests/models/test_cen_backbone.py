import pytest
import torch
from mmseg.models.backbones import ResNet
from torch.testing import assert_close

from mmseg_cen.models import CENResNet, ModalityNorm, fold_streams, split_streams


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
    with pytest.raises(ValueError, match=r'3 \* 3 = 9 packed channels, got 6'):
        model(torch.zeros(1, 6, 32, 32))


def test_a_torchvision_checkpoint_without_torchvision_is_refused_at_once(monkeypatch):
    monkeypatch.setattr('mmseg_cen.models.cen_backbone.find_spec', lambda name: None)
    with pytest.raises(ValueError, match='not installed: install it, or'):
        CENResNet(
            18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')
        )
