import random

import numpy as np
import torch

from mmseg_cen.transforms.randomness import untouched_randomness


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_random_numbers_go_on_as_if_nothing_had_been_drawn():
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    with untouched_randomness():
        drawn = [draw(), draw()]
    assert [draw(), draw()] == drawn
    random.setstate(before[0])
    np.random.set_state(before[1])
    torch.set_rng_state(before[2])
