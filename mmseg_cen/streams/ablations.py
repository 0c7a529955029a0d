"""Exchanges to compare the exchange of the paper with: the ablations of Sec. 4.1."""

from numbers import Real

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .exchange import (
    ExchangeScope,
    check_scope,
    exchanged_channels,
    mean_of_others,
    over_features,
    own_part,
    replace_channels,
)
from .exchanges import ChannelExchange, Exchange


@MODELS.register_module()
class ChannelDrop(ChannelExchange):
    """Unimportant channels are discarded, and nothing replaces them (ablation 5).

    Zeros stand in the place of what :class:`ChannelExchange` replaces, whose arguments
    it has.
    """

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        dropped = exchanged_channels(gamma, self.threshold, self.scope)
        return torch.where(over_features(dropped, x), 0, x)


@MODELS.register_module()
class FixedPortionExchange(Exchange):
    r"""The same number of channels in each layer, without a threshold (ablation 1).

    Replaced are those with the smallest scaling factors, for which it needs no penalty.
    With ``pattern=r'layer[234]\.0\.'`` of the backbone, it is done in the
    down-sampling stages of a ResNet only.

    Args:
        portion: Share of the C channels that every modality gives away.
        scope: Where they are, as in :class:`ChannelExchange`.

    Raises:
        ValueError: An argument has no meaning, or the own part, of 1/M of the channels,
            is smaller than the portion.
    """

    def __init__(self, portion: float = 0.3, scope: ExchangeScope = 'own') -> None:
        super().__init__()
        check_scope(scope)
        _check_portion(portion)
        self.portion = portion
        self.scope = scope

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        if self.scope == 'own' and self.portion > 1 / num_modalities:
            raise ValueError(
                f'with scope="own", each of {num_modalities} modalities gives away at '
                f'most 1/{num_modalities} of the channels, got portion={self.portion}; '
                f'lower it, or choose scope="all"'
            )

    def chosen(self, gamma: Tensor) -> Tensor:
        M, C = gamma.shape
        size = gamma.abs()
        count = round(self.portion * C)
        if self.scope == 'own':
            part = own_part(M, C, gamma.device)
            size = size.masked_fill(~part, torch.inf)
            count = min(count, C // M)
        order = size.argsort(dim=1, stable=True)
        chosen = torch.zeros_like(size, dtype=torch.bool)
        return chosen.scatter_(1, order[:, :count], True)

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return replace_channels(x, self.chosen(gamma), present)

    def extra_repr(self) -> str:
        return f'portion={self.portion}, scope={self.scope!r}'


@MODELS.register_module()
class RandomExchange(Exchange):
    """Channels drawn at random, the same in all modalities (ablation 5).

    As in a ShuffleNet, the shuffle is fixed: it is drawn when the network is built, and
    with two modalities no activation is lost.

    Args:
        portion: Share of the C channels.
        seed: Of the draw; every layer draws on its own.

    Raises:
        ValueError: The portion is no share, or the seed no integer.
    """

    mask: Tensor

    def __init__(self, portion: float = 0.3, seed: int = 0) -> None:
        super().__init__()
        _check_portion(portion)
        if not isinstance(seed, int):
            raise ValueError(f'seed is an integer, got {seed!r}')
        self.portion = portion
        self.seed = seed

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        # A draw of the seed and the place, not of the global generator: it is the same
        # when a checkpoint is tested, and needs no place in it.
        generator = torch.Generator().manual_seed(1009 * self.seed + place)
        drawn = torch.randperm(num_channels, generator=generator)
        mask = torch.zeros(num_modalities, num_channels, dtype=torch.bool)
        mask[:, drawn[: round(self.portion * num_channels)]] = True
        self.register_buffer('mask', mask, persistent=False)

    def chosen(self, gamma: Tensor) -> Tensor:
        return self.mask

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return replace_channels(x, self.mask, present)

    def extra_repr(self) -> str:
        return f'portion={self.portion}, seed={self.seed}'


@MODELS.register_module()
class SumExchange(Exchange):
    """Every channel plus its mean over the other modalities (ablation 3).

    The paper discards the first line of Eq. 6 with its condition and sums: no scaling
    factor decides any more.
    """

    def chosen(self, gamma: Tensor) -> Tensor:
        return torch.ones_like(gamma, dtype=torch.bool)

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return x + mean_of_others(x, present)


@MODELS.register_module()
class GatedSumExchange(SumExchange):
    """:class:`SumExchange` with a learnt soft gate on what is added (ablation 3).

    A gate is the sigmoid of one parameter for each channel of each modality, and starts
    half open.
    """

    gate_logits: Tensor

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        self.gate_logits = nn.Parameter(torch.zeros(num_modalities, num_channels))

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        gate = over_features(self.gate_logits.sigmoid(), x)
        return x + gate * mean_of_others(x, present)


def _check_portion(portion: float) -> None:
    if not isinstance(portion, Real) or not 0 <= portion <= 1:
        raise ValueError(
            f'portion is a share of the channels, in [0, 1], got {portion!r}'
        )
