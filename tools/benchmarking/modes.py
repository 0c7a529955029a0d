"""The modes that a network runs in: memory layout, precision, compilation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

#: Types of numbers of torch.autocast.
PRECISIONS = {'amp': torch.bfloat16, 'fp16': torch.float16}
#: Modes of the network itself, which its rivals do not have; for predictions only.
OF_OURS: dict[str, Callable[..., Any]] = {}
MODES = ('eager', 'channels_last', *PRECISIONS, 'compile', *OF_OURS)


class Mode:
    """Modes at once, such as ``channels_last+amp``.

    Args:
        name: Names of modes, joined by ``+``.

    Raises:
        ValueError: If there is no such mode, or if two contradict each other.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = set(name.split('+'))
        if unknown := sorted(self.parts - set(MODES)):
            raise ValueError(
                f'`--modes` must be of {MODES}, joined by +, got {unknown}: choose some'
            )
        if len(self.parts & PRECISIONS.keys()) > 1:
            raise ValueError(
                f'`--modes` must have one precision, got {name!r}: choose one'
            )

    @property
    def layout(self) -> torch.memory_format:
        """Order of the weights in memory."""
        last = 'channels_last' in self.parts
        return torch.channels_last if last else torch.contiguous_format

    @property
    def precision(self) -> torch.dtype | None:
        """The type that autocast computes convolutions in; None: float32."""
        chosen = self.parts & PRECISIONS.keys()
        return PRECISIONS[chosen.pop()] if chosen else None

    @property
    def of_rivals(self) -> str:
        """Name of the mode in which others run for comparison."""
        kept = [p for p in self.name.split('+') if p not in (*OF_OURS, 'eager')]
        return '+'.join(kept) or 'eager'

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, compiled when it is first called if the mode says so."""
        if 'compile' not in self.parts:
            return function
        return torch.compile(function, dynamic=False)

    @contextmanager
    def autocast(self, device: torch.device) -> Iterator[None]:
        """The precision of the mode."""
        enabled = self.precision is not None
        with torch.autocast(device.type, dtype=self.precision, enabled=enabled):
            yield


def prediction(contestant: Any, mode: Mode, inputs: Any) -> Callable[[], None]:
    """A function that predicts once. The network is set to eval mode."""
    contestant.model.eval()
    device = device_of(contestant.model)
    predict = mode.compiled(contestant.predict)

    @torch.no_grad()
    def step() -> None:
        with mode.autocast(device):
            predict(inputs)

    return step


def training(
    contestant: Any, mode: Mode, inputs: Any, targets: Any
) -> Callable[[], None]:
    """A function that trains once: losses, gradients, a step of SGD.

    The network is set to train mode. The learning rate is 0: each step starts from the
    same weights, and has the work of any other.
    """
    contestant.model.train()
    device = device_of(contestant.model)
    loss = mode.compiled(contestant.loss)
    parameters = [p for p in contestant.model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.0, momentum=0.9, weight_decay=1e-5)
    scaler = torch.amp.GradScaler(device.type, enabled=mode.precision == torch.float16)

    def step() -> None:
        with mode.autocast(device):
            value = loss(inputs, targets)
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

    return step


def device_of(model: nn.Module) -> torch.device:
    """The device of the first parameter."""
    first: Tensor = next(model.parameters())
    return first.device
