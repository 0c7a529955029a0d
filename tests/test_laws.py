"""Laws that the whole network obeys, on the segmentor as configs build it."""

import pytest
import torch
from mmengine.model import convert_sync_batchnorm, revert_sync_batchnorm
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.models import ENSEMBLE, ModalityNorm

PSP = dict(
    type='PSPHead',
    in_channels=64,
    in_index=3,
    channels=8,
    pool_scales=(1, 2),
    num_classes=5,
    dropout_ratio=0.0,
    norm_cfg=dict(type='BN'),
)
REFINENET = dict(
    type='RefineNetHead',
    in_channels=[8, 16, 32, 64],
    channels=8,
    num_classes=5,
    dropout_ratio=0.0,
)
HEADS = pytest.mark.parametrize(
    ('head', 'M'), [(PSP, 2), (REFINENET, 3)], ids=['psp', 'refinenet']
)


def build(M=2, threshold=2e-2, scope='own', head=PSP):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='CENSegmentor',
            backbone=dict(
                type='CENResNet',
                depth=50,
                num_modalities=M,
                exchange_threshold=threshold,
                exchange_scope=scope,
                base_channels=2,
                stem_channels=2,
            ),
            decode_head=dict(
                type='EnsembleHead',
                modalities=[f'm{m}' for m in range(M)],
                head=head,
            ),
            train_cfg=dict(),
            test_cfg=dict(mode='whole'),
        )
    ).double()
    torch.nn.init.normal_(model.decode_head.alpha_logits)
    for norm in norms(model):
        torch.nn.init.normal_(norm.norm.weight)
        torch.nn.init.normal_(norm.norm.bias)
    return model


def norms(model):
    return [m for m in model.modules() if isinstance(m, ModalityNorm)]


def streams(model, x):
    return model.decode_head.forward_streams(model.extract_feat(x))


def inputs(M, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, M * 3, 64, 64, dtype=torch.double, generator=generator)


@HEADS
def test_without_exchange_no_modality_reaches_the_stream_of_another(M, head):
    """Not even through the batch statistics of training mode."""
    model = build(M, threshold=0.0, head=head)
    x, y = inputs(M), inputs(M, seed=1)
    y[:, :3] = x[:, :3]
    before, after = streams(model, x), streams(model, y)
    assert_close(before['m0'], after['m0'])
    assert not torch.allclose(before['m1'], after['m1'])


@pytest.mark.parametrize('scope', ['own', 'all'])
def test_exchange_couples_the_streams(scope):
    model = build(threshold=0.5, scope=scope)
    x, y = inputs(2), inputs(2, seed=1)
    y[:, :3] = x[:, :3]
    assert not torch.allclose(streams(model, x)['m0'], streams(model, y)['m0'])


@HEADS
def test_permuting_modalities_permutes_the_streams(M, head):
    """Inputs, private parameters and alpha move together; the ensemble stays."""
    model = build(M, threshold=0.5, scope='all', head=head)
    order = [*range(1, M), 0]
    x = inputs(M)
    before = streams(model, x)
    with torch.no_grad():
        for norm in norms(model):
            for p in (norm.norm.weight, norm.norm.bias):
                p.copy_(p.view(M, -1)[order].flatten())
        alpha = model.decode_head.alpha_logits
        alpha.copy_(alpha[order])
    after = streams(model, x.unflatten(1, (M, 3))[:, order].flatten(1, 2))
    for new, old in enumerate(order):
        assert_close(after[f'm{new}'], before[f'm{old}'])
    assert_close(after[ENSEMBLE], before[ENSEMBLE])


def test_equal_streams_are_a_fixed_point():
    """Equal modalities with equal norms exchange equal channels."""
    M = 3
    model = build(M, threshold=0.5)
    with torch.no_grad():
        for norm in norms(model):
            for p in (norm.norm.weight, norm.norm.bias):
                p.copy_(p.view(M, -1)[:1].expand(M, -1).flatten())
    out = streams(model, inputs(1).repeat(1, M, 1, 1))
    for m in range(1, M):
        assert_close(out[f'm{m}'], out['m0'])
    assert_close(out[ENSEMBLE], out['m0'])


def test_one_modality_exchanges_nothing():
    with_threshold = build(1, threshold=10.0)
    without = build(1, threshold=0.0)
    a, b = streams(with_threshold, inputs(1)), streams(without, inputs(1))
    assert torch.equal(a['m0'], b['m0'])
    assert torch.equal(a[ENSEMBLE], b['m0'])


def test_the_ensemble_loss_reaches_only_alpha():
    model = build(threshold=0.5)
    streams(model, inputs(2))[ENSEMBLE].square().sum().backward()
    moved = [n for n, p in model.named_parameters() if p.grad is not None]
    assert moved == ['decode_head.alpha_logits']


def test_a_replaced_scaling_factor_gets_no_gradient_from_the_task():
    model = build(threshold=0.5)
    out = streams(model, inputs(2))
    sum(out[m].square().sum() for m in ('m0', 'm1')).backward()
    norm = model.backbone.layer4[2].norm2
    own = torch.zeros(2, norm.num_features, dtype=torch.bool)
    own[0, : norm.num_features // 2] = own[1, norm.num_features // 2 :] = True
    replaced = own & (norm.gamma.abs() < 0.5)
    grad = norm.norm.weight.grad.view(2, -1)
    assert replaced.any()
    assert grad[replaced].eq(0).all()
    assert grad[~replaced].ne(0).any()


def test_sync_bn_conversion_and_reversion_change_nothing():
    model = build(threshold=0.5).eval()
    expected = streams(model, inputs(2))
    for convert in (convert_sync_batchnorm, revert_sync_batchnorm):
        model = convert(model)
        model.eval()
        out = streams(model, inputs(2))
        for name, logits in expected.items():
            assert_close(out[name], logits)
