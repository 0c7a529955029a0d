import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import EnsembleHead
from mmseg_cen.models.light_refinenet_head import LightRefineNetHead
from mmseg_cen.models.refinenet_head import RefineNetHead

WIDTHS = (4, 8, 16, 32)


def feats(batch=2):
    return [torch.randn(batch, c, 16 >> i, 16 >> i) for i, c in enumerate(WIDTHS)]


@pytest.fixture
def head():
    return LightRefineNetHead(WIDTHS, channels=8, num_classes=5, dropout_ratio=0)


def conv(layer, x):
    return F.conv2d(x, layer.conv.weight)


def test_it_computes_the_formula_of_the_light_decoder(head):
    """Reduce, fuse with the coarser stage, pool and convolve in a chain, hand on."""
    stages = feats()
    coarser = None
    for stage, block in reversed([*zip(stages, head.blocks, strict=True)]):
        x = conv(block.reduce, stage)
        if coarser is not None:
            x = conv(block.fuse, x) + F.interpolate(
                coarser, x.shape[2:], mode='bilinear', align_corners=True
            )
        x = pooled = x.relu()
        for layer in block.pool.convs:
            pooled = conv(layer, F.max_pool2d(pooled, 5, 1, 2))
            x = x + pooled
        coarser = conv(block.to_finer, x) if block is not head.blocks[0] else x
    logits = F.conv2d(coarser, head.conv_seg.weight, head.conv_seg.bias, padding=1)
    assert logits.shape == (2, 5, 16, 16)
    assert_close(head(stages), logits)


def test_all_its_convolutions_are_1x1_but_the_classifier(head):
    sizes = {n: m.kernel_size for n, m in head.named_modules() if hasattr(m, 'stride')}
    sizes = {n: size for n, size in sizes.items() if isinstance(size, tuple)}
    assert sizes.pop('conv_seg') == (3, 3)
    assert {*sizes.values()} == {(1, 1)}
    full = RefineNetHead(WIDTHS, channels=8, num_classes=5)
    parts = [sum(p.numel() for p in h.parameters()) for h in (head, full)]
    assert parts[0] < parts[1] / 10


def test_streams_of_an_ensemble_are_the_unimodal_head_and_train(head):
    config = dict(
        type='LightRefineNetHead',
        in_channels=WIDTHS,
        channels=8,
        num_classes=5,
        dropout_ratio=0,
    )
    ensemble = EnsembleHead(config, modalities=('rgb', 'depth', 'thermal'))
    ensemble.head.load_state_dict(head.state_dict())
    folded = feats(6)
    streams = ensemble.forward_streams(folded)
    for m, name in enumerate(ensemble.modalities):
        assert_close(streams[name], head([x[m::3] for x in folded]))
    label = PixelData(data=torch.randint(0, 5, (1, 64, 64)))
    samples = [SegDataSample(gt_sem_seg=label) for _ in range(2)]
    losses = ensemble.loss(folded, samples, None)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad.abs().sum() > 0 for p in ensemble.parameters())


def test_an_argument_without_effect_is_refused():
    with pytest.raises(ValueError, match='`rectify_residual` must be left out'):
        LightRefineNetHead(WIDTHS, channels=8, num_classes=5, rectify_residual=True)


def test_its_norms_are_optional():
    norm_cfg = dict(type='BN')
    with_norm = LightRefineNetHead(WIDTHS, channels=8, num_classes=5, norm_cfg=norm_cfg)
    assert any(isinstance(m, nn.BatchNorm2d) for m in with_norm.modules())
