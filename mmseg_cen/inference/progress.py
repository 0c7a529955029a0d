"""How far an inference is, with its speed, on the error stream."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

T = TypeVar('T')


class Speed:
    """Samples that are finished, and how many of them a second."""

    def __init__(self) -> None:
        self.count = 0
        self._begin = time.monotonic()

    @property
    def per_second(self) -> float:
        """Samples a second, since the first batch began."""
        return self.count / max(time.monotonic() - self._begin, 1e-9)


def show_progress(
    items: Iterable[T], total: int, speed: Speed, interval: float = 5.0
) -> Iterator[T]:
    """Pass items on, and show how many there are of the total, and their speed.

    Args:
        items: As they are finished.
        total: Their number.
        speed: Counts them.
        interval: Seconds between two lines where the error stream is no terminal, such
            as a log; a terminal has a bar.
    """
    console = Console(file=sys.stderr)
    columns = (
        MofNCompleteColumn(),
        TextColumn('samples'),
        *([BarColumn()] if console.is_terminal else []),
        TextColumn('{task.fields[speed]}'),
        TimeRemainingColumn(),
        TextColumn('left'),
    )
    progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
    shown = time.monotonic()
    with progress:
        task = progress.add_task('', total=total, speed='')
        for item in items:
            speed.count += 1
            rate = f'{speed.per_second:.3g} images/s'
            progress.update(task, advance=1, speed=rate)
            now = time.monotonic()
            if console.is_terminal and now - shown > 0.1:
                progress.refresh()
                shown = now
            elif not console.is_terminal and now - shown > interval:
                console.print(progress.get_renderable())
                shown = now
            yield item
