"""LayerNorms that are private to each modality: of sequences, and of images."""

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from .norm import ModalityNorm


@MODELS.register_module()
class ModalityLN(ModalityNorm):
    """Private :class:`torch.nn.LayerNorm` of each modality, over the last axis.

    A LayerNorm normalizes each position of each stream on its own, so that the M layers
    cannot be one layer over M*C channels. The child holds their parameters, where
    optimizers and initializers look for the parameters of a LayerNorm.

    Shape:
        - Input and output: folded sequences, (B*M, ..., C), or (N, B*M, ..., C) if
          ``sequence_first``.
    """

    _abbr_ = 'ln'
    layer_type = nn.LayerNorm
    layout = 'B*{M}, ..., {C}'
    channel_axis = -1
    sequence_first = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.sequence_first:
            return super().forward(x)
        return super().forward(x.transpose(0, 1)).transpose(0, 1)

    def normalize(self, x: Tensor) -> Tensor:
        M, C = self.num_modalities, self.num_features
        out = F.layer_norm(x, (C,), eps=self.norm.eps).unflatten(0, (-1, M))
        affine = (M, *[1] * (x.ndim - 2), C)
        out = out * self.norm.weight.view(affine)
        if self.norm.bias is not None:
            out = out + self.norm.bias.view(affine)
        return out.movedim(-1, 2)

    def fold(self, streams: Tensor) -> Tensor:
        return streams.movedim(2, -1).flatten(0, 1)


class ModalityLN2d(ModalityLN):
    """:class:`ModalityLN` over the channels of images.

    It replaces ``LayerNorm2d``, which ConvNeXt has, and ``LayerNorm((C, 1, 1))`` after
    global pooling, which GCNet has.

    Shape:
        - Input and output: folded features, (B*M, C, H, W), or with
          ``data_format='channel_last'``, as mmpretrain calls it, (B*M, H, W, C).
    """

    def forward(self, x: Tensor, data_format: str = 'channel_first') -> Tensor:
        if data_format == 'channel_last':
            return super().forward(x)
        return super().forward(x.movedim(1, -1)).movedim(-1, 1).contiguous()
