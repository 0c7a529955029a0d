"""How long a start takes: imports, the help of a tool, the first iteration."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .rounds import take_turns

TOOLS = Path(__file__).parents[1]


def time_start(
    config: str, options: dict[str, Any] | None, rounds: int
) -> dict[str, list[float]]:
    """Seconds by what is started, each in a process of its own.

    Args:
        config: A config, which is trained for an iteration.
        options: Its values by dotted key, as ``--cfg-options`` gives them.
        rounds: Rounds that count; one more is before them.

    Raises:
        ValueError: If a process fails; with its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            'python alone': ['-c', 'pass'],
            'import torch': ['-c', 'import torch'],
            'import mmseg_cen': ['-c', 'import mmseg_cen'],
            'tools/train.py --help': [str(TOOLS / 'train.py'), '--help'],
            'first iteration done': [
                '-c',
                f'import sys; sys.path.insert(0, {str(TOOLS)!r})\n'
                'from benchmarking.first_iteration import train_one\n'
                f'train_one({config!r}, {folder!r}, {options or {}!r})',
            ],
        }
        processes = {name: _process(command) for name, command in commands.items()}
        return take_turns(processes, rounds, warmup=1)


def _process(command: list[str]) -> Callable[[], None]:
    def run() -> None:
        ended = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False
        )
        if ended.returncode:
            last = ended.stderr.strip().splitlines()[-1]
            raise ValueError(
                f'`--what start` must have a config that trains, got an error of '
                f'python {command[0]}: {last}: correct it'
            )

    return run
