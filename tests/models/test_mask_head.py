"""Laws of heads that classify masks; K-Net, which has logits: test_ensemble_head.py."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.models.decode_heads import Mask2FormerHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import (
    ENSEMBLE,
    CENTTAModel,
    EnsembleHead,
    ModalityNorm,
    present_modalities,
    split_streams,
    stream_state_dict,
)
from mmseg_cen.models.mask_head import log_probabilities, semantic_maps
from mmseg_cen.models.subset_distillation import ensemble_logits

needs_mmdet = pytest.mark.skipif(
    not hasattr(Mask2FormerHead, 'loss_by_feat'), reason='mmdet is not installed'
)
HEADS = ['MaskFormerHead', 'Mask2FormerHead']
CONFIGS = Path(__file__).parents[2] / 'configs/cen'
K, SIZE = 3, (32, 48)
CHANNELS = [4, 8, 8, 8]


def attention(**kwargs):
    return dict(embed_dims=8, num_heads=2, batch_first=True, **kwargs)


def config(kind):
    """A head of eight channels, without dropout."""
    ffn = dict(embed_dims=8, feedforward_channels=8, num_fcs=2, ffn_drop=0.0)
    norm = dict(type='GN', num_groups=2)
    position = dict(num_feats=4, normalize=True)
    cls = dict(type='mmdet.CrossEntropyLoss', class_weight=[1.0] * K + [0.1])
    dice = dict(type='mmdet.DiceLoss', use_sigmoid=True, activate=True, naive_dice=True)
    costs = [
        dict(type='mmdet.ClassificationCost'),
        dict(type='mmdet.DiceCost', pred_act=True, eps=1.0),
    ]
    cfg = dict(
        type=kind,
        in_channels=CHANNELS,
        feat_channels=8,
        out_channels=8,
        num_classes=K,
        num_queries=5,
        positional_encoding=position,
        transformer_decoder=dict(
            return_intermediate=True,
            num_layers=2,
            layer_cfg=dict(
                self_attn_cfg=attention(), cross_attn_cfg=attention(), ffn_cfg=ffn
            ),
        ),
        loss_cls={**cls, 'use_sigmoid': False},
        loss_dice=dice,
        train_cfg=dict(
            num_points=64,
            oversample_ratio=3.0,
            importance_sample_ratio=0.75,
            assigner=dict(type='mmdet.HungarianAssigner', match_costs=costs),
            sampler=dict(type='mmdet.MaskPseudoSampler'),
        ),
    )
    if kind == 'MaskFormerHead':
        return dict(
            **cfg,
            in_index=[0, 1, 2, 3],
            loss_mask=dict(type='mmdet.FocalLoss', use_sigmoid=True),
            pixel_decoder=dict(type='mmdet.PixelDecoder', norm_cfg=norm),
        )
    return dict(
        **cfg,
        strides=[4, 8, 16, 32],
        num_transformer_feat_level=3,
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
        pixel_decoder=dict(
            type='mmdet.MSDeformAttnPixelDecoder',
            num_outs=3,
            norm_cfg=norm,
            encoder=dict(
                num_layers=1,
                layer_cfg=dict(
                    self_attn_cfg=attention(num_levels=3, num_points=2, dropout=0.0),
                    ffn_cfg=ffn,
                ),
            ),
            positional_encoding=position,
        ),
    )


def plain(kind):
    return ConfigDict(config(kind))  # mmdet reads attributes of it


def build(kind, M):
    head = EnsembleHead(config(kind), modalities=[f'm{m}' for m in range(M)])
    head.init_weights()
    for norm in head.modules():
        if isinstance(norm, ModalityNorm):
            torch.nn.init.normal_(norm.norm.weight)
            torch.nn.init.normal_(norm.norm.bias)
    torch.nn.init.normal_(head.alpha_logits)
    return head


def features(num_streams, size=SIZE):
    return [
        torch.randn(num_streams, C, *(-(-s // 4 // 2**i) for s in size))
        for i, C in enumerate(CHANNELS)
    ]


def of_stream(feats, m, M):
    return [split_streams(feat, M)[:, m] for feat in feats]


def samples_of(num_samples):
    samples = []
    for _ in range(num_samples):
        sample = SegDataSample(metainfo=dict(img_shape=SIZE, pad_shape=SIZE))
        labels = torch.randint(K, (1, SIZE[0] // 8, SIZE[1] // 8))
        labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
        labels[:, :8] = 255
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return samples


def unimodal(head, kind, m):
    alone = MODELS.build(plain(kind))
    alone.load_state_dict(stream_state_dict(head.head, m))
    return alone.train(head.training)


@needs_mmdet
@pytest.mark.parametrize('kind', HEADS)
@pytest.mark.parametrize('M', [2, 3])
def test_each_stream_predicts_as_the_unimodal_head(kind, M):
    """Its probabilities are the shares of the toolbox's scores; ours is their mean."""
    head = build(kind, M).eval()
    feats, metas = features(2 * M), [s.metainfo for s in samples_of(2)]
    with torch.no_grad():
        streams = head.predict_streams(feats, metas).chunk(M + 1, dim=1)
        probabilities = [logits.softmax(dim=1) for logits in streams]
        for m in range(M):
            alone = unimodal(head, kind, m)
            scores = alone.predict(of_stream(feats, m, M), metas, None)
            shares = scores / scores.sum(dim=1, keepdim=True)
            assert_close(probabilities[m], shares, rtol=0, atol=1e-4)
    mean = sum(a * p for a, p in zip(head.alpha, probabilities[:M], strict=True))
    assert_close(probabilities[M], mean, rtol=0, atol=1e-5)
    assert streams[0].shape == (2, K, *SIZE)


def no_rand(*size, **_):
    size = size if isinstance(size[0], int) else size[0]
    return torch.linspace(0, 1, math.prod(size)).view(size)


@needs_mmdet
@pytest.mark.parametrize('kind', HEADS)
@pytest.mark.parametrize('M', [2, 3])
def test_each_stream_is_trained_as_the_unimodal_head(kind, M, monkeypatch):
    monkeypatch.setattr(torch, 'rand', no_rand)  # the points that Mask2Former draws
    head = build(kind, M)
    feats, samples = features(2 * M), samples_of(2)
    losses = head.loss(feats, samples, None)
    expected = {}
    for m in range(M):
        own = unimodal(head, kind, m).loss(of_stream(feats, m, M), samples, None)
        expected |= {f'm{m}.{key}': value for key, value in own.items()}
    assert losses.keys() == {*expected, f'{ENSEMBLE}.loss_nll'}
    for key, value in expected.items():
        assert_close(losses[key], value, rtol=1e-3, atol=1e-4)


@needs_mmdet
@pytest.mark.parametrize('kind', HEADS)
def test_the_ensemble_learns_its_weights_from_pixels_alone(kind):
    head = build(kind, 2)
    losses = head.loss(features(4), samples_of(2), None)
    losses[f'{ENSEMBLE}.loss_nll'].backward(retain_graph=True)
    moved = [name for name, p in head.named_parameters() if p.grad is not None]
    assert moved == ['alpha_logits']
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in head.parameters())


@needs_mmdet
@pytest.mark.parametrize('kind', HEADS)
def test_an_absent_stream_has_no_loss_and_no_part_in_the_ensemble(kind):
    head = build(kind, 2)
    feats, samples = features(4), samples_of(2)
    present = torch.tensor([[True, False], [True, False]])
    with present_modalities(present):
        losses = head.loss(feats, samples, None)
        metas = [s.metainfo for s in samples]
        rgb, _, both = head.eval().predict_streams(feats, metas).chunk(3, dim=1)
    assert all(v == 0 for k, v in losses.items() if k.startswith('m1.'))
    assert_close(both, rgb, rtol=1e-4, atol=1e-4)
    losses[f'{ENSEMBLE}.loss_nll'].backward()
    assert head.alpha_logits.grad.isfinite().all()
    present[1, 1] = True
    with present_modalities(present):
        losses = head.train().loss(feats, samples, None)
    assert losses['m1.loss_cls'] > 0


@needs_mmdet
def test_probabilities_are_float32_under_mixed_precision():
    head = build('Mask2FormerHead', 2)
    feats, samples = features(4), samples_of(2)
    metas = [sample.metainfo for sample in samples]
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(feats, samples, None)
        logits = head.eval().predict_streams(feats, metas)
    assert logits.dtype == torch.float32
    assert_close(logits[:, :K].exp().sum(dim=1), torch.ones(2, *SIZE))
    assert all(value.isfinite() for value in losses.values())


@needs_mmdet
def test_what_the_heads_hand_over_distils_into_subsets():
    head = build('Mask2FormerHead', 2)
    _, outputs = head.losses_and_outputs(features(4), samples_of(2), None)
    logits = ensemble_logits(head, outputs)
    assert_close(logits.exp().sum(dim=1), torch.ones(2, 8, 12))
    logits.square().sum().backward()
    assert head.head.cls_embed.weight.grad.abs().sum() > 0


@needs_mmdet
def test_the_checkpoint_of_a_unimodal_head_initializes_all_streams():
    alone = MODELS.build(plain('Mask2FormerHead'))
    head = EnsembleHead(config('Mask2FormerHead'), modalities=('rgb', 'depth'))
    wrong = head.load_state_dict(alone.state_dict(), strict=False)
    assert wrong.missing_keys == ['alpha_logits']
    assert not wrong.unexpected_keys
    for key, tensor in stream_state_dict(head.head, 1).items():
        assert torch.equal(tensor, alone.state_dict()[key])


def model_of(kind, M, **kwargs):
    names = [f'm{m}' for m in range(M)]
    return MODELS.build(
        ConfigDict(
            type='CENSegmentor',
            modalities=names,
            backbone=dict(type='CENResNet', depth=18, base_channels=4, stem_channels=4),
            decode_head=dict(
                type='EnsembleHead',
                head={**config(kind), 'in_channels': [4, 8, 16, 32]},
            ),
            test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 16)),
            **kwargs,
        )
    )


@needs_mmdet
@pytest.mark.parametrize('M', [2, 3])
def test_a_segmentor_slides_flips_and_leaves_out_modalities(M):
    model = model_of('Mask2FormerHead', M).eval()
    x, samples = torch.randn(1, 3 * M, *SIZE), samples_of(1)
    samples[0].set_metainfo(dict(ori_shape=SIZE, absent=('m1',)))
    (result,) = model(x, samples, mode='predict')
    assert result.pred_sem_seg.data.shape == (1, *SIZE)
    assert {*result.pred_streams.keys()} == {f'm{m}' for m in range(M)} - {'m1'}
    for logits in (result.seg_logits.data, *result.stream_logits.values()):
        assert_close(logits.exp().sum(0).max(), torch.tensor(1.0), rtol=0, atol=0.1)
    (merged,) = CENTTAModel(model).merge_preds([[result, result]])
    assert_close(merged.seg_logits.data.sum(0), torch.ones(SIZE))


NARROWED = {
    *('in_channels', 'channels', 'feat_channels', 'out_channels'),
    *('embed_dims', 'feedforward_channels', 'num_feats'),
}
SMALLER = dict(num_layers=1, num_heads=2, num_groups=2, num_queries=5)


def shrink(node):
    """Narrow the networks of a config, in place."""
    for key, value in node.items():
        if key in NARROWED:
            several = isinstance(value, list)
            node[key] = [v // 32 for v in value] if several else value // 32
        elif key in SMALLER:
            node[key] = SMALLER[key]
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                shrink(child)


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize(
    'name',
    [
        'knet',
        pytest.param('maskformer', marks=needs_mmdet),
        pytest.param('mask2former', marks=needs_mmdet),
    ],
)
def test_a_network_of_the_configs_trains_a_step_and_predicts(name, M):
    cfg = Config.fromfile(CONFIGS / f'{name}_r50_nyud.py')
    names = [f'm{m}' for m in range(M)]
    shrink(cfg.model)
    cfg.model.update(modalities=names, data_preprocessor=None)
    cfg.model.backbone.update(base_channels=2, stem_channels=2, init_cfg=None)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    samples = samples_of(2)
    data = dict(inputs=torch.randn(2, 3 * M, *SIZE), data_samples=samples)
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    losses = model.train_step(data, optim_wrapper)
    assert {f'decode.{name}' for name in [*names, ENSEMBLE]} <= {
        '.'.join(key.split('.')[:2]) for key in losses
    }
    moved = {k for k, p in model.named_parameters() if not torch.equal(p, before[k])}
    assert 'decode_head.alpha_logits' in moved
    for sample in samples:
        sample.set_metainfo(dict(ori_shape=SIZE))
    for result in model.eval().test_step(data):
        assert result.pred_sem_seg.data.shape == (1, *SIZE)
        assert {*result.pred_streams.keys()} == {*names}


def test_a_pixel_outside_of_all_masks_may_be_any_class():
    classes, masks = torch.randn(1, 4, 3), torch.full((1, 4, 2, 2), -1e4)
    logits = log_probabilities(semantic_maps(classes, masks))
    assert_close(logits.exp(), torch.full((1, 2, 2, 2), 0.5))


def test_semantic_maps_are_sums_over_queries_of_class_times_mask():
    classes, masks = torch.randn(2, 4, 3), torch.randn(2, 4, 5, 6)
    expected = torch.zeros(2, 2, 5, 6)
    for b in range(2):
        for q in range(4):
            share = F.softmax(classes[b, q], dim=0)
            for k in range(2):
                expected[b, k] += share[k] * torch.sigmoid(masks[b, q])
    assert_close(semantic_maps(classes, masks), expected)
    logits = log_probabilities(expected)
    assert_close(
        logits.exp(), expected / expected.sum(1, keepdim=True), rtol=1e-4, atol=1e-5
    )


@pytest.mark.skipif(
    hasattr(Mask2FormerHead, 'loss_by_feat'), reason='mmdet is installed'
)
@pytest.mark.parametrize('kind', HEADS)
def test_without_mmdet_the_extra_is_named(kind):
    with pytest.raises(ImportError, match=r'mmseg-cen\[mmdet\]') as error:
        EnsembleHead(dict(type=kind, num_classes=3), modalities=('rgb',))
    assert '\n' not in str(error.value)


@needs_mmdet
def test_heads_of_masks_stand_alone_and_know_two_classes():
    fcn = dict(type='FCNHead', in_channels=8, channels=4, num_classes=K)
    with pytest.raises(ValueError, match='one head if it classifies masks'):
        EnsembleHead([fcn, config('MaskFormerHead')], modalities=('rgb', 'depth'))
    cfg = {**config('MaskFormerHead'), 'num_classes': 4}
    with pytest.raises(ValueError, match=r'num_classes \+ 1 = 5 weights, .* got 4'):
        EnsembleHead(cfg, modalities=('rgb', 'depth'))
    with pytest.raises(ValueError, match='must be at least 2, got 1'):
        EnsembleHead(
            {**config('MaskFormerHead'), 'num_classes': 1}, modalities=('rgb',)
        )
