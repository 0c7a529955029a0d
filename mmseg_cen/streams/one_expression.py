"""Private batch norm and exchange of two streams as one expression, for a compiler.

With statistics that stay, y_m = relu(a_s x_s + b_s) by channel, s being m or the other
stream. The definition normalizes first and then reads the result twice, which a
compiler writes to memory before; here nothing is read twice but the input, so that
norm, exchange and the ReLU behind them become one loop. Features in channels_last stay
so.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .channels_last import BATCH_NORMS
from .exchange import over_features
from .exchanges import ChannelExchange, Exchange


def is_one_expression(
    norm: nn.Module, exchange: Exchange | None, num_modalities: int
) -> bool:
    """Whether a layer is compiled now, for predictions, and is of this kind.

    Gradients would be computed for both alternatives, so that a training keeps the
    definition; a mean over several streams becomes more loops than the definition.

    Args:
        norm: A norm layer over M*C channels.
        exchange: What is exchanged behind it.
        num_modalities: Number of modalities M.
    """
    return (
        torch.compiler.is_dynamo_compiling()
        and not torch.is_grad_enabled()
        and num_modalities == 2
        and type(exchange) is ChannelExchange
        and exchange.threshold > 0
        and type(norm) in BATCH_NORMS
        and not norm.training
        and norm.running_mean is not None
        and norm.weight is not None
    )


def normalize_and_exchange(x: Tensor, norm: Any, replaced: Tensor) -> Tensor:
    """Normalize two streams by running statistics, and exchange channels.

    Args:
        x: Folded features, (B*2, C, ...).
        norm: A batch norm over 2*C channels.
        replaced: Channels that are replaced, bool (2, C).

    Returns:
        Features of the shape, type and memory format of ``x``.
    """
    streams = x.unflatten(0, (-1, 2))
    mean, scale, bias = (
        over_features(values.view_as(replaced), streams)
        for values in (
            norm.running_mean,
            norm.weight * torch.rsqrt(norm.running_var + norm.eps),
            norm.bias,
        )
    )
    own = (streams - mean) * scale + bias
    other = (streams.flip(1) - mean.flip(0)) * scale.flip(0) + bias.flip(0)
    out = torch.where(over_features(replaced, streams), other, own)
    return out.flatten(0, 1).to(x.dtype)
