"""The exchange in few passes over memory: the numbers of ``replace_channels``.

The definition in :mod:`mmseg_cen.streams.exchange` rolls streams, adds and chooses:
each writes all features anew. Here every stream is written once. A compiler merges the
passes of the definition by itself, and a trace must hold operators that every runtime
knows: both get the definition.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .exchange import over_features, replace_channels, sums_of_others


def replace_in_one_pass(
    x: Tensor, replaced: Tensor, present: Tensor | None = None
) -> Tensor:
    """:func:`~mmseg_cen.streams.exchange.replace_channels`, faster if all are present.

    The numbers are the same bit by bit.

    Args:
        x: Features, (B, M, C, ...), in any memory format, which the result has, too.
        replaced: Which channels, bool (M, C).
        present: Which streams exist, bool (B, M); ``None``: all.

    Returns:
        Features of the shape of ``x``.
    """
    if present is not None or is_recorded() or x.shape[1] == 1:
        return replace_channels(x, replaced, present)
    out: Tensor = _Replacement.apply(x, replaced)
    return out


def is_recorded() -> bool:
    """Whether operators are recorded now, by a compiler, an exporter or a trace."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


class _Replacement(torch.autograd.Function):
    """y_m = keep_m x_m + replaced_m mean_of_others(x)_m.

    The mean over the others is a symmetric map of the streams, so that the gradient is
    keep_m g_m + mean_of_others(replaced g)_m.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, replaced: Tensor) -> Tensor:
        ctx.save_for_backward(replaced)
        out = torch.empty_like(x)
        streams = x.unbind(1)
        parts = zip(
            _masks(replaced, x), _means_of_others(streams), streams, out.unbind(1),
            strict=True,
        )  # fmt: skip
        for mask, mean, stream, written in parts:
            torch.where(mask, mean, stream, out=written)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (replaced,) = ctx.saved_tensors
        out = torch.empty_like(grad)
        masks = [mask.to(grad.dtype) for mask in _masks(replaced, grad)]
        grads = grad.unbind(1)
        given = [mask * part for mask, part in zip(masks, grads, strict=True)]
        parts = zip(masks, _means_of_others(given), grads, out.unbind(1), strict=True)
        for mask, mean, part, written in parts:
            torch.addcmul(mean, part, 1 - mask, out=written)
        return out, None


def _masks(replaced: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """The mask of each modality, to broadcast over its stream, (B, C, ...)."""
    return over_features(replaced, x).unbind(0)


def _means_of_others(streams: Sequence[Tensor]) -> list[Tensor]:
    sums = sums_of_others(streams)
    return [s / (len(streams) - 1) for s in sums] if len(streams) > 2 else sums
