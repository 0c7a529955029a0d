"""How far an inference is, with its speed, on the error stream."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import TextColumn, TimeRemainingColumn

from mmseg_cen.progress import track

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
        interval: See :func:`~mmseg_cen.progress.track`.
    """

    def note(_: T) -> str:
        speed.count += 1
        return f'{speed.per_second:.3g} images/s'

    columns = (
        TextColumn('{task.fields[note]}'),
        TimeRemainingColumn(),
        TextColumn('left'),
    )
    return track(items, total, columns, note, interval, transient=True)
