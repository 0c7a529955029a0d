"""Norm layers that are private to each modality, followed by the exchange."""

from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from .channels_last import batch_norm_by_image, is_normalized_by_image
from .context import StreamAware
from .copies import num_channels, pack_copies, repeat_channels
from .exchange import ExchangeScope
from .exchanges import ChannelExchange, Exchange, build_exchange, exchange_config
from .fold import as_no_view, split_streams, swap_on_batch
from .one_expression import is_one_expression, normalize_and_exchange
from .one_pass import is_recorded
from .running import statistics_of_seen

NORM_BASES = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)


class ModalityNorm(StreamAware):
    """Base of the norm layers with one private copy per modality.

    The M private layers are one layer over M*C channels, which sees folded features as
    packed ones: no split, no loop, any M. That layer is a child, not a base class, as
    SyncBN conversion discards the forward of a subclass but converts a child. The
    checkpoint of a unimodal network gives each modality a copy of its tensors.

    Args:
        num_features: Channels C of one stream.
        num_modalities: Number of modalities M.
        exchange_threshold: Threshold of :class:`ChannelExchange`. ``None``: this layer
            does not exchange, and its scaling factors are not penalized. 0: nothing is
            exchanged, but the scaling factors count as those of an exchanging layer.
        exchange_scope: Scope of :class:`ChannelExchange`.
        exchange: Config of another :class:`Exchange`.
        **kwargs: Arguments of the layer that is made private.

    Shape:
        - Input and output: folded features, (B*M, C, ...).

    Raises:
        ValueError: If the input is not folded for M modalities of C channels.
    """

    norm: Any  # a module, whose attributes mypy does not know
    exchange: Exchange | None  # None: this layer does not exchange
    layer_type: type[nn.Module]
    defaults: dict[str, Any] = {}
    layout = 'B*{M}, {C}, H, W'
    channel_axis = 1
    has_regions = False  # whether the input is (B*M*R, C, ...), R regions per image
    regions = 1  # R of the last training pass, where there are some
    loaded_unimodal = False  # whether the last state had tensors of one modality

    def __init__(
        self,
        num_features: int,
        num_modalities: int,
        exchange_threshold: float | None = None,
        exchange_scope: ExchangeScope = 'own',
        exchange: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.num_modalities = num_modalities
        self.exchange = None
        exchange = exchange_config(exchange, exchange_threshold, exchange_scope)
        if exchange is not None:
            self.set_exchange(exchange)
        norm = self.build(num_features, **{**self.defaults, **kwargs})
        self.norm = pack_copies(norm, num_modalities)

    @classmethod
    def build(cls, num_features: int, **kwargs: Any) -> nn.Module:
        """The unimodal layer."""
        return cls.layer_type(num_features, **kwargs)

    @classmethod
    def from_unimodal(cls, norm: nn.Module, num_modalities: int) -> 'ModalityNorm':
        """A private copy of ``norm`` for each modality, its settings included."""
        private = cls(num_channels(norm), num_modalities)
        private.norm = pack_copies(norm, num_modalities)
        return private.train(norm.training)

    def set_exchange(self, exchange: dict[str, Any], place: int = 0) -> None:
        """Let the layer exchange channels.

        Args:
            exchange: Config of an :class:`Exchange`.
            place: Number of the layer among the exchanging layers.
        """
        self.exchange = build_exchange(
            exchange, self.num_modalities, self.num_features, place
        )

    @property
    def exchange_threshold(self) -> float | None:
        """Threshold of the exchange; ``None`` if this layer does not exchange."""
        return None if self.exchange is None else self.exchange.threshold

    @exchange_threshold.setter
    def exchange_threshold(self, threshold: float | None) -> None:
        if threshold is None:
            self.exchange = None
        elif self.exchange is None:
            self.set_exchange(dict(type=ChannelExchange, threshold=threshold))
        else:
            self.exchange.threshold = threshold

    @property
    def gamma(self) -> Tensor:
        """Scaling factors of every modality, (M, C)."""
        return self.norm.weight.view(self.num_modalities, self.num_features)

    def forward(self, x: Tensor) -> Tensor:
        M, regions = self.num_modalities, self._regions_per_image(x)
        if regions == 1:
            return self._normalize_and_exchange(x, self.present)
        present = self.present
        if present is not None:
            present = present.repeat_interleave(regions, dim=0)
        x = swap_on_batch(x, M, regions)  # (B*R*M, C, ...): each region is an image
        return swap_on_batch(self._normalize_and_exchange(x, present), regions, M)

    def normalize(self, x: Tensor) -> Tensor:
        """Folded features (B*M, C, ...) -> normalized ones, (B, M, C, ...)."""
        M, C = self.num_modalities, self.num_features
        packed = x.reshape(-1, M * C, *x.shape[2:])
        return self.norm(packed).unflatten(1, (M, C))

    def fold(self, streams: Tensor) -> Tensor:
        """Streams as :meth:`normalize` returns them -> the shape of its input."""
        return streams.flatten(0, 1)

    def _regions_per_image(self, x: Tensor) -> int:
        M, C = self.num_modalities, self.num_features
        if x.shape[0] % M or x.shape[self.channel_axis] != C:
            raise ValueError(
                f'folded features must be of shape ({self.layout.format(M=M, C=C)}), '
                f'got {tuple(x.shape)}: give the model as many modalities as the data'
            )
        trained = self.has_regions and self.training
        if trained and self.num_streams is None and not x.shape[0] % (M * self.regions):
            return self.regions  # perhaps the second run of a checkpointed block
        # Not divmod, which tensors do not have: torch.jit.trace makes them of sizes.
        streams = self.num_streams or x.shape[0] or 1
        regions, rest = x.shape[0] // streams, x.shape[0] % streams
        if rest or (regions > 1 and not self.has_regions):
            raise ValueError(
                f'{type(self).__name__}({self.extra_repr()}) must see the '
                f'B*M={self.num_streams} streams of the input, got a batch of '
                f'{x.shape[0]}: choose another model, as this one moves something else '
                f'to the batch axis, where modalities cannot be told apart'
            )
        if trained:
            self.regions = int(regions)
        return regions

    def _normalize_and_exchange(self, x: Tensor, present: Tensor | None) -> Tensor:
        with statistics_of_seen(self.norm, self.num_modalities, self.seen):
            streams = self.normalize(x)
        if self.exchange is not None:
            streams = self.exchange(streams, self.gamma, present)
        out = self.fold(streams)
        if torch.jit.is_tracing():  # compared with another one without gradients
            return out
        if not torch.is_grad_enabled():
            # Gradient checkpointing first runs layers without gradients. Torch then
            # refuses that the next ReLU changes the output in place, if it is a view.
            return out.detach()
        if is_recorded() or type(self.exchange) not in (type(None), ChannelExchange):
            return out
        return as_no_view(out)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        self.loaded_unimodal = prefix + 'weight' in state_dict
        if self.loaded_unimodal and self.exchange is not None:
            # A unimodal network has no exchange: its parameters stay as they are.
            for name, tensor in self.exchange.state_dict().items():
                state_dict.setdefault(f'{prefix}exchange.{name}', tensor)
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            unimodal = state_dict.pop(prefix + name, None)
            if unimodal is not None:
                copies = repeat_channels(unimodal, self.num_modalities)
                state_dict[f'{prefix}norm.{name}'] = copies
        if (count := state_dict.pop(prefix + 'num_batches_tracked', None)) is not None:
            state_dict[f'{prefix}norm.num_batches_tracked'] = count
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        return f'{self.num_features}, num_modalities={self.num_modalities}'


@MODELS.register_module()
class ModalityBN(ModalityNorm):
    """Private :class:`torch.nn.BatchNorm2d` of each modality (Sec. 3.4)."""

    _abbr_ = 'bn'  # mmcv then names the attribute `bn1`, as unimodal checkpoints do.
    layer_type = nn.BatchNorm2d

    def normalize(self, x: Tensor) -> Tensor:
        if not is_normalized_by_image(x, self.norm):
            return super().normalize(x)
        out = batch_norm_by_image(x, self.norm, self.num_modalities)
        return split_streams(out, self.num_modalities)

    def _normalize_and_exchange(self, x: Tensor, present: Tensor | None) -> Tensor:
        exchange: Any = self.exchange
        if present is None and is_one_expression(
            self.norm, exchange, self.num_modalities
        ):
            replaced = exchange.replaced(self.gamma)
            return normalize_and_exchange(x, self.norm, replaced)
        return super()._normalize_and_exchange(x, present)


@MODELS.register_module()
class ModalityIN(ModalityNorm):
    """Private :class:`torch.nn.InstanceNorm2d` of each modality (Sec. 4.2).

    It is affine by default: without scaling factors nothing is exchanged.
    """

    _abbr_ = 'in'
    layer_type = nn.InstanceNorm2d
    defaults = {'affine': True}


@MODELS.register_module()
class ModalityGN(ModalityNorm):
    """Private :class:`torch.nn.GroupNorm` of each modality."""

    _abbr_ = 'gn'
    layer_type = nn.GroupNorm
    defaults = {'num_groups': 1}

    @classmethod
    def build(cls, num_features: int, **kwargs: Any) -> nn.Module:
        return nn.GroupNorm(num_channels=num_features, **kwargs)
