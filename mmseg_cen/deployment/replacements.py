"""Parts of a network that are replaced in its exported copy, with the same results."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmseg_cen.models import EnsembleHead
from mmseg_cen.models.ensembles import weighted_mean
from mmseg_cen.streams.ablations import FixedPortionExchange, RandomExchange
from mmseg_cen.streams.exchange import replace_channels
from mmseg_cen.streams.exchanges import ChannelExchange, Exchange
from mmseg_cen.streams.norm import ModalityNorm

#: Exchanges of whole channels, and which channels (M, C) they replace.
MASKS: dict[type, Any] = {
    ChannelExchange: ChannelExchange.replaced,
    FixedPortionExchange: FixedPortionExchange.chosen,
    RandomExchange: RandomExchange.chosen,
}


class FixedExchange(Exchange):
    """The paper's exchange of channels that no longer depend on scaling factors.

    Args:
        replaced: Channels that are replaced, bool (M, C).
    """

    replaced: Tensor

    def __init__(self, replaced: Tensor) -> None:
        super().__init__()
        self.register_buffer('replaced', replaced, persistent=False)

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return replace_channels(x, self.replaced, present)


def fix_exchange(module: nn.Module) -> None:
    """Make constants of the masks of exchanged channels.

    Layers in which nothing is exchanged no longer exchange. Exchanges that do not
    replace whole channels by the mean of the others stay as they are.

    Args:
        module: A trained network, changed in place.
    """
    for norm in module.modules():
        if isinstance(norm, ModalityNorm) and type(norm.exchange) in MASKS:
            replaced = MASKS[type(norm.exchange)](norm.exchange, norm.gamma.detach())
            norm.exchange = FixedExchange(replaced) if replaced.any() else None


def weighted_sum(head: EnsembleHead, streams: Tensor) -> Tensor:
    """The weighted mean of Eq. 4, (B, M, ...) -> (B, ...), without ``einsum``.

    ``einsum`` compares the batch size with 1, to which an export would then be bound.
    """
    alpha = head.alpha_logits.softmax(dim=0).view(-1, *[1] * (streams.ndim - 2))
    return (alpha * streams).sum(dim=1)


def simplify_ensemble(module: nn.Module) -> None:
    """Let heads take means of logits by :func:`weighted_sum`, in place."""
    for head in module.modules():
        if (
            isinstance(head, EnsembleHead)
            and head.concat is None
            and head.heads[-1].average is weighted_mean
        ):
            head.combine = partial(weighted_sum, head)  # type: ignore[method-assign]


@contextmanager
def sizes_as_symbols() -> Iterator[None]:
    """Context in which mmseg's ``resize`` does not turn sizes into numbers.

    It does so only to warn, where ``align_corners`` is set.
    """
    *defaults, _ = resize.__defaults__
    with mock.patch.object(resize, '__defaults__', (*defaults, False)), torch.no_grad():
        yield
