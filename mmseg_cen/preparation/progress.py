"""How far a conversion is, on the error stream."""

from collections.abc import Iterable, Iterator

from rich.progress import TextColumn, TimeRemainingColumn

from mmseg_cen.progress import track

from .samples import Result


def show_progress(
    results: Iterable[Result], total: int, interval: float = 5.0
) -> Iterator[Result]:
    """Pass results on, and show how many there are of the total, and how many are bad.

    Args:
        results: The results, as they are finished.
        total: Number of the results.
        interval: See :func:`~mmseg_cen.progress.track`.
    """
    num_bad = 0

    def note(result: Result) -> str:
        nonlocal num_bad
        num_bad += result.record is None
        return f', {num_bad} bad' if num_bad else ''

    columns = (TimeRemainingColumn(), TextColumn('left{task.fields[note]}'))
    return track(results, total, columns, note, interval)
