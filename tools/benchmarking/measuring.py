"""What is measured: networks and modes, numbers of modalities, and sizes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from .contestants import OURS, Contestant, build, input_channels
from .forms import FORMS
from .modes import Mode, prediction, training


@dataclass(frozen=True)
class Case:
    """One row of a table.

    Attributes:
        name: The network, see :func:`~benchmarking.contestants.build`.
        mode: Name of a :class:`~benchmarking.modes.Mode`.
        what: ``'train'`` or ``'infer'``.
        num_modalities: Number of modalities M.
        size: Height and width.
    """

    name: str
    mode: str
    what: str
    num_modalities: int
    size: tuple[int, int]

    def counterpart(self, rival: str, mode: str | None = None) -> 'Case':
        """The row of a rival that this one is compared with."""
        mode = Mode(self.mode).of_rivals if mode is None else mode
        return Case(rival, mode, self.what, self.num_modalities, self.size)


@dataclass
class Setting:
    """What all rows have in common.

    Attributes:
        models: ``model`` of the config by number of modalities.
        device: The device.
        batch_size: Number of samples B.
        exchanged: See :func:`~benchmarking.contestants.build`, as for ``checkpoint``.
    """

    models: dict[int, dict[str, Any]]
    device: torch.device
    batch_size: int = 2
    exchanged: float = 0.5
    checkpoint: str | None = None
    built: dict[Any, Contestant] = field(default_factory=dict, repr=False)

    def contestant(self, case: Case) -> Contestant:
        """The network of a row; rows that differ in their precision share it."""
        mode = Mode(case.mode)
        is_compiled = 'compile' in mode.parts
        key = (case.name, case.num_modalities, mode.layout, mode.form, is_compiled)
        if key not in self.built:
            torch.manual_seed(0)
            made = build(
                case.name,
                self.models[case.num_modalities],
                self.exchanged,
                self.checkpoint,
            )
            made.model.to(self.device, memory_format=mode.layout)
            if mode.form:
                made = FORMS[mode.form](made)
            if is_compiled:
                made.compile()
            self.built[key] = made
        return self.built[key]

    def step(self, case: Case) -> Callable[[], None]:
        """A function that does what is measured, once."""
        contestant = self.contestant(case)
        generator = torch.Generator().manual_seed(0)
        channels = input_channels(self.models[case.num_modalities])
        shape = (self.batch_size, channels, *case.size)
        images = torch.randn(shape, generator=generator).to(self.device)
        inputs = contestant.inputs(images)
        mode = Mode(case.mode)
        if case.what != 'train':
            return prediction(contestant, mode, inputs)
        # The cost does not depend on the classes: any network has these two.
        labels = torch.randint(2, (shape[0], *case.size), generator=generator)
        targets = contestant.targets(labels.to(self.device))
        return training(contestant, mode, inputs, targets)


def cases(
    what: str,
    rivals: list[str],
    modes: list[str],
    counts: list[int],
    sizes: list[tuple[int, int]],
) -> list[Case]:
    """The rows of one table, each network after the other within a mode.

    Forms of a network for predictions are left out of the training.
    """
    if what == 'train':
        modes = [mode for mode in modes if not Mode(mode).form]
    rows = [
        Case(name, mode if name == OURS else Mode(mode).of_rivals, what, M, size)
        for M in counts
        for size in sizes
        for mode in modes
        for name in (OURS, *rivals)
    ]
    return list(dict.fromkeys(rows))
