"""What a norm layer does between modalities: the exchange, and what to compare it with.

Each class is chosen by ``exchange=dict(type='...')`` of a backbone. A new one is a
subclass of :class:`Exchange`, registered in ``MODELS`` of mmengine or mmseg. The
numbers of the ablations are those in the text of Sec. 4.1.
"""

from numbers import Real
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from .build import arguments_of, build_from_config, type_of
from .exchange import (
    ExchangeScope,
    check_scope,
    exchange_channels,
)


class Exchange(nn.Module):
    """Base: what happens to the normalized features of all streams, before activation.

    Shape:
        - Input: features, (B, M, C, ...), scaling factors, (M, C), and which streams
          exist, bool (B, M), or ``None``: all of them.
        - Output: features of the shape of the input.
    """

    #: Threshold theta on the scaling factors; 0 where they do not decide.
    threshold: float = 0.0
    #: Whether modality m gives away channels of its own part only, or of all.
    scope: ExchangeScope = 'all'

    def __init__(self) -> None:
        super().__init__()

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        """Learn of the layer this is the exchange of; called once, when that is built.

        Parameters and buffers of the layer's size are made here.

        Args:
            num_modalities: M.
            num_channels: C.
            place: Number of the layer among those that exchange.

        Raises:
            ValueError: There can be no such exchange in this layer.
        """

    def chosen(self, gamma: Tensor) -> Tensor:
        """Channels in which other modalities take part, whatever the scope.

        Args:
            gamma: Scaling factors, (M, C).

        Returns:
            Boolean mask of shape (M, C).
        """
        return gamma.abs() < self.threshold

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        raise NotImplementedError


@MODELS.register_module()
class ChannelExchange(Exchange):
    """The paper's, :func:`exchange_channels` (Eq. 6).

    Args:
        threshold: Threshold theta on the scaling factors; 0 exchanges nothing.
        scope: ``'own'`` (paper): modality m gives away channels of the m-th of M equal
            slices only; ``'all'`` (released code): any channel.

    Raises:
        ValueError: An argument has no meaning.
    """

    def __init__(self, threshold: float = 2e-2, scope: ExchangeScope = 'own') -> None:
        super().__init__()
        check_scope(scope)
        if not isinstance(threshold, Real) or not threshold >= 0:  # nor is NaN
            raise ValueError(
                f'exchange_threshold bounds |gamma|, a number that is not negative, '
                f'got {threshold!r}; 0 exchanges nothing'
            )
        self.threshold = threshold
        self.scope = scope

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        if not self.threshold:
            return x
        return exchange_channels(x, gamma, self.threshold, self.scope, present)

    def extra_repr(self) -> str:
        return f'threshold={self.threshold}, scope={self.scope!r}'


def exchange_config(
    exchange: dict[str, Any] | None,
    threshold: float | None,
    scope: ExchangeScope = 'own',
) -> dict[str, Any] | None:
    """The one config that says how layers exchange, from the arguments of a network.

    Args:
        exchange: Config of an :class:`Exchange`; ``None``: :class:`ChannelExchange`.
        threshold: Threshold of the exchange, if it has one that ``exchange`` does not
            tell. ``None`` without ``exchange``: no layer exchanges.
        scope: Scope of the exchange, if it has one that ``exchange`` does not tell.

    Raises:
        ValueError: If the type of the exchange is unknown, or an argument is out of its
            range.
    """
    ChannelExchange(threshold or 0, scope)  # checks both, even if nobody reads them
    if exchange is None:
        if threshold is None:
            return None
        return dict(type=ChannelExchange, threshold=threshold, scope=scope)
    told = {'scope': scope} | ({} if threshold is None else {'threshold': threshold})
    known = arguments_of(type_of(exchange, Exchange))
    config = {name: value for name, value in told.items() if name in known} | exchange
    build_from_config(config, Exchange)  # checks it, in case no layer does
    return config


def build_exchange(
    exchange: dict[str, Any], num_modalities: int, num_channels: int, place: int = 0
) -> Exchange:
    """Build the exchange of one layer.

    Args:
        exchange: Config of an :class:`Exchange`.
        num_modalities: Number of modalities M.
        num_channels: Channels C of one stream.
        place: Number of the layer among the exchanging layers.

    Raises:
        ValueError: If there can be no such exchange.
    """
    built = build_from_config(exchange, Exchange)
    built.prepare(num_modalities, num_channels, place)
    return built
