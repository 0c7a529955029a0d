"""Warnings that are said once, however many samples they are true of."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mmengine.logging import print_log

_SAID: set[str] = set()
_HEARD: ContextVar[list[str] | None] = ContextVar('heard', default=None)


def warn_once(subject: str, message: str) -> None:
    """Log a warning, unless there was one about this subject.

    Workers that load data know what was said before they were started.

    Args:
        subject: What the warning is about: a key that its repetitions share.
        message: The warning.
    """
    heard = _HEARD.get()
    if heard is not None and message not in heard:
        heard.append(message)
    if subject not in _SAID:
        _SAID.add(subject)
        print_log(message, 'current', logging.WARNING)


@contextmanager
def heard_warnings() -> Iterator[list[str]]:
    """Collect the warnings of a block, in this thread; those said before among them."""
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
