"""The weights of one stream, as those of the unimodal network."""

from torch import Tensor, nn

from .attention import AttentionSeam
from .lora import LoRALinear
from .norm import ModalityNorm
from .private import PrivateLayer


def stream_state_dict(module: nn.Module, modality: int) -> dict[str, Tensor]:
    """State dict of the unimodal network that computes one stream without exchange.

    The inverse of :func:`~mmseg_cen.streams.convert.to_multimodal`, for the stream with
    index ``modality``.
    """
    state: dict[str, Tensor] = dict(module.state_dict())
    for prefix, layer in module.named_modules(remove_duplicate=False):
        # A unimodal network has no exchange.
        exchange = getattr(layer, 'exchange', None)
        if isinstance(layer, (ModalityNorm, AttentionSeam)) and exchange is not None:
            for name in exchange.state_dict():
                del state[f'{prefix}.exchange.{name}'.lstrip('.')]
        if isinstance(layer, ModalityNorm):
            for name in layer.norm.state_dict():
                key = f'{prefix}.norm.{name}'.lstrip('.')
                tensor = state.pop(key)
                if tensor.ndim:
                    tensor = tensor.chunk(layer.num_modalities)[modality]
                state[f'{prefix}.{name}'.lstrip('.')] = tensor
        elif isinstance(layer, LoRALinear):
            for name in ('lora_a', 'lora_b'):
                del state[f'{prefix}.{name}'.lstrip('.')]
            merged = layer.merged_weight(modality).detach()
            state[f'{prefix}.weight'.lstrip('.')] = merged
        elif isinstance(layer, PrivateLayer):
            for name in layer[0].state_dict():
                of_streams = [
                    state.pop(f'{prefix}.{m}.{name}'.lstrip('.'))
                    for m in range(len(layer))
                ]
                state[f'{prefix}.{name}'.lstrip('.')] = of_streams[modality]
    return state
