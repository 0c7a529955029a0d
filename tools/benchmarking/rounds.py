"""Time functions in turns, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Hashable
from statistics import median, quantiles
from typing import TypeVar

import torch

Key = TypeVar('Key', bound=Hashable)


def take_turns(
    functions: dict[Key, Callable[[], None]],
    rounds: int,
    warmup: int = 2,
    device: torch.device | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Key, list[float]]:
    """Seconds of each call in rounds: A B C, A B C, ...

    Args:
        functions: What is called, by any key.
        rounds: Rounds that count.
        warmup: Rounds before them.
        device: A device of CUDA, which is waited for.
        clock: Tells the seconds.
    """
    seconds: dict[Key, list[float]] = {key: [] for key in functions}
    for i in range(warmup + rounds):
        for key, function in functions.items():
            wait_for(device)
            start = clock()
            function()
            wait_for(device)
            if i >= warmup:
                seconds[key].append(clock() - start)
    return seconds


def wait_for(device: torch.device | None) -> None:
    """Wait until a device of CUDA has done all that it was given."""
    if device is not None and device.type == 'cuda':
        torch.cuda.synchronize(device)


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, middle, third = quantiles(values, n=4, method='inclusive')
    return first, middle, third


def ratio(values: list[float], others: list[float]) -> float:
    """Median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(values, others, strict=True))
