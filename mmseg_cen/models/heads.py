"""Decode heads over folded features: which are taken, and as what."""

import inspect
from collections.abc import Sequence
from typing import Any

from mmengine.config import ConfigDict
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import nn

from .extended import extended_type, registered_type
from .mask_head import StreamedMaskHead
from .streamed_head import ByStream, StreamedHead

#: Heads whose output is no map of classes, or that do not run over folded features.
REFUSED = {
    'SideAdapterCLIPHead': 'it classifies masks of an image and texts (SAN)',
    'VPDDepthHead': 'it estimates depth',
}

#: Heads that classify masks, with the methods of mmseg's ``Mask2FormerHead``.
MASK_HEADS = {'MaskFormerHead', 'Mask2FormerHead'}


def build_heads(
    cfg: dict[str, Any] | Sequence[dict[str, Any]], by_stream: ByStream
) -> Any:
    """Build a head, or the heads of a cascade as a ``ModuleList``.

    Args:
        cfg: Config of the unimodal head, or of several.
        by_stream: See :class:`StreamedHead`.

    Raises:
        ValueError: If a head is not taken, classifies masks within a cascade, or stands
            behind another one whose output it does not take.
    """
    if not isinstance(cfg, Sequence):
        return build_head(cfg, by_stream)
    heads = [build_head(each, by_stream) for each in cfg]
    masks = [type(h).__name__ for h in heads if isinstance(h, StreamedMaskHead)]
    if masks and len(heads) > 1:
        raise ValueError(
            f'`head` of EnsembleHead must be one head if it classifies masks, got a '
            f'cascade with {masks}: give this head alone'
        )
    behind: list[Any] = [registered_type(each) for each in cfg[1:]]
    if alone := [kind.__name__ for kind in behind if not _takes_output(kind)]:
        raise ValueError(
            f'a list in `head` of EnsembleHead must be a cascade, each head of which '
            f'takes the output of the one before, as OCRHead does, got {alone} behind '
            f'another head: give each auxiliary head an EnsembleHead of its own, in a '
            f'list, as tools/analysis/convert_config.py does'
        )
    return nn.ModuleList(heads)


def _takes_output(head_type: Any) -> bool:
    """Whether the losses of heads of a type are of another head's output, too."""
    parameters = inspect.signature(head_type.loss).parameters.values()
    given = [p for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    several = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    return several or len(given) > len(('self', 'feats', 'samples', 'train_cfg'))


def build_head(
    cfg: dict[str, Any], by_stream: ByStream
) -> StreamedHead | StreamedMaskHead:
    """Build a head, as a :class:`StreamedHead` or a :class:`StreamedMaskHead`.

    Args:
        cfg: Config of the unimodal head.
        by_stream: See :class:`StreamedHead`.

    Raises:
        ValueError: If the head does not hand over maps of logits as ``BaseDecodeHead``
            does, and is none of :data:`MASK_HEADS`.
        ImportError: If the head needs mmdet, which is not installed.
    """
    head_type = registered_type(cfg)
    if head_type is None:
        return MODELS.build(cfg)  # says which types there are
    if reason := why_refused(head_type):
        raise ValueError(
            f'`head` of EnsembleHead must hand over maps of logits as BaseDecodeHead '
            f'does, got {head_type.__name__}: {reason}; choose another, such as '
            f'PSPHead, UPerHead or RefineNetHead'
        )
    mixin: Any = StreamedHead
    if classifies_masks(head_type):
        mixin, cfg = StreamedMaskHead, ConfigDict(cfg)  # mmdet reads attributes of it
        if not hasattr(head_type, 'loss_by_feat'):  # mmseg puts a BaseModule there
            raise ImportError(
                f'mmdet must be installed for {head_type.__name__}, got none that '
                f"imports: pip install 'mmseg-cen[mmdet]'"
            )
    streamed = extended_type(mixin, head_type, 'Streamed')
    head: Any = MODELS.build({**cfg, 'type': streamed})
    head.by_stream = by_stream
    return head


def classifies_masks(head_type: Any) -> bool:
    """Whether heads of a type are those of MaskFormer or Mask2Former."""
    return any(base.__name__ in MASK_HEADS for base in head_type.__mro__)


def why_refused(head_type: Any) -> str | None:
    """Why :class:`EnsembleHead` cannot take heads of a type, or None."""
    for base in head_type.__mro__:
        if base.__name__ in REFUSED:
            return REFUSED[base.__name__]
    if classifies_masks(head_type):
        return None
    if not issubclass(head_type, BaseDecodeHead):
        return 'it is no BaseDecodeHead'
    if head_type.predict_by_feat is not BaseDecodeHead.predict_by_feat:
        return 'it has its own predict_by_feat'
    for step in ('loss', 'predict'):
        method = inspect.unwrap(getattr(head_type, step))
        if f'{step}_by_feat' not in method.__code__.co_names:
            return f'its own {step} does not call {step}_by_feat'
    return None
