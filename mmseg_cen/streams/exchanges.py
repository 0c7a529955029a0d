"""The exchange as a layer: what happens between modalities after a private norm.

Each class is chosen by ``exchange=dict(type='...')`` of a backbone. A new one is a
subclass of :class:`Exchange`, registered in ``MODELS`` of mmengine or mmseg. What the
paper compares its exchange with is in :mod:`mmseg_cen.streams.ablations`.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from .build import arguments_of, build_from_config, type_of
from .exchange import ExchangeScope, check_scope, exchanged_channels, own_part
from .one_pass import replace_in_one_pass


class Exchange(nn.Module):
    """Base of the exchanges: layers between a private norm and the activation.

    Shape:
        - Input: normalized features, (B, M, C, ...), scaling factors, (M, C), and which
          streams exist, bool (B, M), or ``None``: all of them.
        - Output: features of the shape of the input.
    """

    #: Threshold theta on the scaling factors; 0 if they do not decide.
    threshold: float = 0.0
    #: Whether a modality gives away channels of its own part only, or any channel.
    scope: ExchangeScope = 'all'
    #: Whether scaling factors may decide. They are penalized then, and the share of the
    #: :meth:`chosen` channels is reported; else, they are factors as of any norm.
    by_gamma: bool = True
    #: Numbers of the streams that have no partner: they give no channel away.
    alone: tuple[int, ...] = ()

    def __init__(self) -> None:  # of no arguments, whereas nn.Module takes any
        super().__init__()

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        """Make parameters and buffers for a layer, once, when the layer is built.

        Args:
            num_modalities: Number of modalities M.
            num_channels: Channels C of one stream.
            place: Number of the layer among the exchanging layers.

        Raises:
            ValueError: If a layer of this size cannot exchange so.
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
    """The exchange of the paper, that of :func:`exchange_channels` (Eq. 6).

    Args:
        threshold: Threshold theta on the scaling factors; 0 exchanges nothing.
        scope: ``'own'`` (paper): modality m gives away channels of the m-th of M equal
            slices only; ``'all'`` (released code): any channel.

    Raises:
        ValueError: If an argument is out of its range.
    """

    part: Tensor | None  # own parts, (M, C), once a layer with the scope 'own' is built

    def __init__(self, threshold: float = 2e-2, scope: ExchangeScope = 'own') -> None:
        super().__init__()
        check_scope(scope)
        if not isinstance(threshold, Real) or not threshold >= 0:  # refuses NaN, too
            raise ValueError(
                f'`exchange_threshold`, a bound of |gamma|, must be a number that is '
                f'not negative, got {threshold!r}: set it to 0 to exchange nothing'
            )
        self.threshold = threshold
        self.scope = scope
        self.register_buffer('part', None, persistent=False)

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        if self.scope == 'own':
            self.part = own_part(num_modalities, num_channels)

    def replaced(self, gamma: Tensor) -> Tensor:
        """The :func:`exchanged_channels`, (M, C)."""
        if self.part is None:
            return exchanged_channels(gamma, self.threshold, self.scope)
        return self.chosen(gamma) & self.part

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        if not self.threshold:
            return x
        return replace_in_one_pass(x, self.replaced(gamma), present)

    def extra_repr(self) -> str:
        return f'threshold={self.threshold}, scope={self.scope!r}'


def by_threshold(exchange: Exchange | None) -> bool:
    """Whether a threshold on the scaling factors decides what is exchanged."""
    if isinstance(exchange, ExchangeSequence):
        return by_threshold(exchange.leader)
    return isinstance(exchange, ChannelExchange)


class ExchangeSequence(Exchange):
    """Several exchanges behind one norm, one after the other.

    Args:
        parts: The exchanges, of which one at most is by scaling factors.
    """

    def __init__(self, parts: Sequence[Exchange]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        by_gamma = [part for part in parts if part.by_gamma]
        self.by_gamma = bool(by_gamma)
        self._leader = parts.index(by_gamma[0]) if by_gamma else 0
        self.alone = self.leader.alone

    @property
    def threshold(self) -> float:
        """Threshold of the exchange by scaling factors, if there is one."""
        return self.leader.threshold

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        self.leader.threshold = threshold

    @property
    def scope(self) -> ExchangeScope:  # type: ignore[override]
        """Scope of the exchange by scaling factors, if there is one."""
        return self.leader.scope

    @property
    def leader(self) -> Any:
        """The exchange by scaling factors, else the first."""
        return self.parts[self._leader]

    def chosen(self, gamma: Tensor) -> Tensor:
        chosen: Tensor = self.leader.chosen(gamma)
        return chosen

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        for part in self.parts:
            x = part(x, gamma, present)
        return x


def exchange_config(
    exchange: dict[str, Any] | None,
    threshold: float | None,
    scope: ExchangeScope = 'own',
) -> dict[str, Any] | None:
    """The one config of how layers exchange, from the arguments of a network.

    Threshold and scope join the config if the type of the exchange has these arguments;
    what ``exchange`` says itself comes first.

    Args:
        exchange: Config of an :class:`Exchange`; ``None``: :class:`ChannelExchange`.
        threshold: Threshold of the exchange; ``None`` without ``exchange``: no layer
            exchanges.
        scope: Scope of the exchange.

    Returns:
        The config of each exchanging layer, or ``None`` if no layer exchanges.

    Raises:
        ValueError: If the type of the exchange is unknown, or an argument is out of its
            range.
    """
    ChannelExchange(threshold or 0, scope)  # checks both, even if none is used
    if exchange is None:
        if threshold is None:
            return None
        return dict(type=ChannelExchange, threshold=threshold, scope=scope)
    given = {'scope': scope} | ({} if threshold is None else {'threshold': threshold})
    known = arguments_of(type_of(exchange, Exchange))
    config = {name: value for name, value in given.items() if name in known} | exchange
    build_from_config(config, Exchange)  # checks it, even if no layer exchanges
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
        ValueError: If the config is wrong, or a layer of this size cannot exchange so.
    """
    built = build_from_config(exchange, Exchange)
    built.prepare(num_modalities, num_channels, place)
    return built


def exchange_configs(
    exchange: dict[str, Any] | Sequence[dict[str, Any]] | None,
    threshold: float | None,
    scope: ExchangeScope = 'own',
) -> list[dict[str, Any]]:
    """The :func:`exchange_config` of each of several exchanges, or of one, or of none.

    Raises:
        ValueError: See :func:`exchange_config`; or if ``exchange`` is an empty list, or
            several exchanges are by scaling factors.
    """
    several = isinstance(exchange, (list, tuple))
    given: Any = exchange if several else [exchange]
    if not given:
        raise ValueError(
            f'`exchange` as a list must hold an exchange or more, got {exchange}: set '
            f'it to None for the one that `exchange_threshold` chooses, or for none'
        )
    configs = [exchange_config(each, threshold, scope) for each in given]
    found = [config for config in configs if config is not None]
    by_gamma = [c for c in found if type_of(c, Exchange).by_gamma]
    if len(by_gamma) > 1:
        raise ValueError(
            f'`exchange` as a list must hold exchanges of which one at most is by '
            f'scaling factors, got {exchange}: leave out all but one of these'
        )
    return found
