"""The laws that a model over several modalities obeys."""

from typing import Any

import torch
from conversion.model import convert_model
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_cen.models import exchanging_norms, stream_state_dict
from mmseg_cen.models.heads import classifies_masks
from mmseg_cen.models.mask_head import log_probabilities
from mmseg_cen.streams.attention_places import attention_blocks
from mmseg_cen.streams.layer_norm import ModalityLN
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.token_exchange import TokenExchange

from .choice import CLASSES

TOLERANCE = 1e-3  # of the largest logit, in single precision


def check(cfg: ConfigDict, num_modalities: int) -> dict[str, Any]:
    """Run all checks for one model; raises an AssertionError where one fails.

    Channels are exchanged behind convolutions, then by all norms where the backbone has
    LayerNorms, then tokens where it has blocks of attention.
    """
    M = num_modalities
    model = build(cfg, M)
    counts = dict(
        convolutions=len(exchanging_norms(model)),
        parameters=sum(p.numel() for p in model.parameters()),
        layer_norms=sum(isinstance(m, ModalityLN) for m in model.backbone.modules()),
        attention=len(attention_blocks(model.backbone)),
    )
    obeys_laws(model, cfg, M)
    if counts['layer_norms']:
        obeys_laws(build(cfg, M, layer_norms=True), cfg, M)
    if counts['attention']:
        tokens = dict(type='TokenExchange', where='input', gated=False)
        obeys_laws(build(cfg, M, exchange=tokens), cfg, M)
    return counts


def build(cfg: ConfigDict, num_modalities: int, **options: Any) -> nn.Module:
    """The model of several modalities.

    Args:
        cfg: Config of the unimodal model.
        num_modalities: Number of modalities M.
        **options: Options of :class:`CENBackbone`.
    """
    torch.manual_seed(0)
    converted = convert_model(cfg, [f'm{m}' for m in range(num_modalities)])
    converted.backbone.update(options)
    model = MODELS.build(converted)
    randomize_norms(model)
    return model


def obeys_laws(model: nn.Module, cfg: ConfigDict, num_modalities: int) -> None:
    """Check the laws, with an exchange and without one."""
    set_exchange(model, norms=0.0, tokens=0.0)
    streams_equal_unimodal(model, cfg, num_modalities)
    streams_are_independent(model, num_modalities)
    set_exchange(model, norms=0.8, tokens=0.5)  # some channels, and some tokens
    trains_and_predicts(model, num_modalities)


def set_exchange(model: nn.Module, norms: float, tokens: float) -> None:
    """Set the thresholds below which channels and tokens are exchanged."""
    for norm in exchanging_norms(model).values():
        norm.exchange_threshold = norms
    for module in model.modules():
        if isinstance(module, TokenExchange):
            module.threshold = tokens


def size_of_crop(model: nn.Module) -> int:
    return model.test_cfg['crop_size'][0]


def streams_equal_unimodal(model: nn.Module, cfg: ConfigDict, M: int) -> None:
    model.eval()
    x, data = batch(M, size_of_crop(model))
    metas = [sample.metainfo for sample in data]
    with torch.no_grad():
        streams = model.encode_decode(x, metas).chunk(M + 1, dim=1)
        unimodal = MODELS.build(cfg)
        unimodal.eval()
        for m in range(M):
            stream = x[:, 3 * m : 3 * m + 3]
            if m == 0:
                unimodal.encode_decode(stream, metas)  # makes buffers that are lazy
            wrong = unimodal.load_state_dict(unimodal_state(model, m), strict=False)
            missing = [k for k in wrong.missing_keys if not k.startswith('auxiliary')]
            assert not missing + wrong.unexpected_keys, f'names differ: {wrong}'
            expected = unimodal.encode_decode(stream, metas)
            if classifies_masks(type(unimodal.decode_head)):
                expected = log_probabilities(expected)
            error = (streams[m] - expected).abs().max() / expected.abs().max()
            assert error < TOLERANCE, f'stream {m} is not the unimodal model: {error}'


def streams_are_independent(model: nn.Module, M: int) -> None:
    model.train()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    x, data = batch(M, size_of_crop(model))
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        with torch.no_grad():
            losses.append(model.loss(x, data))
        model.load_state_dict(state)
        x = torch.cat([x[:, :3], torch.randn_like(x[:, 3:])], dim=1)
    own = [name for name in losses[0] if '.m0.' in name]
    others = [name for name in losses[0] if '.m1.' in name and 'loss' in name]
    assert own, f'no losses of the first stream: {list(losses[0])}'
    for name in own:
        error = (losses[0][name] - losses[1][name]).abs().max()
        assert error <= 1e-5 * losses[0][name].abs().max(), f'{name} depends on others'
    assert any(losses[0][n].ne(losses[1][n]).any() for n in others), 'inputs unused'


def trains_and_predicts(model: nn.Module, M: int) -> None:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    size = size_of_crop(model)
    total, logged = model.parse_losses(model.loss(*batch(M, size)))
    assert total.isfinite(), f'losses are not finite: {logged}'
    total.backward()
    assert all(
        p.grad.isfinite().all() for p in model.parameters() if p.grad is not None
    )
    assert model.decode_head.alpha_logits.grad is not None, 'alpha is not trained'
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    model.eval()
    for mode, width in (('whole', size), ('slide', 3 * size // 2)):
        model.test_cfg['mode'] = mode
        x, data = batch(M, size, num_images=1, width=width)
        with torch.no_grad():
            (result,) = model.predict(x, data)
        fields = [result.seg_logits.data, *result.stream_logits.values()]
        assert len(fields) == M + 1
        for logits in fields:
            assert logits.shape == (CLASSES, size, width), (
                f'{mode}: {tuple(logits.shape)}'
            )
            assert logits.isfinite().all(), f'{mode}: not finite'


def batch(
    num_modalities: int, size: int, num_images: int = 2, width: int | None = None
) -> tuple[Tensor, list[SegDataSample]]:
    """Random packed inputs, and labels of squares."""
    shape = (size, width or size)
    data = []
    for _ in range(num_images):
        sample = SegDataSample(
            metainfo=dict(ori_shape=shape, img_shape=shape, pad_shape=shape)
        )
        label = torch.randint(CLASSES, (1, shape[0] // 8, shape[1] // 8))
        label = label.repeat_interleave(8, 1).repeat_interleave(8, 2)
        sample.gt_sem_seg = PixelData(data=label)
        sample.gt_edge_map = PixelData(data=label % 2)
        data.append(sample)
    return torch.randn(num_images, 3 * num_modalities, *shape), data


@torch.no_grad()
def randomize_norms(model: nn.Module) -> None:
    for norm in model.modules():
        if isinstance(norm, ModalityNorm):
            for name, tensor in norm.norm.state_dict().items():
                if name in ('weight', 'running_var'):
                    tensor.uniform_(0.5, 1.5)
                elif name in ('bias', 'running_mean'):
                    tensor.normal_(std=0.2)


def unimodal_state(model: nn.Module, modality: int) -> dict[str, Tensor]:
    """State dict of the unimodal segmentor of one stream."""
    parts = {
        'backbone.': model.backbone,
        'decode_head.': model.decode_head.head,
    }
    if model.with_neck:
        parts['neck.'] = model.neck
    return {
        prefix + name: tensor
        for prefix, part in parts.items()
        for name, tensor in stream_state_dict(part, modality).items()
    }
