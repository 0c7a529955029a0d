"""The machine in words, to stand above a table of times."""

import os
import platform
from pathlib import Path

import torch


def describe_machine(device: torch.device) -> str:
    """Processor, cores and threads, version of torch, GPU."""
    known = hasattr(os, 'sched_getaffinity')  # not on macOS and Windows
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count()
    parts = [
        f'{processor()}, {cores} cores, {torch.get_num_threads()} threads of torch',
        f'torch {torch.__version__}, Python {platform.python_version()}',
    ]
    if device.type == 'cuda':
        properties = torch.cuda.get_device_properties(device)
        parts.insert(0, f'{properties.name}, {properties.total_memory / 2**30:.0f} GiB')
    return '; '.join(parts)


def processor() -> str:
    """Name of the processor."""
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.split(':')[1].strip()
    return platform.processor() or platform.machine()
