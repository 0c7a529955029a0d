"""A released TokenFusion checkpoint computes here what its formulas say.

The network is written down a second time, plainly, over tensors with released names.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.released.tokenfusion import from_released

DEPTHS, HEADS, REDUCTIONS = (1, 2, 1, 1), (1, 2, 2, 4), (4, 2, 1, 1)
K, WIDTH, THETA = 5, 8, 2e-2


def released_weights(M=2):
    """Random tensors with released names, float64; scores are around the threshold."""
    state = {'alpha': torch.randn(M)}

    def dense(name, *shape, groups=1):
        std = (math.prod(shape[1:]) or 1) ** -0.5
        state[f'{name}.weight'] = std * torch.randn(shape)
        state[f'{name}.bias'] = 0.2 * torch.randn(shape[0])

    def norm(name, width):
        state[f'{name}.weight'] = 0.5 + torch.rand(width)
        state[f'{name}.bias'] = 0.2 * torch.randn(width)

    def norms(name, width):
        for m in range(M):
            norm(f'{name}.ln_{m}', width)

    before = 3
    for s, (depth, heads, r) in enumerate(
        zip(DEPTHS, HEADS, REDUCTIONS, strict=True), start=1
    ):
        C = WIDTH * heads
        size = 7 if s == 1 else 3
        dense(f'encoder.patch_embed{s}.proj.module', C, before, size, size)
        norms(f'encoder.patch_embed{s}.norm', C)
        norms(f'encoder.norm{s}', C)
        for m in range(M):
            net = f'encoder.score_predictor.{s - 1}.score_nets.{m}'
            norm(f'{net}.0', C)
            for layer, (o, i) in zip(
                (1, 3, 5, 7),
                ((C, C), (C // 2, C), (C // 4, C // 2), (2, C // 4)),
                strict=True,
            ):
                dense(f'{net}.{layer}', o, i)
            state[f'{net}.7.weight'] *= 2
            state[f'{net}.7.bias'] = torch.tensor([0, math.log(1 / THETA - 1)])
        for block in (f'encoder.block{s}.{j}' for j in range(depth)):
            norms(f'{block}.norm1', C)
            norms(f'{block}.norm2', C)
            dense(f'{block}.attn.q.module', C, C)
            dense(f'{block}.attn.kv.module', 2 * C, C)
            dense(f'{block}.attn.proj.module', C, C)
            if r > 1:
                dense(f'{block}.attn.sr.module', C, C, r, r)
                norms(f'{block}.attn.norm', C)
            dense(f'{block}.mlp.fc1.module', 4 * C, C)
            dense(f'{block}.mlp.dwconv.dwconv', 4 * C, 1, 3, 3)
            dense(f'{block}.mlp.fc2.module', C, 4 * C)
        dense(f'decoder.linear_c{s}.proj', 6, C)
        before = C
    state['decoder.linear_fuse.conv.weight'] = 0.3 * torch.randn(6, 24, 1, 1)
    norm('decoder.linear_fuse.bn', 6)
    state['decoder.linear_fuse.bn.running_mean'] = torch.randn(6)
    state['decoder.linear_fuse.bn.running_var'] = 0.5 + torch.rand(6)
    dense('decoder.linear_pred', K, 6, 1, 1)
    state = {name: tensor.double() for name, tensor in state.items()}
    state['decoder.linear_fuse.bn.num_batches_tracked'] = torch.tensor(7)
    return state


class Reference:
    """TokenFusion's SegFormer by its formulas, for two modalities, in eval mode."""

    def __init__(self, weights):
        self.w = weights
        self.scores, self.replaced = [], []

    def linear(self, name, x):
        return x @ self.w[f'{name}.weight'].T + self.w[f'{name}.bias']

    def norm(self, name, x, eps=1e-6):
        centered = x - x.mean(-1, keepdim=True)
        variance = centered.square().mean(-1, keepdim=True)
        normal = centered / (variance + eps).sqrt()
        return normal * self.w[f'{name}.weight'] + self.w[f'{name}.bias']

    def score(self, net, x):
        x = self.norm(f'{net}.0', x, eps=1e-5)
        for layer in (1, 3, 5):
            x = self.linear(f'{net}.{layer}', x)
            x = x * 0.5 * (1 + torch.erf(x / 2**0.5))
        logits = self.linear(f'{net}.7', x)
        return torch.sigmoid(logits[..., 0] - logits[..., 1])

    def attention(self, block, m, x, size, heads, r):
        q, source = self.linear(f'{block}.attn.q.module', x), x
        if r > 1:
            image = x.transpose(1, 2).unflatten(2, size)
            sr = f'{block}.attn.sr.module'
            image = F.conv2d(
                image, self.w[f'{sr}.weight'], self.w[f'{sr}.bias'], stride=r
            )
            source = image.flatten(2).transpose(1, 2)
            source = self.norm(f'{block}.attn.norm.ln_{m}', source)
        k, v = self.linear(f'{block}.attn.kv.module', source).chunk(2, dim=-1)
        out = []
        for part in zip(*(t.chunk(heads, dim=-1) for t in (q, k, v)), strict=True):
            q_, k_, v_ = part
            weights = (q_ @ k_.transpose(1, 2) / q_.shape[-1] ** 0.5).softmax(-1)
            out.append(weights @ v_)
        return self.linear(f'{block}.attn.proj.module', torch.cat(out, dim=-1))

    def mlp(self, block, x, size):
        x = self.linear(f'{block}.mlp.fc1.module', x)
        image = x.transpose(1, 2).unflatten(2, size)
        conv = f'{block}.mlp.dwconv.dwconv'
        weight, bias = self.w[f'{conv}.weight'], self.w[f'{conv}.bias']
        image = F.conv2d(image, weight, bias, padding=1, groups=len(weight))
        x = F.gelu(image.flatten(2).transpose(1, 2))
        return self.linear(f'{block}.mlp.fc2.module', x)

    def block(self, s, j, xs, size, heads, r):
        block = f'encoder.block{s}.{j}'
        nets = [f'encoder.score_predictor.{s - 1}.score_nets.{m}' for m in (0, 1)]
        scores = [self.score(nets[m], xs[m]) for m in (0, 1)]
        self.scores += scores
        gated = []
        for m in (0, 1):
            normal = self.norm(f'{block}.norm1.ln_{m}', xs[m])
            out = self.attention(block, m, normal, size, heads, r)
            gated.append(out * scores[m][..., None])
        new = []
        for m in (0, 1):
            small = scores[m] < THETA
            self.replaced.append(small)
            x = xs[m] + torch.where(small[..., None], gated[1 - m], gated[m])
            normal = self.norm(f'{block}.norm2.ln_{m}', x)
            new.append(x + self.mlp(block, normal, size))
        return new

    def decode(self, features):
        size = features[0].shape[2:]
        projected = [
            F.interpolate(
                self.linear(f'decoder.linear_c{i}.proj', f.movedim(1, -1)).movedim(
                    -1, 1
                ),
                size=size,
                mode='bilinear',
                align_corners=False,
            )
            for i, f in reversed([*enumerate(features, start=1)])
        ]
        fuse = 'decoder.linear_fuse'
        x = F.conv2d(torch.cat(projected, dim=1), self.w[f'{fuse}.conv.weight'])
        mean, var = (
            self.w[f'{fuse}.bn.running_{key}'][:, None, None] for key in ('mean', 'var')
        )
        scale, shift = (
            self.w[f'{fuse}.bn.{key}'][:, None, None] for key in ('weight', 'bias')
        )
        x = ((x - mean) / (var + 1e-5).sqrt() * scale + shift).relu()
        pred = 'decoder.linear_pred'
        return F.conv2d(x, self.w[f'{pred}.weight'], self.w[f'{pred}.bias'])

    def __call__(self, images):
        xs, features = list(images), [[], []]
        for s, (depth, heads, r) in enumerate(
            zip(DEPTHS, HEADS, REDUCTIONS, strict=True), start=1
        ):
            embed = f'encoder.patch_embed{s}'
            weight = self.w[f'{embed}.proj.module.weight']
            bias = self.w[f'{embed}.proj.module.bias']
            stride = 4 if s == 1 else 2
            xs = [
                F.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)
                for x in xs
            ]
            size = xs[0].shape[2:]
            tokens = [
                self.norm(f'{embed}.norm.ln_{m}', x.flatten(2).transpose(1, 2))
                for m, x in enumerate(xs)
            ]
            for j in range(depth):
                tokens = self.block(s, j, tokens, size, heads, r)
            tokens = [self.norm(f'encoder.norm{s}.ln_{m}', tokens[m]) for m in (0, 1)]
            xs = [x.transpose(1, 2).unflatten(2, size) for x in tokens]
            for m in (0, 1):
                features[m].append(xs[m])
        logits = [self.decode(of_stream) for of_stream in features]
        alpha = self.w['alpha'].exp() / self.w['alpha'].exp().sum()
        return [
            *logits,
            sum(a * x.detach() for a, x in zip(alpha, logits, strict=True)),
        ]


def build(settings):
    backbone = dict(
        type='CENBackbone',
        num_modalities=settings['backbone']['num_modalities'],
        exchange=dict(type='TokenExchange', **settings['backbone']['exchange']),
        backbone=dict(type='MixVisionTransformer', **settings['backbone']['backbone']),
    )
    head = dict(
        type='LinearSegformerHead',
        in_index=[0, 1, 2, 3],
        norm_cfg=dict(type='BN'),
        dropout_ratio=0.1,
        align_corners=False,
        **settings['decode_head']['head'],
    )
    return MODELS.build(
        dict(
            type='CENSegmentor',
            modalities=('rgb', 'depth'),
            backbone=backbone,
            decode_head=dict(type='EnsembleHead', head=head),
            test_cfg=dict(mode='whole'),
        )
    )


def test_a_released_network_has_the_logits_and_gradients_of_its_formulas():
    weights = released_weights()
    images = [torch.randn(2, 3, 64, 96).double() for _ in range(2)]

    for tensor in weights.values():
        if tensor.is_floating_point():
            tensor.requires_grad_()
    reference = Reference(weights)
    expected = reference(images)
    shares = [replaced.double().mean() for replaced in reference.replaced]
    assert 0.05 < sum(shares) / len(shares) < 0.95
    penalty = torch.cat([s.flatten() for s in reference.scores]).mean()
    (sum(x.square().mean() for x in expected) + 0.7 * penalty).backward()

    module = {f'module.{name}': t.detach() for name, t in weights.items()}
    converted = from_released({'segmenter': module, 'best_val': 54.8})
    model = build(converted['meta']['model']).double().eval()
    model.load_state_dict(converted['state_dict'])
    # The loss of the scores is one of the training; nothing else differs here, as the
    # statistics of the batch norm stay and nothing is dropped.
    model.backbone.train()
    feats = model.backbone(torch.cat(images, dim=1))
    loss = feats.losses.pop('loss_tokens')
    assert_close(loss, penalty.detach(), rtol=1e-6, atol=0)
    streams = model.decode_head.forward_streams(feats)
    for got, wanted in zip(streams.values(), expected, strict=True):
        assert (got - wanted).abs().max() < 1e-6 * wanted.abs().max()
    (sum(x.square().mean() for x in streams.values()) + 0.7 * loss).backward()

    gradients = {
        name: tensor.grad if tensor.requires_grad else tensor
        for name, tensor in weights.items()
    }
    gradients |= {n: torch.zeros_like(weights[n]) for n in weights if 'running' in n}
    wanted = from_released(gradients)['state_dict']
    seen = 0
    for name, parameter in model.named_parameters():
        gradient, expected = parameter.grad, wanted[name]
        if 'fusion_conv.bn' in name:  # private here, shared there
            gradient, expected = gradient.view(2, -1).sum(0), expected[:6]
        error = (gradient - expected).abs().max()
        assert error < 1e-6 * expected.abs().max(), name
        seen += 1
    assert seen > 80


def test_settings_are_read_from_the_tensors():
    model = from_released(released_weights())['meta']['model']
    assert model['backbone']['backbone'] == dict(
        in_channels=3,
        embed_dims=WIDTH,
        num_layers=[*DEPTHS],
        num_heads=[*HEADS],
        sr_ratios=[*REDUCTIONS],
        mlp_ratio=4,
    )
    assert model['backbone']['num_modalities'] == 2
    assert model['decode_head']['head'] == dict(
        in_channels=[WIDTH * h for h in HEADS], channels=6, num_classes=K
    )


def test_an_incomplete_file_is_refused():
    weights = released_weights()
    del weights['encoder.block2.1.attn.kv.module.bias']
    with pytest.raises(ValueError, match=r'must be of a TokenFusion.*kv\.module\.bias'):
        from_released(weights)
    del weights['alpha']
    with pytest.raises(ValueError, match=r'must be of a TokenFusion.*alpha'):
        from_released(weights)
    with pytest.raises(ValueError, match='must be a checkpoint of the released Token'):
        from_released({'decode_head.alpha_logits': torch.ones(2)})
