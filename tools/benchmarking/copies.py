"""What makes a forward pass wait for the device: values that Python asks for."""

from collections import Counter
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

#: Operations of torch that hand a value, or the number of values, to Python: on CUDA
#: each of them waits for all that the device has to do, and copies.
ASKING = ('aten::_local_scalar_dense', 'aten::nonzero')
#: Beginning of the names of copies from a device of CUDA.
COPIES = 'Memcpy DtoH'


def count_copies(step: Callable[[], None], device: torch.device) -> dict[str, int]:
    """Number of such operations in one call.

    Args:
        step: Called once before it is watched.
        device: Where it runs. On a CPU there are no copies, but the same operations.
    """
    step()
    activities = [ProfilerActivity.CPU]
    if device.type == 'cuda':
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as watched:
        step()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
    counts: Counter[str] = Counter()
    for event in watched.events():
        if event.name in ASKING:
            counts[event.name] += 1
        elif event.name.startswith(COPIES):
            counts[COPIES] += 1
    return {name: counts[name] for name in (*ASKING, COPIES)}
