"""The state of an optimizer in a checkpoint, before a training resumes with it."""

from collections.abc import Mapping
from typing import Any


def check_optimizer(optim_wrapper: Any, state: Any, filename: str) -> None:
    """Refuse the state of another optimizer, or of other groups of parameters.

    Torch takes the state of another optimizer for that of its own, and fails at the
    first step. Settings may differ, and a setting may be missing, as torch gets new
    ones. Where names stand for parameters, as FSDP writes them, these are not counted:
    its optimizer has flattened ones.

    Args:
        optim_wrapper: The wrapper of an optimizer, or a dict of several.
        state: Its state in a checkpoint.
        filename: Name of the checkpoint, for the message.

    Raises:
        ValueError: If the training cannot go on with this state.
    """
    if hasattr(optim_wrapper, 'optim_wrappers'):
        for name, wrapper in optim_wrapper.items():
            check_optimizer(wrapper, state.get(name), filename)
        return
    if not isinstance(state, Mapping) or 'param_groups' not in state:
        found = 'that of several optimizers or of none'
    else:
        found = _difference(optim_wrapper.optimizer, state['param_groups'])
    if found:
        raise ValueError(
            f'`optim_wrapper` must have the optimizer and the groups of parameters of '
            f'the checkpoint to resume its training, got {found} in {filename!r}: set '
            f'them as they were, or start from the weights with load_from={filename!r} '
            f'in the config, without resuming'
        )


def _difference(optimizer: Any, groups: list[dict[str, Any]]) -> str:
    """What of the groups of a checkpoint is not as in an optimizer, in words."""
    sizes, own = (
        [len(group['params']) for group in each]
        for each in (groups, optimizer.param_groups)
    )
    named = any(isinstance(one, str) for group in groups for one in group['params'])
    if sizes != own and not named:
        return (
            f'{sum(own)} parameters in {len(own)} groups, and {sum(sizes)} in '
            f'{len(sizes)} other groups'
        )
    kept, known = (
        {key for group in each for key in group if not key.startswith('initial_')}
        for each in (groups, optimizer.param_groups)
    )
    unset, unknown = sorted(optimizer.defaults.keys() - kept), sorted(kept - known)
    if unset and unknown:
        return f'a {type(optimizer).__name__}, and settings {unknown} of another one'
    return ''
