"""How far long work is, on the error stream."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
)

T = TypeVar('T')


def track(
    items: Iterable[T],
    total: int,
    columns: Iterable[ProgressColumn],
    note: Callable[[T], str],
    interval: float = 5.0,
    transient: bool = False,
) -> Iterator[T]:
    """Pass items on, and show how many samples there are of the total.

    Args:
        items: As they are finished.
        total: Their number.
        columns: What stands behind their number; ``{task.fields[note]}`` is the note.
        note: What is to be said when an item is finished.
        interval: Seconds between two lines where the error stream is no terminal, such
            as a log; a terminal has a bar.
        transient: Whether the bar goes when all is done.
    """
    console = Console(file=sys.stderr)
    bar = [BarColumn()] if console.is_terminal else []
    shown_columns = (MofNCompleteColumn(), TextColumn('samples'), *bar, *columns)
    # Without a thread of its own: worker processes may be forked while it runs.
    progress = Progress(
        *shown_columns, console=console, auto_refresh=False, transient=transient
    )
    shown = time.monotonic()
    with progress:
        task = progress.add_task('', total=total, note='')
        for item in items:
            progress.update(task, advance=1, note=note(item))
            now = time.monotonic()
            if console.is_terminal and now - shown > 0.1:
                progress.refresh()
                shown = now
            elif not console.is_terminal and now - shown > interval:
                console.print(progress.get_renderable())
                shown = now
            yield item
