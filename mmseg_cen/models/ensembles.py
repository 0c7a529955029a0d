"""How the outputs of all streams become one: weighted means, or a convolution."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_cen.streams.precision import at_least_float32, without_autocast
from mmseg_cen.streams.presence import ensemble_weights


def weighted_mean(
    streams: Tensor, alpha_logits: Tensor, present: Tensor | None = None
) -> Tensor:
    r"""The mean :math:`\sum_m \alpha_m f_m(x)`, :math:`\alpha` a softmax (Eq. 4).

    Args:
        streams: Outputs of the streams, (B, M, ...).
        alpha_logits: Logits of the weights, (M,).
        present: Presence, bool (B, M); the weight of an absent stream is shared out
            among the others.

    Returns:
        A tensor of shape (B, ...).
    """
    with without_autocast(streams):
        if present is None:
            alpha = alpha_logits.softmax(dim=0).to(streams.dtype)
            return torch.einsum('m,bm...->b...', alpha, streams)
        alpha = ensemble_weights(alpha_logits, present).to(streams.dtype)
        return torch.einsum('bm,bm...->b...', alpha, streams)


def mean_of_probabilities(
    streams: Tensor, alpha_logits: Tensor, present: Tensor | None = None
) -> Tensor:
    r"""The logarithm of :math:`\sum_m \alpha_m p_m(x)`, of logarithms of probabilities.

    Args:
        streams: :math:`\log p_m`, (B, M, ...).
        alpha_logits: See :func:`weighted_mean`, as for ``present``.
        present: Presence, bool (B, M).

    Returns:
        A tensor of shape (B, ...).
    """
    logits = alpha_logits.expand(1 if present is None else len(present), -1)
    if present is not None:
        logits = logits.masked_fill(~present, -torch.inf)
    weights = logits.log_softmax(dim=1).to(streams.dtype)
    weights = weights.view(*weights.shape, *[1] * (streams.ndim - 2))
    return (weights + streams).logsumexp(dim=1)


class ConcatEnsemble(nn.Conv2d):
    """1x1 convolution over the logits of all streams (Sec. 4.1, ablation 4).

    The convolution starts as the mean of the streams. Absent streams are 0 to it.

    Args:
        num_modalities: Number of modalities M.
        num_classes: Channels K of the logits.

    Shape:
        - Input: logits of the streams, (B, M, K, h, w), and presence, bool (B, M).
        - Output: logits, (B, K, h, w).

    Raises:
        ValueError: If the input is no map of K logits.
    """

    def __init__(self, num_modalities: int, num_classes: int) -> None:
        super().__init__(num_modalities * num_classes, num_classes, 1)
        mean = torch.eye(num_classes).repeat(1, num_modalities) / num_modalities
        with torch.no_grad():
            self.weight.copy_(mean[..., None, None])
            self.get_parameter('bias').zero_()

    def forward(self, streams: Tensor, present: Tensor | None = None) -> Tensor:
        if streams.ndim != 5 or streams.shape[2] != self.out_channels:
            raise ValueError(
                f"with ensemble='concat', outputs of the head must be maps of "
                f'{self.out_channels} logits, got shape {tuple(streams[:, 0].shape)}: '
                f"set ensemble='alpha'"
            )
        if present is not None:
            streams = streams.masked_fill(~present.view(*present.shape, 1, 1, 1), 0)
        values = streams.flatten(1, 2), self.weight, self.get_parameter('bias')
        with without_autocast(streams):
            x, weight, bias = map(at_least_float32, values)
            return F.conv2d(x, weight, bias)
