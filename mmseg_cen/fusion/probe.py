"""Run a network on blank images, to see what its stages return."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmseg_cen.streams.private import is_convolution


def stage_channels(
    network: nn.Module,
    forward: Callable[[Tensor], Any],
    images: Tensor,
    stages: Sequence[str],
) -> dict[str, int]:
    """Channels of the feature maps of some stages, in the order the stages run.

    Args:
        network: The network.
        forward: Runs the network, from images to anything.
        images: What ``forward`` takes.
        stages: Names of submodules of the network.

    Raises:
        ValueError: If a stage returns no feature map, or does not run exactly once.
    """
    channels: dict[str, int] = {}

    def see(name: str, stage: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(
                f'a fused stage must return a feature map, got '
                f'{getattr(output, "shape", type(output).__name__)} from {name!r}, a '
                f'{type(stage).__name__}: choose another stage'
            )
        if name in channels:
            raise ValueError(
                f'a fused stage must run once, got two runs of {name!r}, a '
                f'{type(stage).__name__}: choose a stage that holds it'
            )
        channels[name] = output.shape[1]

    hooks = [
        network.get_submodule(name).register_forward_hook(partial(see, name))
        for name in {*stages}
    ]
    try:
        with blank_pass(network):
            forward(images)
    finally:
        for hook in hooks:
            hook.remove()
    if missing := [name for name in stages if name not in channels]:
        raise ValueError(
            f'`fusion.stages` must be part of the forward pass, got {missing}, which '
            f'are not: choose other stages'
        )
    return channels


def blank_images(network: nn.Module, batch_size: int, size: int) -> Tensor:
    """Zeros of the shape that a network takes, (B, C, size, size)."""
    first: Any = next(layer for layer in network.modules() if is_convolution(layer))
    return first.weight.new_zeros(batch_size, first.in_channels, size, size)


@contextmanager
def blank_pass(*modules: nn.Module) -> Iterator[None]:
    """Context of a forward pass without a trace: in eval mode, without gradients."""
    modes = {m: m.training for module in modules for m in module.modules()}
    try:
        for m in modes:
            m.training = False
        with torch.no_grad():
            yield
    finally:
        for m, training in modes.items():
            m.training = training


@contextmanager
def without_later_modules(network: nn.Module, stage: str | None) -> Iterator[None]:
    """Context in which a network ends with a stage, to convert only what comes before.

    Args:
        network: A network whose modules are registered in the order they run.
        stage: Name of a submodule; ``None``: the network stays whole.
    """
    removed: list[tuple[nn.Module, dict[str, nn.Module | None]]] = []
    parent = network
    for name in stage.split('.') if stage else []:
        children = list(parent._modules)
        later = children[children.index(name) + 1 :]
        removed.append((parent, {key: parent._modules.pop(key) for key in later}))
        parent = parent.get_submodule(name)
    try:
        yield
    finally:
        for module, modules in removed:
            module._modules.update(modules)
