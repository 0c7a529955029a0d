"""Norm layers that are private to each modality, with the exchange on top."""

from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from .exchange import ExchangeScope, check_scope, exchange_channels


class ModalityNorm(nn.Module):
    """Base of the norm layers with one private copy per modality.

    The M private layers are one ``layer_type`` over M*C channels, which sees folded
    features as packed ones: no split, no loop, any M. It is composed, not inherited,
    so that SyncBN conversion, which discards a subclass's forward, converts the child.
    The checkpoint of a unimodal network gives each modality a copy of its tensors.

    Args:
        num_features: Channels C of one stream.
        num_modalities: Number of modalities M.
        exchange_threshold: Threshold of :func:`exchange_channels`. ``None``: this layer
            is no place of exchange, and its scaling factors are not penalized. 0: it is
            one where nothing is exchanged.
        exchange_scope: Scope of :func:`exchange_channels`.
        **kwargs: Arguments of ``layer_type``.

    Shape:
        - Input and output: folded features, (B*M, C, H, W).

    Raises:
        ValueError: The input is not folded for M modalities of C channels.
    """

    layer_type: type[_NormBase]
    defaults: dict[str, Any] = {}

    def __init__(
        self,
        num_features: int,
        num_modalities: int,
        exchange_threshold: float | None = None,
        exchange_scope: ExchangeScope = 'own',
        **kwargs: Any,
    ) -> None:
        super().__init__()
        check_scope(exchange_scope)
        self.num_features = num_features
        self.num_modalities = num_modalities
        self.exchange_threshold = exchange_threshold
        self.exchange_scope = exchange_scope
        self.norm = self.layer_type(
            num_modalities * num_features, **{**self.defaults, **kwargs}
        )

    @classmethod
    def from_unimodal(
        cls, norm: _NormBase, num_modalities: int, **kwargs: Any
    ) -> 'ModalityNorm':
        """A private copy of ``norm`` for each modality."""
        private = cls(
            norm.num_features,
            num_modalities,
            eps=norm.eps,
            momentum=norm.momentum,
            affine=norm.affine,
            track_running_stats=norm.track_running_stats,
            **kwargs,
        )
        if isinstance(norm, nn.SyncBatchNorm):
            private = nn.SyncBatchNorm.convert_sync_batchnorm(private)
        private.load_state_dict(norm.state_dict())
        for name, parameter in norm.named_parameters():
            private.to(parameter)
            private.norm.get_parameter(name).requires_grad_(parameter.requires_grad)
        return private.train(norm.training)

    @property
    def gamma(self) -> Tensor:
        """Scaling factors of every modality, (M, C)."""
        return self.norm.weight.view(self.num_modalities, self.num_features)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] % self.num_modalities or x.shape[1] != self.num_features:
            raise ValueError(
                f'expected folded features of shape (B*{self.num_modalities}, '
                f'{self.num_features}, H, W), got {tuple(x.shape)}: check that the '
                f'model has as many modalities as the data'
            )
        packed = x.reshape(-1, self.norm.num_features, *x.shape[2:])
        out = self.norm(packed)
        if self.exchange_threshold:  # neither None nor 0
            out = out.unflatten(1, (self.num_modalities, self.num_features))
            out = exchange_channels(
                out, self.gamma, self.exchange_threshold, self.exchange_scope
            )
        return out.reshape(x.shape)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            unimodal = state_dict.pop(prefix + name, None)
            if unimodal is not None:
                state_dict[f'{prefix}norm.{name}'] = unimodal.repeat(
                    self.num_modalities
                )
        if (count := state_dict.pop(prefix + 'num_batches_tracked', None)) is not None:
            state_dict[f'{prefix}norm.num_batches_tracked'] = count
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        text = f'{self.num_features}, num_modalities={self.num_modalities}'
        if self.exchange_threshold is not None:
            text += f', exchange_threshold={self.exchange_threshold}'
            text += f', exchange_scope={self.exchange_scope!r}'
        return text


@MODELS.register_module()
class ModalityBN(ModalityNorm):
    """Private :class:`torch.nn.BatchNorm2d` of each modality (Sec. 3.4)."""

    _abbr_ = 'bn'  # mmcv then names the attribute `bn1`, as unimodal checkpoints do.
    layer_type = nn.BatchNorm2d


@MODELS.register_module()
class ModalityIN(ModalityNorm):
    """Private :class:`torch.nn.InstanceNorm2d` of each modality (Sec. 4.2).

    It is affine unless asked otherwise: without scaling factors nothing is exchanged.
    """

    _abbr_ = 'in'
    layer_type = nn.InstanceNorm2d
    defaults = {'affine': True}
