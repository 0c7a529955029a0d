"""The modes that a network runs in: memory layout, precision, compilation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .contestants import Contestant
from .forms import FORMS

#: Types of numbers of torch.autocast.
PRECISIONS = {'amp': torch.bfloat16, 'fp16': torch.float16}
MODES = ('eager', 'channels_last', *PRECISIONS, 'compile', *FORMS)


class Mode:
    """Modes at once, such as ``channels_last+amp``.

    Args:
        name: Names of modes, joined by ``+``.

    Raises:
        ValueError: If there is no such mode, or if two contradict each other.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = name.split('+')
        if unknown := [part for part in self.parts if part not in MODES]:
            raise ValueError(
                f'`--modes` must be of {MODES}, several joined by +, got {unknown}: '
                f'choose some'
            )
        for kind in (PRECISIONS, FORMS):
            if len({*self.parts} & kind.keys()) > 1:
                raise ValueError(
                    f'`--modes` must have at most one of {[*kind]} at once, got '
                    f'{name!r}: choose one'
                )

    @property
    def layout(self) -> torch.memory_format:
        """Order of the weights in memory."""
        last = 'channels_last' in self.parts
        return torch.channels_last if last else torch.contiguous_format

    @property
    def precision(self) -> torch.dtype | None:
        """The type in which autocast computes convolutions; None: float32."""
        return next((PRECISIONS[p] for p in self.parts if p in PRECISIONS), None)

    @property
    def form(self) -> str | None:
        """Name of the form of our network; None: as it is trained."""
        return next((part for part in self.parts if part in FORMS), None)

    @property
    def of_rivals(self) -> str:
        """Name of the mode in which others run for comparison."""
        kept = [p for p in self.parts if p not in FORMS and p != 'eager']
        return '+'.join(kept) or 'eager'

    @contextmanager
    def autocast(self, device: torch.device) -> Iterator[None]:
        """The precision of the mode."""
        enabled = self.precision is not None
        with torch.autocast(device.type, dtype=self.precision, enabled=enabled):
            yield


def prediction(contestant: Contestant, mode: Mode, inputs: Any) -> Callable[[], None]:
    """A function that predicts once. The network is set to eval mode."""
    contestant.model.eval()
    device = device_of(contestant.model)

    @torch.no_grad()
    def step() -> None:
        with mode.autocast(device):
            contestant.predict(inputs)

    return step


def training(
    contestant: Contestant, mode: Mode, inputs: Any, targets: Any
) -> Callable[[], None]:
    """A function that trains once: losses, gradients, a step of SGD.

    The network is set to train mode. The learning rate is 0: each step starts from the
    same weights, and has the work of any other.
    """
    contestant.model.train()
    device = device_of(contestant.model)
    parameters = [p for p in contestant.model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.0, momentum=0.9, weight_decay=1e-5)
    scaler = torch.amp.GradScaler(device.type, enabled=mode.precision == torch.float16)

    def step() -> None:
        with mode.autocast(device):
            value = contestant.loss(inputs, targets)
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

    return step


def device_of(model: nn.Module) -> torch.device:
    """The device of the first parameter."""
    first: Tensor = next(model.parameters())
    return first.device
