"""Loops of validation and test that compute in a precision of the user's choice."""

from typing import Any

from mmengine.runner import TestLoop as TestLoopOfMMEngine
from mmengine.runner import ValLoop as ValLoopOfMMEngine
from mmseg.registry import LOOPS

from mmseg_cen.modes import check_precision, default_precision


class MixedPrecision:
    """Mixin for a loop: ``fp16`` may name the type that layers compute in.

    Args:
        *args: Passed to the loop.
        fp16: ``True``: mixed precision in the type of the device, bfloat16 on CPU and
            float16 on a GPU; ``'bf16'`` or ``'fp16'``: in this one.
        **kwargs: Passed to the loop.

    Raises:
        ValueError: If the device does not compute in this type.
    """

    def __init__(self, *args: Any, fp16: bool | str = False, **kwargs: Any) -> None:
        self.precision = None
        if fp16 is not False:
            self.precision = check_precision(None if fp16 is True else fp16, 'fp16')
        kwargs['fp16'] = bool(fp16)
        super().__init__(*args, **kwargs)

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Predict and measure a batch."""
        with default_precision(self.precision):
            super().run_iter(idx, data_batch)  # type: ignore[misc]


@LOOPS.register_module()
class ValLoop(MixedPrecision, ValLoopOfMMEngine):
    """mmengine's validation, in any :class:`MixedPrecision`."""


@LOOPS.register_module()
class TestLoop(MixedPrecision, TestLoopOfMMEngine):
    """mmengine's test, in any :class:`MixedPrecision`."""
