"""The network as lists of streams: a second implementation, to measure against.

It has the design of the code that the authors released: every layer takes a list of M
tensors, a shared layer is called once for each, a private norm is a list of M layers,
and the exchange writes the channels of each stream by boolean masks. It is written from
the paper (Sec. 3, Eq. 6, Appendix B) and shares nothing with the package but the names
of its weights, which :func:`weights_of_lists` translates.
"""

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .list_heads import PyramidHead, RefineHead, ShallowHead
from .list_layers import Streams
from .list_resnet import ListResNet

#: What a config says, and the class that does it here.
BACKBONES = {'CENResNet': ListResNet}
HEADS = {
    'RefineNetHead': RefineHead,
    'LightRefineNetHead': partial(RefineHead, size=1, units=(0, 0)),
    'PSPHead': PyramidHead,
    'FCNHead': ShallowHead,
}
#: Settings that change nothing in a network of these classes, or must have one value.
WITHOUT_EFFECT = {'type', 'init_cfg', 'loss_decode', 'zero_init_residual'}
ONLY = dict(
    align_corners=False,
    concat_input=False,
    input_transform='resize_concat',
    norm_cfg=dict(type='BN'),
    num_convs=1,
)


class ListSegmentor(nn.Module):
    r"""Backbone, head and ensemble :math:`\sum_m \alpha_m f_m(x)` over lists (Eq. 4).

    Args:
        backbone: Maps M images (B, C, H, W) to the streams of each stage.
        head: Maps the streams of each stage to M logits (B, K, h, w).
        num_streams: Number of streams M.
        auxiliary: A second head, for the training.
        auxiliary_weight: Weight of its losses.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        num_streams: int,
        auxiliary: nn.Module | None = None,
        auxiliary_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.alpha_logits = nn.Parameter(torch.zeros(num_streams))
        self.auxiliary = auxiliary
        self.auxiliary_weight = auxiliary_weight
        if auxiliary is not None:
            self.auxiliary_alpha_logits = nn.Parameter(torch.zeros(num_streams))

    def forward(self, images: Streams) -> Streams:
        """Logits (B, K, h, w) of the M streams and of their ensemble."""
        return with_ensemble(self.head(self.backbone(images)), self.alpha_logits)

    def loss(self, images: Streams, label: Tensor) -> Tensor:
        """Sum of the cross-entropies of all outputs with labels (B, H, W)."""
        stages = self.backbone(images)
        outputs = with_ensemble(self.head(stages), self.alpha_logits)
        loss = cross_entropies(outputs, label)
        if self.auxiliary is not None:
            outputs = with_ensemble(self.auxiliary(stages), self.auxiliary_alpha_logits)
            loss = loss + self.auxiliary_weight * cross_entropies(outputs, label)
        return loss


def with_ensemble(streams: Streams, alpha_logits: Tensor) -> Streams:
    """The logits of the streams, and their mean, which moves only its weights."""
    alpha = alpha_logits.softmax(dim=0)
    ensemble = sum(a * x.detach() for a, x in zip(alpha, streams, strict=True))
    return [*streams, ensemble]


def cross_entropies(outputs: Streams, label: Tensor) -> Tensor:
    """Sum over outputs of the mean cross-entropy, at the size of the label."""
    total = torch.zeros((), device=label.device)
    for logits in outputs:
        logits = F.interpolate(logits, label.shape[-2:], mode='bilinear')
        total = total + F.cross_entropy(logits, label, ignore_index=255)
    return total


def list_segmentor(model: dict[str, Any]) -> ListSegmentor:
    """The network over lists that the ``model`` of a config describes.

    Raises:
        ValueError: If a part of it has no counterpart here.
    """
    backbone = _build(BACKBONES, 'backbone', model['backbone'])
    count = len(backbone.bn1)
    head = _build(HEADS, 'decode_head', model['decode_head']['head'], count)
    if (auxiliary := model.get('auxiliary_head')) is None:
        return ListSegmentor(backbone, head, count)
    config = auxiliary['head']
    weight = config.get('loss_decode', {}).get('loss_weight', 1.0)
    auxiliary = _build(HEADS, 'auxiliary_head', config, count)
    return ListSegmentor(backbone, head, count, auxiliary, weight)


def _build(
    classes: dict[str, Callable[..., nn.Module]],
    part: str,
    config: dict[str, Any],
    *streams: int,
) -> nn.Module:
    cls = classes.get(config['type'])
    if cls is None:
        raise ValueError(
            f'`{part}` must be of a type in {sorted(classes)} to be written with '
            f'lists, got {config["type"]!r}: leave `lists` out of --against'
        )
    arguments = {k: v for k, v in config.items() if k not in WITHOUT_EFFECT}
    known = inspect.signature(cls).parameters
    if 'num_streams' in known:
        arguments['num_streams'] = streams[0]
    for name in ONLY.keys() & arguments.keys() - known.keys():
        if arguments[name] == ONLY[name]:
            del arguments[name]
    if unknown := sorted(arguments.keys() - known.keys()):
        raise ValueError(
            f'`{part}` must have settings of {sorted(known)} to be written with lists, '
            f'got {unknown}: leave `lists` out of --against'
        )
    return cls(**arguments)


def weights_of_lists(
    state: dict[str, Tensor], num_modalities: int
) -> dict[str, Tensor]:
    """Weights of a CENSegmentor under the names of a :class:`ListSegmentor`.

    Private norms of M*C channels become M of C channels.
    """
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in (
            (r'^decode_head\.head\.', 'head.'),
            (r'^decode_head\.', ''),
            (r'^auxiliary_head\.head\.', 'auxiliary.'),
            (r'^auxiliary_head\.', 'auxiliary_'),
            (r'(\.blocks\..*)\.conv\.(weight|bias)$', r'\1.\2'),  # of a ConvModule
            (r'\.psp_modules\.(\d+)\.1\.', r'.psp_modules.\1.'),
        ):
            name = re.sub(pattern, replacement, name)
        before, norm, after = name.partition('.norm.')
        if not norm:
            renamed[name] = tensor
            continue
        parts = tensor.expand(num_modalities) if tensor.ndim == 0 else tensor
        for m, part in enumerate(parts.chunk(num_modalities)):
            renamed[f'{before}.{m}.{after}'] = part.reshape(
                () if tensor.ndim == 0 else part.shape
            )
    return renamed
