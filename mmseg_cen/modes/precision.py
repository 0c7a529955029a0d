"""Automatic mixed precision, on CPU as on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper as AmpOptimWrapperOfMMEngine
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS

from mmseg_cen.once import warn_once

#: Where mmengine has mixed precision.
DEVICES = ('cpu', 'cuda', 'npu', 'mlu', 'musa')
#: Names of the types that layers compute in; ``'auto'``: that of the device.
PRECISIONS = dict(
    auto=None,
    bf16=torch.bfloat16,
    bfloat16=torch.bfloat16,
    fp16=torch.float16,
    float16=torch.float16,
)


def check_precision(
    dtype: str | torch.dtype | None, name: str = 'dtype', device: str | None = None
) -> torch.dtype:
    """The type that layers compute in under mixed precision.

    Args:
        dtype: One of :data:`PRECISIONS`; ``None``: that of the device, bfloat16 on CPU
            and float16 on a GPU.
        name: What the user calls it.
        device: ``'cpu'``, ``'cuda'``, ...; by default, the one that mmengine selects.

    Raises:
        ValueError: If there is no such type, or the device does not compute in it.
    """
    device = device or get_device()
    if device not in DEVICES:
        raise ValueError(
            f'the device must be a GPU or a CPU for mixed precision, got {device!r}: '
            f'leave mixed precision out'
        )
    if dtype in (None, 'auto'):
        dtype = torch.bfloat16 if device == 'cpu' else torch.float16
    found = PRECISIONS.get(dtype) if isinstance(dtype, str) else dtype
    if found not in (torch.bfloat16, torch.float16):
        raise ValueError(
            f'`{name}` must be one of {[*PRECISIONS]}, got {dtype!r}: choose one'
        )
    if device == 'cpu' and found != torch.bfloat16:
        raise ValueError(
            f'`{name}` must be bf16 on a CPU, got {dtype!r}: float16 needs a GPU, '
            f'choose bf16'
        )
    is_bf16 = found == torch.bfloat16
    if device == 'cuda' and is_bf16 and not torch.cuda.is_bf16_supported():
        raise ValueError(
            f'`{name}` must be fp16 on this GPU, which has no bfloat16, got '
            f'{dtype!r}: choose fp16'
        )
    if device == 'cpu' and not is_fast_on_cpu():
        warn_once(
            'bfloat16',
            'mixed precision is slow on this CPU, slower than without: convolutions in '
            'bfloat16 need a processor with AVX-512',
        )
    return found


def is_fast_on_cpu() -> bool:
    """Whether oneDNN convolves in bfloat16 on this processor; else torch's loops do."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@contextmanager
def default_precision(dtype: torch.dtype | None) -> Iterator[None]:
    """Context in which autocast on a GPU computes in ``dtype`` where it says no other.

    As it does in mmengine's loops. ``None``: it stays what it is.
    """
    before = torch.get_autocast_dtype('cuda')
    torch.set_autocast_dtype('cuda', dtype or before)
    try:
        yield
    finally:
        torch.set_autocast_dtype('cuda', before)


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(AmpOptimWrapperOfMMEngine):
    """Mixed precision in trainings; in bfloat16 on CPU, too.

    mmengine's wrapper asserts that there is a GPU. In a config of
    ``default_scope='mmseg'``, its name means this one.

    Losses are scaled in float16 only: bfloat16 has the range of float32.

    Args:
        loss_scale: See :class:`mmengine.optim.AmpOptimWrapper`.
        dtype: See :func:`check_precision`.
        **kwargs: Passed to :class:`mmengine.optim.AmpOptimWrapper`.

    Raises:
        ValueError: If the device does not compute in ``dtype``.
    """

    def __init__(
        self,
        loss_scale: Any = 'dynamic',
        dtype: str | torch.dtype | None = None,
        **kwargs: Any,
    ) -> None:
        precision = check_precision(dtype, 'optim_wrapper.dtype')
        if precision == torch.float16:
            super().__init__(loss_scale=loss_scale, dtype=precision, **kwargs)
            return
        kwargs.pop('use_fsdp', None)  # chooses a scaler
        OptimWrapper.__init__(self, **kwargs)
        self.loss_scaler = torch.amp.GradScaler(get_device(), enabled=False)
        self._scale_update_param = None
        self.cast_dtype = precision

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state, also of a training in another precision."""
        if not state_dict.get('loss_scaler'):  # it scaled no losses
            state_dict = {k: v for k, v in state_dict.items() if k != 'loss_scaler'}
        super().load_state_dict(state_dict)
