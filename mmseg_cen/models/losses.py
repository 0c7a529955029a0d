"""The toolbox's cross entropy, with class weights beside pixels without a class."""

from typing import Any

from mmseg.models.losses import CrossEntropyLoss as CrossEntropyLossOfMMSeg
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module(force=True)
class CrossEntropyLoss(CrossEntropyLossOfMMSeg):
    """Cross entropy whose ``class_weight`` bears labels with ``ignore_index``.

    It takes the place of the toolbox's own, which looks up a weight for the label of
    void, 255: an index error on CPU, and the end of the process on a GPU. The mean is
    over the weights of the pixels, as there; a pixel without a class has weight 1
    where it counts, as it does without class weights, which is unless
    ``avg_non_ignore``. With ``use_sigmoid``, the weights are of the positive pixels of
    each channel; the toolbox takes them for weights of columns.

    Args: As the parent.
    """

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: Any = None,
        reduction_override: str | None = None,
        ignore_index: int = -100,
        **kwargs: Any,
    ) -> Tensor:
        """The loss of logits (B, K, ...) and classes (B, ...)."""
        options = dict(weight=weight, ignore_index=ignore_index, **kwargs)
        reduction = reduction_override or self.reduction
        if self.class_weight is not None and self.use_sigmoid:
            weights = cls_score.new_tensor(self.class_weight)
            of_channels = weights.view(-1, *(1,) * (cls_score.ndim - 2))
            return self.loss_weight * self.cls_criterion(
                cls_score,
                label,
                class_weight=of_channels,
                reduction=reduction,
                avg_factor=avg_factor,
                avg_non_ignore=self.avg_non_ignore,
                **options,
            )
        if self.class_weight is not None and avg_factor is None and reduction == 'mean':
            void = label == ignore_index
            weights = cls_score.new_tensor(self.class_weight)
            of_pixels = weights[label.masked_fill(void, 0)]
            of_void = 0.0 if self.avg_non_ignore else 1.0
            avg_factor = of_pixels.masked_fill(void, of_void).sum()
        return super().forward(
            cls_score,
            label,
            avg_factor=avg_factor,
            reduction_override=reduction_override,
            **options,
        )
