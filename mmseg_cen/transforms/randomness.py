"""The random numbers that transforms draw: of Python, NumPy and torch."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def random_state() -> tuple[Any, ...]:
    """The state from which the next numbers follow."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def set_random_state(state: tuple[Any, ...]) -> None:
    """Return to a state: the same numbers are drawn again."""
    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """A context after which random numbers go on as if nothing had been drawn."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)
