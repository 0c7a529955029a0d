"""Layers with a copy for each modality, and how to make the layers of a module so."""

import copy
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from .context import StreamAware
from .fold import split_streams
from .norm import NORM_BASES, ModalityNorm

#: One copy of a layer for all modalities, or one for each.
Sharing = Literal['shared', 'private']


def check_sharing(**arguments: str) -> None:
    """Raise a ValueError unless all values of named arguments are a :data:`Sharing`."""
    for name, value in arguments.items():
        if value not in get_args(Sharing):
            raise ValueError(
                f"`{name}` must be 'shared' by all modalities or 'private' to each, "
                f'got {value!r}: choose one'
            )


class PrivateLayer(StreamAware, nn.ModuleList):
    """M copies of a layer, copy m over the streams of modality m.

    The copies are layers of their own, not one grouped layer, so that initializers see
    the fan of one stream, and layers of any type can be private. The checkpoint of a
    unimodal network gives each modality a copy of its tensors.

    Args:
        layer: The layer of one stream; its copies start with its weights.
        num_modalities: Number of modalities M.

    Shape:
        - Input: folded features, (B*M, ...), and any other arguments of the layer, of
          which tensors of this batch size are split among the copies, too.
        - Output: the tensors that the copies return, folded.

    Raises:
        ValueError: If the input is not folded for M modalities.
    """

    def __init__(self, layer: nn.Module, num_modalities: int) -> None:
        super().__init__(copy.deepcopy(layer) for _ in range(num_modalities))

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        M, batch = len(self), x.shape[0]
        if batch % M or batch != (self.num_streams or batch):
            raise ValueError(
                f'{type(self[0]).__name__}, private to each of {M} modalities, must '
                f'see the B*M={self.num_streams or f"B*{M}"} streams of the input, got '
                f'a batch of {batch}: make the modalities of the model and the data '
                f"agree, or set convs='shared' if the model moves something else to "
                f'the batch axis'
            )

        def of_stream(m: int, value: Any) -> Any:
            if isinstance(value, Tensor) and value.ndim and value.shape[0] == batch:
                return split_streams(value, M)[:, m]
            return value

        outputs = [
            layer(
                of_stream(m, x),
                *(of_stream(m, value) for value in args),
                **{name: of_stream(m, value) for name, value in kwargs.items()},
            )
            for m, layer in enumerate(self)
        ]
        return torch.stack(outputs, dim=1).flatten(0, 1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        for name in self[0].state_dict():
            unimodal = state_dict.pop(prefix + name, None)
            if unimodal is not None:
                for m in range(len(self)):
                    state_dict[f'{prefix}{m}.{name}'] = unimodal
        super()._load_from_state_dict(state_dict, prefix, *args)


def to_private(module: nn.Module, num_modalities: int) -> nn.Module:
    """Replace the layers of a module by M copies, one private to each modality.

    A layer is a module that holds parameters but no submodules, or a convolution with
    all it consists of. With private layers only, each stream of the result computes
    what a module of its own does.

    Args:
        module: A module over (B, C, H, W) features, changed in place. Private layers
            stay as they are, and so do norm layers, which
            :func:`~mmseg_cen.streams.convert.to_multimodal` makes private.
        num_modalities: Number of modalities M; with 1, nothing is replaced.

    Returns:
        ``module``, now over folded features (B*M, C, H, W), or the private layer that
        replaces it, if ``module`` is a layer.

    Raises:
        ValueError: If a module holds parameters beside layers, or is not called with
            features; all such modules are named.
    """
    if num_modalities == 1:
        return module
    found: dict[nn.Module, None] = {}
    refused: list[str] = []
    _find_layers(module, '', found, refused)
    if refused:
        raise ValueError(
            f'all layers must become private to each modality, got {len(refused)} '
            f'modules that cannot be private, {"; ".join(refused)}: set '
            f"convs='shared', or choose another model"
        )
    private = {layer: PrivateLayer(layer, num_modalities) for layer in found}
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            if child in private:
                setattr(parent, name, private[child])
    return private.get(module, module)


def is_convolution(layer: nn.Module) -> bool:
    """Whether ``layer`` is a 2-D convolution, plain, transposed or deformable."""
    weight = getattr(layer, 'weight', None)
    return (
        isinstance(weight, Tensor)
        and weight.ndim == 4
        and hasattr(layer, 'kernel_size')
        and hasattr(layer, 'out_channels')
    )


def _find_layers(
    module: Any, name: str, found: dict[nn.Module, None], refused: list[str]
) -> None:
    """Add layers of ``module`` to ``found``; those that cannot be to ``refused``."""
    if isinstance(module, (PrivateLayer, ModalityNorm, *NORM_BASES)):
        return
    own = [key for key, _ in module.named_parameters(recurse=False)]
    if is_convolution(module) or (own and not module._modules):
        if isinstance(module, nn.Embedding):
            refused.append(f'{name or "the module"} (Embedding): it sees no features')
        found[module] = None
        return
    if own:
        refused.append(
            f'{name or "the module"} ({type(module).__name__}): it holds '
            f'{", ".join(own)} beside layers'
        )
    for key, child in module.named_children():
        _find_layers(child, f'{name}.{key}'.lstrip('.'), found, refused)
