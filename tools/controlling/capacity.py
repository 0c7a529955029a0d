"""A network of one stream that computes as much as one of several."""

import copy
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from benchmarking.operations import count_parts
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.models.pretrained import without_starts

from .variants import heads_of, one_stream

#: Widths are multiples of it: the middle of a deep stem has half of one.
STEP = 2


def cost(cfg: Config, size: Sequence[int]) -> tuple[int, int]:
    """Multiplications with additions for one sample, and parameters of a network.

    Auxiliary heads, which predict nothing, are left out.

    Args:
        cfg: Config of a CENSegmentor.
        size: Height and width of the images, pixels.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model_cfg = without_starts(cfg.model)
    model_cfg.auxiliary_head = None
    model = revert_sync_batchnorm(MODELS.build(model_cfg)).eval()
    total = count_parts(model, (1, model.backbone.packed_channels, *size))[-1]
    return total.macs, total.parameters


def as_costly(cfg: Config, name: str, size: Sequence[int]) -> tuple[Config, str]:
    """The network of one stream, wide enough to multiply as often as the whole one.

    Convolutions are shared by the streams, so that the network of one stream has the
    parameters of the whole one at the same width, but for norms; at equal
    multiplications it has more. The backbone is widened, or the decoder if the backbone
    is no CENResNet or has weights of one width.

    Args:
        cfg: Config of the whole network.
        name: The modality that is left.
        size: Height and width of the images, pixels.

    Returns:
        The config, and what was matched, in words.

    Raises:
        ValueError: If neither can be widened.
    """
    wanted, _ = cost(cfg, size)
    single = one_stream(cfg, name)
    backbone = single.model.backbone
    if backbone.type == 'CENResNet' and not backbone.get('init_cfg'):
        place, start = (
            'base_channels of the backbone',
            backbone.get('base_channels', 64),
        )
        widen: Callable[[Config, int], None] = _widen_backbone
    else:
        head = single.model.decode_head.get('head')
        if not isinstance(head, dict) or 'channels' not in head:
            raise ValueError(
                '`model` must have a CENResNet without pretrained weights, or a head '
                'with `channels`, for a stream of equal cost, got neither: leave out '
                'the control wide'
            )
        place, start = 'channels of the decoder', head.channels
        widen = _widen_decoder

    def widened(width: int) -> Config:
        wide = copy.deepcopy(single)
        widen(wide, width)
        return wide

    cost_of = cache(lambda width: cost(widened(width), size))
    width = closest_width(lambda width: cost_of(width)[0], wanted, start)
    macs, parameters = cost_of(width)
    return widened(width), (
        f'{place} {start} -> {width}: {macs / 1e9:.3f} G multiplications of '
        f'{wanted / 1e9:.3f} G, {parameters / 1e6:.3f} M parameters'
    )


def closest_width(measure: Callable[[int], int], wanted: int, start: int) -> int:
    """The multiple of :data:`STEP`, at least ``start``, whose cost is the closest.

    Args:
        measure: Cost of a width; it grows with it.
        wanted: The cost.
        start: A width that costs less.
    """
    low, high = start // STEP, 2 * start // STEP
    while measure(high * STEP) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if measure(middle * STEP) < wanted else (low, middle)
    widths = [w * STEP for w in (low, high) if w * STEP >= start] or [start]
    return min(widths, key=lambda width: abs(measure(width) - wanted))


def _widen_backbone(cfg: Config, width: int) -> None:
    """Set the width of a CENResNet, and what the heads take of it."""
    backbone = cfg.model.backbone
    before = backbone.get('base_channels', 64)
    stem = backbone.get('stem_channels', 64)
    backbone.base_channels = width
    backbone.stem_channels = stem * width // before
    for ensemble in heads_of(cfg):
        heads = ensemble.head
        for head in heads if isinstance(heads, list | tuple) else [heads]:
            for key in ('in_channels', 'c1_in_channels'):
                if key in head:
                    head[key] = _scaled(head[key], width, before)


def _scaled(channels: Any, width: int, before: int) -> Any:
    if isinstance(channels, list | tuple):
        return [_scaled(c, width, before) for c in channels]
    return channels * width // before


def _widen_decoder(cfg: Config, width: int) -> None:
    """Set the width of the decode head."""
    cfg.model.decode_head.head.channels = width
