"""The limit: the same network with plain norms and no exchange, for B*M images."""

import copy
import inspect
from typing import Any

from mmseg_cen.models.backbone import CENResNet


def plain_model(model: dict[str, Any]) -> dict[str, Any]:
    """The unimodal ``model`` with the convolutions of a CENSegmentor.

    There are no ensembles. Fed with the images of all modalities as one batch, it costs
    what the convolutions of the CENSegmentor cost, and the unimodal rest of a network.

    Args:
        model: Config of a CENSegmentor.

    Raises:
        ValueError: If its convolutions are not those of a unimodal network.
    """
    plain = copy.deepcopy(dict(model))
    for name in ('modalities', 'data_preprocessor'):
        plain.pop(name, None)
    backbone = plain['backbone']
    if backbone.get('convs') == 'private' or backbone.get('fusion'):
        raise ValueError(
            '`backbone` must have shared convolutions and no fusion to have a plain '
            'counterpart, got `convs` or `fusion`: leave `plain` out of --against'
        )
    plain['type'] = 'EncoderDecoder'
    plain['backbone'] = plain_backbone(backbone)
    for part in ('decode_head', 'auxiliary_head'):
        heads = plain.get(part)
        if isinstance(heads, list):
            plain[part] = [head['head'] for head in heads]
        elif heads is not None:
            plain[part] = heads['head']
    if isinstance(plain['decode_head'], list):
        plain['type'] = 'CascadeEncoderDecoder'
        plain['num_stages'] = len(plain['decode_head'])
    return plain


def plain_backbone(backbone: dict[str, Any]) -> dict[str, Any]:
    """The unimodal backbone of a CENResNet or a CENBackbone.

    Raises:
        ValueError: If it is of another type.
    """
    if backbone['type'] == 'CENBackbone':
        return backbone['backbone']
    if backbone['type'] != 'CENResNet':
        raise ValueError(
            f"`backbone` must be a 'CENResNet' or a 'CENBackbone' to have a plain "
            f'counterpart, got {backbone["type"]!r}: leave `plain` out of --against'
        )
    own = set(inspect.signature(CENResNet).parameters) - {'depth', 'in_channels'}
    settings = {name: value for name, value in backbone.items() if name not in own}
    return {**settings, 'type': 'ResNet'}
