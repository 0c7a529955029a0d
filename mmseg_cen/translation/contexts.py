"""Contexts in which a network runs otherwise than it is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.instancenorm import _InstanceNorm


@contextmanager
def without_gradients(module: nn.Module) -> Iterator[nn.Module]:
    """Freeze the weights of ``module``, but not its inputs: gradients pass through."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield module
    finally:
        for parameter in trained:
            parameter.requires_grad_()


@contextmanager
def released_evaluation(module: nn.Module) -> Iterator[None]:
    """Let ``module`` predict as the released code does, in train mode.

    Dropout is on, and instance norms take the statistics of each image. The running
    statistics are not updated.
    """
    norms: list[Any] = [m for m in module.modules() if isinstance(m, _InstanceNorm)]
    momenta = [norm.momentum for norm in norms]
    training = module.training
    module.train()
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        module.train(training)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
