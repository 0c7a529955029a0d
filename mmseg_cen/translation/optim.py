"""Two optimizers, and many processes, for a generator and a discriminator."""

import copy
from typing import Any

from mmengine.device import get_device
from mmengine.model import MMSeparateDistributedDataParallel, is_model_wrapper
from mmengine.optim import (
    DefaultOptimWrapperConstructor,
    OptimWrapperDict,
)
from mmengine.registry import MODEL_WRAPPERS, OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmseg_cen.streams.state import unwrap


class CountingOptimWrapperDict(OptimWrapperDict):
    """Optimizer wrappers that all know the iteration, for gradient accumulation."""

    def initialize_count_status(
        self, model: nn.Module, init_counts: int, max_counts: int
    ) -> None:
        for wrapper in self.values():
            wrapper.initialize_count_status(model, init_counts, max_counts)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class OptimWrapperDictConstructor:
    """Builds an optimizer wrapper for each named part of the model.

    After mmagic's ``MultiOptimWrapperConstructor``.

    Args:
        optim_wrapper_cfg: Config of an optimizer wrapper under the name of each part,
            each with its own ``paramwise_cfg``, if wanted.
        paramwise_cfg: Must be ``None``: each part has its own.

    Raises:
        ValueError: If the model has no such part, or the config of a part has no
            ``optimizer``.
    """

    def __init__(
        self, optim_wrapper_cfg: dict[str, Any], paramwise_cfg: Any = None
    ) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                '`paramwise_cfg` must belong to one optimizer, got '
                f'{paramwise_cfg} for all: set it in the config of one of '
                f'{list(optim_wrapper_cfg)}'
            )
        self.optim_wrapper_cfg = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the optimizer wrappers of a model."""
        network = unwrap(model)
        wrappers = {}
        for name, cfg in self.optim_wrapper_cfg.items():
            part = getattr(network, name, None)
            if not isinstance(part, nn.Module) or 'optimizer' not in cfg:
                parts = [key for key, _ in network.named_children()]
                raise ValueError(
                    '`optim_wrapper` must hold a config dict(optimizer=...) for parts '
                    f'of the {type(network).__name__}, out of {parts}, got {name}={cfg}'
                    ': correct or remove it'
                )
            cfg = copy.deepcopy(cfg)
            paramwise_cfg = cfg.pop('paramwise_cfg', None)
            wrappers[name] = DefaultOptimWrapperConstructor(cfg, paramwise_cfg)(part)
        return CountingOptimWrapperDict(**wrappers)


@MODEL_WRAPPERS.register_module()
class SeparateDistributedDataParallel(MMSeparateDistributedDataParallel):
    """Data parallel processes for models with several optimizers, on CPU, too.

    Unlike mmengine's wrapper, it saves checkpoints in the names of the model itself, so
    that one process can continue the training of several.

    Args:
        module: The model; each part of it that is trained is wrapped on its own.
        device_ids: Device of this process; unused on CPU.
        **kwargs: Passed to ``MMSeparateDistributedDataParallel``.
    """

    def __init__(
        self, module: nn.Module, device_ids: Any = None, **kwargs: Any
    ) -> None:
        if get_device() != 'cpu':
            kwargs['device_ids'] = device_ids
        super().__init__(module=module, **kwargs)
        for part in module.children():
            if is_model_wrapper(part):
                # Public since torch 2.5, as `register_state_dict_post_hook`.
                part._register_state_dict_hook(_without_wrapper)


def _without_wrapper(
    wrapper: nn.Module, state: dict[str, Any], prefix: str, metadata: Any
) -> None:
    """Remove the prefix ``module.`` of a wrapper from the names of a state dict."""
    for name in [name for name in state if name.startswith(f'{prefix}module.')]:
        state[prefix + name.removeprefix(f'{prefix}module.')] = state.pop(name)
