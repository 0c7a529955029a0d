"""Where a network runs."""

import torch


def require_device(name: str, option: str = 'device') -> torch.device:
    """The device of a name.

    Args:
        name: Such as ``'cpu'`` or ``'cuda:1'``.
        option: How the message calls it.

    Raises:
        ValueError: If this computer has no such device.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(
            f"`{option}` must be one that this computer has, such as 'cpu', got "
            f'{name!r}: correct it'
        ) from error
