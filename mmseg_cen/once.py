"""Warnings that are said once, however many samples they are true of."""

import logging

from mmengine.logging import print_log

_SAID: set[str] = set()


def warn_once(subject: str, message: str) -> None:
    """Log a warning, unless there was one about this subject.

    Workers that load data know what was said before they were started.

    Args:
        subject: What the warning is about: a key that its repetitions share.
        message: The warning.
    """
    if subject not in _SAID:
        _SAID.add(subject)
        print_log(message, 'current', logging.WARNING)
