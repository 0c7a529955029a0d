"""The processes that share the work of a conversion."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

import cv2

T = TypeVar('T')
R = TypeVar('R')


@contextmanager
def start_workers(jobs: int) -> Iterator[Executor | None]:
    """Start other processes; for one job None, and the caller does the work.

    Raises:
        ValueError: If ``jobs`` is less than 1.
    """
    if jobs < 1:
        raise ValueError(f'`jobs` must be at least 1, got {jobs}: give more')
    if jobs == 1:
        yield None
        return
    # Starting a process by fork takes milliseconds, a new one imports torch first.
    method = 'fork' if sys.platform == 'linux' else 'spawn'
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context(method),
        initializer=_start_worker,
        initargs=(os.getpid(),),
    ) as executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def map_in_any_order(
    work: Callable[[T], R], tasks: Iterable[T], executor: Executor | None
) -> Iterator[R]:
    """The results of ``work`` for all tasks, as they are finished."""
    if executor is None:
        yield from map(work, tasks)
        return
    for future in as_completed([executor.submit(work, task) for task in tasks]):
        yield future.result()


def _start_worker(parent: int) -> None:
    cv2.setNumThreads(0)

    def end_with_parent() -> None:
        # A parent that was killed cannot end its children, which would wait for ever.
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
