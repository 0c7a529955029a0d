"""Shared linear layers with a low-rank part that is private to each modality."""

import math
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn

from .context import StreamAware
from .norm import ModalityNorm


class LoRALinear(StreamAware, nn.Linear):
    r"""A shared linear layer, plus a product of rank r of each modality.

    .. math::
        y_m = W x_m + b + \frac{s}{r} B_m A_m x_m

    :math:`B_m` starts at 0: all streams are those of the shared layer. Checkpoints of a
    unimodal network have its weights only, and leave the private parts as they are.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022,
    Eq. 3. A part for each modality is ours.

    Args:
        in_features: Channels of the input.
        out_features: Channels of the output.
        num_modalities: Number of modalities M.
        rank: Rank r.
        scale: The factor s.
        bias: Whether there is b.

    Shape:
        - Input: folded features, (B*M, ..., C), or of R regions of each stream, such as
          windows, (B*M*R, ..., C).
        - Output: the same, of ``out_features`` channels.

    Raises:
        ValueError: If the input is not of whole streams.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        num_modalities: int,
        rank: int = 4,
        scale: float = 1.0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_features, out_features, bias)
        M = num_modalities
        self.num_modalities = M
        self.factor = scale / rank
        self._regions = 1  # of each stream in the last training pass
        self.lora_a = nn.Parameter(torch.empty(M, rank, in_features))
        self.lora_b = nn.Parameter(torch.zeros(M, out_features, rank))
        nn.init.kaiming_uniform_(self.lora_a.view(-1, in_features), a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        M = self.num_modalities
        regions, rest = self._regions_per_stream(x)
        if rest or x.shape[0] % (M * regions):
            raise ValueError(
                f'inputs of a linear layer with `lora` must be of the B*M='
                f'{self.num_streams} streams of the input, got a batch of '
                f'{x.shape[0]}: leave `lora` out for this model'
            )
        streams = x.unflatten(0, (-1, M, regions)).transpose(0, 1)  # (M, B, R, ..., C)
        low = streams.flatten(1, -2) @ self.lora_a.transpose(1, 2)
        own = (low @ self.lora_b.transpose(1, 2)).unflatten(1, streams.shape[1:-1])
        return super().forward(x) + self.factor * own.transpose(0, 1).flatten(0, 2)

    def _regions_per_stream(self, x: Tensor) -> tuple[int, int]:
        # Not divmod, which tensors do not have: torch.jit.trace makes them of sizes.
        if self.num_streams is None:  # perhaps the second run of a checkpointed block
            return (self._regions, 0) if self.training else (1, 0)
        regions = x.shape[0] // self.num_streams
        if self.training:
            self._regions = int(regions)
        return regions, x.shape[0] % self.num_streams

    def merged_weight(self, modality: int) -> Tensor:
        """The weight of the linear layer that computes one stream."""
        own = self.lora_b[modality] @ self.lora_a[modality]
        return self.weight + self.factor * own

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        if prefix + 'weight' in state_dict:  # perhaps a unimodal network's
            state_dict.setdefault(f'{prefix}lora_a', self.lora_a.detach())
            state_dict.setdefault(f'{prefix}lora_b', self.lora_b.detach())
        super()._load_from_state_dict(state_dict, prefix, *args)


def check_lora(lora: Any, num_modalities: int, convs: str, norms: str) -> None:
    """Raise a ValueError unless a network can have these parts.

    Args:
        lora: Arguments of :func:`add_lora`.
        num_modalities: Number of modalities M.
        convs: ``'shared'`` or ``'private'`` layers.
        norms: ``'shared'`` or ``'private'`` norms.
    """
    known: dict[str, Any] = {'rank': Integral, 'scale': Real}
    if not isinstance(lora, dict) or not lora.keys() <= known.keys():
        raise ValueError(
            f'`lora` must be a dict of {[*known]}, got {lora!r}: set '
            f'dict(rank=4, scale=1.0)'
        )
    for name, value in lora.items():
        if not isinstance(value, known[name]) or not 0 < value < math.inf:
            raise ValueError(
                f'`{name}` of lora must be a positive number, got {value!r}: set '
                f'rank=4, scale=1.0'
            )
    if (norms, convs) != ('private', 'shared'):
        raise ValueError(
            f'`lora` must have shared layers and private norms, got convs={convs!r}, '
            f'norms={norms!r}: leave them out'
        )
    if num_modalities < 2:
        raise ValueError(
            f'`lora` must have several modalities, each with parts of its own, got '
            f'num_modalities={num_modalities}: leave it out'
        )


def add_lora(
    module: nn.Module, num_modalities: int, rank: int = 4, scale: float = 1.0
) -> None:
    """Give linear layers a private part of low rank, and freeze what is shared.

    Private norms, parameters of exchanges and the new parts are all that is trained.
    Projections within ``torch.nn.MultiheadAttention`` are no layers, and have no part,
    nor has BEiT's ``qkv``, a layer that is not called.

    Args:
        module: A network with private norms, changed in place.
        num_modalities: Number of modalities M.
        rank: Rank r of the parts.
        scale: See :class:`LoRALinear`.

    Raises:
        ValueError: If the network has no linear layer.
    """
    found: list[Any] = [
        child
        for parent in module.modules()
        for name, child in parent._modules.items()
        if _is_linear(child) and not _is_weight_only(parent, name)
    ]
    if not found:
        raise ValueError(
            f'`lora` must be given for a network with linear layers, got a '
            f'{type(module).__name__}: leave it out'
        )
    kept = {
        parameter
        for norm in module.modules()
        if isinstance(norm, ModalityNorm)
        for parameter in norm.parameters()
    }
    for parameter in module.parameters():
        if parameter not in kept:
            parameter.requires_grad = False
    with_parts: dict[Any, LoRALinear] = {
        layer: LoRALinear(
            layer.in_features,
            layer.out_features,
            num_modalities,
            rank,
            scale,
            layer.bias is not None,
        )
        for layer in found
    }
    for layer, new in with_parts.items():
        new.weight, new.bias = layer.weight, layer.bias
        new.train(layer.training)
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            if child in with_parts:
                setattr(parent, name, with_parts[child])


def _is_weight_only(parent: nn.Module, name: str) -> bool:
    """Whether an attention multiplies by the layer's weight and adds biases itself."""
    return name == 'qkv' and isinstance(getattr(parent, 'q_bias', None), Tensor)


def _is_linear(layer: nn.Module | None) -> bool:
    """Whether it is a plain linear layer, of torch or of mmcv, by the same name."""
    return isinstance(layer, nn.Linear) and type(layer).__name__ == 'Linear'
