"""How far a conversion is, on the error stream."""

import sys
import time
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from .samples import Result


def show_progress(
    results: Iterable[Result], total: int, interval: float = 5.0
) -> Iterator[Result]:
    """Pass results on, and show how many there are of the total.

    Args:
        results: The results, as they are finished.
        total: Number of the results.
        interval: Seconds between two lines where the error stream is no terminal, such
            as a log; a terminal has a bar.
    """
    console = Console(file=sys.stderr)
    columns = (
        MofNCompleteColumn(),
        TextColumn('samples'),
        *([BarColumn()] if console.is_terminal else []),
        TimeRemainingColumn(),
        TextColumn('left{task.fields[bad]}'),
    )
    # Without a thread of its own: the worker processes are forked while it runs.
    progress = Progress(*columns, console=console, auto_refresh=False)
    num_bad, shown = 0, time.monotonic()
    with progress:
        task = progress.add_task('', total=total, bad='')
        for result in results:
            num_bad += result.record is None
            bad = f', {num_bad} bad' if num_bad else ''
            progress.update(task, advance=1, bad=bad)
            now = time.monotonic()
            if console.is_terminal and now - shown > 0.1:
                progress.refresh()
                shown = now
            elif not console.is_terminal and now - shown > interval:
                console.print(progress.get_renderable())
                shown = now
            yield result
