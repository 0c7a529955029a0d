"""Heads that classify masks, over folded features: MaskFormer and Mask2Former.

These heads predict N masks and a class of each, no map of logits. Here they hand over
the logarithm of what masks and classes say of each pixel, which is such a map: its
softmax is the probability of each class. So whatever is done with the logits of other
heads can be done with it.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.streams.precision import at_least_float32, without_autocast

from .ensembles import mean_of_probabilities
from .streamed_head import ByStream, losses_of_streams, record_outputs


def log_probabilities(scores: Tensor, eps: float = 1e-6) -> Tensor:
    r"""Logarithm of the classes' shares of what masks say of each pixel.

    Args:
        scores: Semantic maps :math:`s_k = \sum_q p_q(k)\,m_q`, the probability of class
            k of each query q times its mask (MaskFormer, Sec. 3.4), (B, K, H, W).
        eps: What each class has more: a pixel outside of all masks may be any.

    Returns:
        :math:`\log\,(s_k+\epsilon) / \sum_j (s_j+\epsilon)`, of the shape of
        ``scores``, in float32.
    """
    scores = at_least_float32(scores) + eps
    return (scores / scores.sum(dim=1, keepdim=True)).log()


class StreamedMaskHead(BaseModule):
    """Mixin for a head of masks that runs once, over folded features of all streams.

    Each stream has masks and classes of its own, from queries that all start alike, and
    losses of its own, with a matching of its own. The papers have no ensemble of
    networks; ours is the mean of the streams' probabilities of each pixel, see
    :func:`~mmseg_cen.models.ensembles.mean_of_probabilities`: queries of two streams
    do not correspond, pixels do. Its weights are trained by its own loss,
    ``ensemble.loss_nll``, the negative log-likelihood of the labels at the size of the
    masks, on probabilities that are detached.

    Attributes:
        by_stream: Splits outputs of the head, see
            :data:`~mmseg_cen.models.streamed_head.ByStream`.
        average: What the ensemble with weights is, of logarithms of probabilities.

    Raises:
        ValueError: If there are less than two classes, or ``class_weight`` of
            ``loss_cls`` is of another number of them.
    """

    by_stream: ByStream
    average = staticmethod(mean_of_probabilities)
    threshold = None  # of binary predictions, which are refused
    compiled_methods = ()  # the number of masks differs from image to image
    num_classes: int
    class_weight: Sequence[float]
    ignore_index: int
    align_corners: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.num_classes < 2:
            raise ValueError(
                f'`num_classes` of a head that classifies masks must be at least 2, '
                f'got {self.num_classes}: count the background as a class'
            )
        if len(self.class_weight) != self.num_classes + 1:
            raise ValueError(
                f'`class_weight` of `loss_cls` must have num_classes + 1 = '
                f'{self.num_classes + 1} weights, the last one of queries without a '
                f'class, got {len(self.class_weight)}: set [1.0] * num_classes + [0.1]'
            )

    def forward(self, feats: Sequence[Tensor], samples: Sequence[Any]) -> Any:
        """Classes and masks of each layer, folded, (B*M, N, ...).

        Args:
            feats: Folded features, (B*M, C_i, H_i, W_i).
            samples: Samples in any number that divides B*M, for sizes of images.
        """
        count = len(feats[0]) // len(samples)
        return super().forward(feats, [s for s in samples for _ in range(count)])

    def loss(
        self, feats: Sequence[Tensor], samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The losses of each stream, and of the ensemble."""
        head: Any = super()
        instances, metas = self._seg_data_to_instance_data(samples)
        classes, masks = (list(layers) for layers in self(feats, samples))

        def loss(of_stream: Any, of_samples: Sequence[Any]) -> dict[str, Tensor]:
            chosen, chosen_metas = map(list, zip(*of_samples, strict=True))
            return head.loss_by_feat(*of_stream, chosen, chosen_metas)

        streams = self.by_stream([classes, masks], False)
        targets = list(zip(instances, metas, strict=True))
        losses = losses_of_streams(streams, targets, loss)
        semantic = log_probabilities(semantic_maps(classes[-1], masks[-1]))
        record_outputs(semantic)
        ensemble = self.by_stream(semantic, True)[ENSEMBLE]
        labels = torch.stack([s.gt_sem_seg.data for s in samples])
        losses[f'{ENSEMBLE}.loss_nll'] = self.nll(ensemble, labels)
        return losses

    def nll(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Negative log-likelihood of labels (B, 1, H, W), at the size of the logits."""
        labels = F.interpolate(labels.float(), logits.shape[2:], mode='nearest-exact')
        labels = labels[:, 0].long()
        valid = (labels != self.ignore_index).sum().clamp(min=1)
        total = F.cross_entropy(
            logits, labels, ignore_index=self.ignore_index, reduction='sum'
        )
        return total / valid

    def predict(
        self, feats: Sequence[Tensor], metas: list[dict[str, Any]], test_cfg: Any
    ) -> Tensor:
        """Logarithms of probabilities, folded, (B*M, K, H, W).

        They have the size of the input, where masks are interpolated, as the toolbox
        does, before they are multiplied by their classes; without ``metas``, that of
        the largest feature map.
        """
        size = tuple(input_size(metas) if metas else feats[0].shape[2:])
        sample = SegDataSample(metainfo=dict(img_shape=size, batch_input_shape=size))
        classes, masks = self(feats, [sample])
        masks = F.interpolate(at_least_float32(masks[-1]), size=size, mode='bilinear')
        return log_probabilities(semantic_maps(classes[-1], masks))

    def resize_to_input(self, logits: Tensor, metas: list[dict[str, Any]]) -> Tensor:
        """Predictions at the input's size; if they have it already, themselves."""
        size = input_size(metas)
        if tuple(logits.shape[2:]) == tuple(size):
            return logits
        return resize(logits, size, mode='bilinear', align_corners=self.align_corners)


def semantic_maps(classes: Tensor, masks: Tensor) -> Tensor:
    """The semantic maps (B, K, h, w) of N classified masks.

    Args:
        classes: Logits of K classes and of none, (B, N, K + 1).
        masks: Logits of masks, (B, N, h, w).
    """
    probabilities = at_least_float32(classes).softmax(dim=-1)[..., :-1]
    with without_autocast(probabilities):
        masks = at_least_float32(masks).sigmoid()
        return torch.einsum('bnk,bnhw->bkhw', probabilities, masks)


def input_size(metas: list[dict[str, Any]]) -> Any:
    """Height and width of the input of a batch, as ``BaseDecodeHead`` finds it."""
    meta = metas[0]
    sliding = isinstance(meta['img_shape'], torch.Size)  # the shape of a crop
    return meta['img_shape' if sliding or 'pad_shape' not in meta else 'pad_shape'][:2]
