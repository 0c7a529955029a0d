"""Modes that a config or the command line of a tool asks for."""

from argparse import Namespace
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device

from .compilation import check_compile
from .precision import check_precision

#: Fields of a config that are arguments of the ``NetworkModesHook``.
NETWORK_MODES = ('channels_last', 'compile', 'activation_checkpointing')


def set_modes(cfg: Config, args: Namespace) -> None:
    """Write the options ``--channels-last`` and ``--compile`` into a config."""
    if args.channels_last:
        cfg.channels_last = True
    if args.compile:
        cfg.compile = cfg.get('compile') or True


def hand_modes_to_hook(cfg: Config) -> None:
    """Let a hook set the modes of the network that fields of a config ask for.

    Args:
        cfg: Changed in place. A list of names in ``activation_checkpointing`` is
            mmengine's own, and stays.

    Raises:
        ValueError: If a field has another value, or nothing can be compiled here.
    """
    modes: dict[str, Any] = {}
    for name in NETWORK_MODES:
        value = cfg.get(name)
        if name == 'activation_checkpointing' and not isinstance(value, bool):
            continue
        if not isinstance(value, (bool, dict, type(None))):
            raise ValueError(
                f'`{name}` must be True or False, got {value!r}: choose one of them'
            )
        if value is not None:
            cfg.pop(name)
            modes[name] = value
    if (compile_ := modes.get('compile', False)) is not False:
        check_compile({} if compile_ is True else compile_, get_device())
    if any(value is not False for value in modes.values()):
        hook = dict(type='NetworkModesHook', **modes)
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), hook]


def train_in_mixed_precision(cfg: Config, dtype: str) -> None:
    """Let the optimizer wrappers of a config train in mixed precision.

    Args:
        cfg: Changed in place.
        dtype: See :func:`check_precision`.

    Raises:
        ValueError: If the device does not compute in this type, or an optimizer wrapper
            has a precision of its own.
    """
    check_precision(dtype, '--amp')
    wrappers = [  # of several optimizers
        part
        for part in cfg.optim_wrapper.values()
        if isinstance(part, dict) and 'optimizer' in part
    ]
    for wrapper in wrappers or [cfg.optim_wrapper]:
        name = wrapper.get('type', 'OptimWrapper')
        if name not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise ValueError(
                f'`optim_wrapper.type` must be OptimWrapper for --amp, got {name!r}: '
                f'configure mixed precision there'
            )
        wrapper['type'] = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')
        if dtype != 'auto':
            wrapper['dtype'] = dtype


def test_in_mixed_precision(cfg: Config, dtype: str) -> None:
    """Let the test of a config compute in mixed precision.

    Args:
        cfg: Changed in place.
        dtype: See :func:`check_precision`.

    Raises:
        ValueError: If the device does not compute in this type.
    """
    check_precision(dtype, '--amp')
    cfg.test_cfg = {**cfg.test_cfg, 'fp16': dtype}
