"""Which decode heads EnsembleHead can take, and why not the others."""

import inspect
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS

#: Heads whose output is no map of logits, whatever their methods look like.
REFUSED = {
    'IterativeDecodeHead': 'it classifies masks (K-Net)',
    'MaskFormerHead': 'it classifies masks',
    'Mask2FormerHead': 'it classifies masks',
    'SideAdapterCLIPHead': 'it classifies masks (SAN)',
    'VPDDepthHead': 'it estimates depth',
}


def build_head(cfg: dict[str, Any]) -> BaseDecodeHead:
    """Build a head, unless :func:`why_refused` has an answer.

    Raises:
        ValueError: It has.
    """
    kind = cfg['type']
    head_type = MODELS.get(kind) if isinstance(kind, str) else kind
    if head_type is not None and (reason := why_refused(head_type)):
        raise ValueError(
            f'EnsembleHead averages maps of logits, and cannot take '
            f'{head_type.__name__}: {reason}; choose a head that hands its outputs '
            f'over as BaseDecodeHead does, such as PSPHead, UPerHead or RefineNetHead'
        )
    return MODELS.build(cfg)


def why_refused(head_type: Any) -> str | None:
    """Why :class:`EnsembleHead` cannot take heads of a type, or None."""
    for base in head_type.__mro__:
        if base.__name__ in REFUSED:
            return REFUSED[base.__name__]
    if not issubclass(head_type, BaseDecodeHead):
        return 'it is no BaseDecodeHead'
    if head_type.predict_by_feat is not BaseDecodeHead.predict_by_feat:
        return 'it has its own predict_by_feat'
    for step in ('loss', 'predict'):
        method = inspect.unwrap(getattr(head_type, step))
        if f'{step}_by_feat' not in method.__code__.co_names:
            return f'its own {step} does not call {step}_by_feat'
    return None
