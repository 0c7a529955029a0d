"""Peak memory of one step, each in a process of its own."""

import logging
import multiprocessing
import re
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from .measuring import Case, Setting

STATUS = Path('/proc/self/status')


def peak_memory(setting: Setting, case: Case, threads: int) -> int | None:
    """Bytes that a network takes for two steps, its weights among them.

    In a fresh process: on CUDA what torch has allocated at most, on a CPU the growth of
    the resident memory over that before the network is built.

    Returns:
        The number of bytes; None where the system does not tell.
    """
    context = multiprocessing.get_context('spawn')
    alone = Setting(
        setting.models,
        setting.device,
        setting.batch_size,
        setting.exchanged,
        setting.checkpoint,
    )
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, alone, case, threads).result()


def _measure(setting: Setting, case: Case, threads: int) -> int | None:
    torch.set_num_threads(threads)
    init_default_scope('mmseg')
    MMLogger.get_instance('benchmark', log_level=logging.ERROR)
    warnings.filterwarnings('ignore')
    before = _resident('VmRSS')
    step = setting.step(case)
    step()  # the optimizer makes its state
    step()
    if setting.device.type == 'cuda':
        return torch.cuda.max_memory_allocated(setting.device)
    after = _resident('VmHWM')
    return None if before is None or after is None else after - before


def _resident(name: str) -> int | None:
    """Bytes of resident memory: ``VmRSS`` now, ``VmHWM`` at most so far (Linux)."""
    if not STATUS.is_file():
        return None
    found = re.search(rf'^{name}:\s+(\d+) kB', STATUS.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else None
