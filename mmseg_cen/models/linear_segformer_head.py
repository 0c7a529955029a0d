"""The decoder of SegFormer as its authors wrote it."""

from typing import Any

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import SegformerHead
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class LinearSegformerHead(SegformerHead):
    """SegFormer's decoder, whose projections of the stages are linear.

    "SegFormer", Xie et al., NeurIPS 2021. The toolbox's SegformerHead has a norm and a
    ReLU behind each projection, too; the authors' code and that of TokenFusion have
    them behind the fusion of the stages only.

    Args:
        **kwargs: Arguments of :class:`mmseg.models.SegformerHead`.

    Shape:
        - Input: features of the stages, (B, C_i, H_i, W_i), finest first.
        - Output: logits, (B, K, H_1, W_1).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.convs = nn.ModuleList(
            ConvModule(width, self.channels, 1, act_cfg=None)
            for width in self.in_channels
        )
