"""What the paper compares its exchange with: the ablations of Sec. 4.1.

Ablations are numbered as in the text of that section.
"""

from numbers import Real

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .exchange import (
    ExchangeScope,
    check_scope,
    mean_of_others,
    over_features,
    own_part,
)
from .exchanges import ChannelExchange, Exchange
from .one_pass import replace_in_one_pass


@MODELS.register_module()
class ChannelDrop(ChannelExchange):
    """Unimportant channels become zero, and nothing replaces them (ablation 5).

    The channels are those that :class:`ChannelExchange` replaces; its arguments are the
    same.
    """

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return torch.where(over_features(self.replaced(gamma), x), 0, x)


@MODELS.register_module()
class FixedPortionExchange(Exchange):
    r"""The same number of channels in each layer, without a threshold (ablation 1).

    The channels with the smallest scaling factors are replaced; no penalty is needed.
    With ``pattern=r'layer[234]\.0\.'`` of the backbone, only the down-sampling blocks
    of a ResNet exchange.

    Args:
        portion: Share of the C channels that every modality gives away.
        scope: Which channels these may be, as in :class:`ChannelExchange`.

    Raises:
        ValueError: If an argument is out of its range, or the portion is larger than
            the own part, 1/M of the channels.
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
                f"`portion` with scope='own' must be at most 1/{num_modalities} for "
                f'{num_modalities} modalities, got portion={self.portion}: lower it, '
                f"or set scope='all'"
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
        return replace_in_one_pass(x, self.chosen(gamma), present)

    def extra_repr(self) -> str:
        return f'portion={self.portion}, scope={self.scope!r}'


@MODELS.register_module()
class RandomExchange(Exchange):
    """Random channels are exchanged, the same ones in all modalities (ablation 5).

    As in a ShuffleNet, the channels are drawn once, when the network is built. With two
    modalities no activation is lost.

    Args:
        portion: Share of the C channels.
        seed: Seed of the draw; every layer draws on its own.

    Raises:
        ValueError: If an argument is out of its range.
    """

    mask: Tensor

    def __init__(self, portion: float = 0.3, seed: int = 0) -> None:
        super().__init__()
        _check_portion(portion)
        if not isinstance(seed, int):
            raise ValueError(f'`seed` must be an integer, got {seed!r}: choose one')
        self.portion = portion
        self.seed = seed

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        # The draw depends on the seed and the place, not on the global generator: it is
        # the same when a checkpoint is tested, and need not be stored in it.
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
        return replace_in_one_pass(x, self.mask, present)

    def extra_repr(self) -> str:
        return f'portion={self.portion}, seed={self.seed}'


@MODELS.register_module()
class SumExchange(Exchange):
    """Every channel is summed with its mean over the other modalities (ablation 3).

    The paper drops the first line of Eq. 6 and its condition: no scaling factor decides
    any more.
    """

    def chosen(self, gamma: Tensor) -> Tensor:
        return torch.ones_like(gamma, dtype=torch.bool)

    def forward(
        self, x: Tensor, gamma: Tensor, present: Tensor | None = None
    ) -> Tensor:
        return x + mean_of_others(x, present)


@MODELS.register_module()
class GatedSumExchange(SumExchange):
    """:class:`SumExchange` with a learned soft gate on the mean (ablation 3).

    The gate of each channel of each modality is the sigmoid of a parameter. It starts
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
            f'`portion` must be a share of the channels, in [0, 1], got {portion!r}: '
            f'choose a fraction'
        )
