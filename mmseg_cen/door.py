"""The door that every tool goes through: how it ends where something is wrong."""

import ctypes
import functools
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from .mistakes import CONSEQUENCES, describe, one_line

P = ParamSpec('P')
T = TypeVar('T')

#: Variables of the environment for tools that another one starts: they end with it.
ENDS_WITH_PARENT = {'MMSEG_CEN_ENDS_WITH_PARENT': '1'}
INTERRUPTED = 128 + signal.SIGINT


def as_tool(main: Callable[P, T]) -> Callable[P, T]:
    """Let a function ``main(argv=None)`` end as :func:`exit_on_user_error` says."""

    @functools.wraps(main)
    def tool(*args: P.args, **kwargs: P.kwargs) -> T:
        given = next((a for a in args if isinstance(a, list)), sys.argv[1:])
        with exit_on_user_error('--debug' in given):
            return main(*args, **kwargs)

    return tool


@contextmanager
def exit_on_user_error(debug: bool | None = None) -> Iterator[None]:
    """Turn an error that the user can mend into one line, with exit status 1.

    Other errors are mistakes of a programmer: they end with their traceback, and a line
    on how to report it. A process of ``torchrun`` hands what it has to say to it.

    Args:
        debug: Whether every error ends with its traceback; by default, whether
            ``--debug`` is on the command line.
    """
    debug = '--debug' in sys.argv[1:] if debug is None else debug
    _end_with_parent()
    # Without this, `logging` prints a traceback for each line that a disk cannot hold.
    before, logging.raiseExceptions = logging.raiseExceptions, debug
    try:
        yield
    except KeyboardInterrupt:
        _end('error: interrupted', status=INTERRUPTED)
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(1) from None
    except Exception as error:
        line, trace = describe(error), ''
        if debug or line is None:
            trace = traceback.format_exc()
        if line is None:
            line = (
                f'{one_line(f"{type(error).__name__}: {error}")} (unexpected: report '
                'the traceback above, with the command and the config)'
            )
        _end(f'error: {line}', trace, cause=error)
    finally:
        logging.raiseExceptions = before


def _end(
    line: str, trace: str = '', status: int = 1, cause: BaseException | None = None
) -> NoReturn:
    """Say a line and exit; a process of ``torchrun`` leaves it in its error file."""
    if path := os.environ.get('TORCHELASTIC_ERROR_FILE'):
        details = dict(
            py_callstack=traceback.format_exc(),
            timestamp=str(int(time.time())),
            nanoseconds=time.time_ns(),
            is_consequence=bool(CONSEQUENCES.search(line)),
        )
        record = dict(message=dict(message=trace + line, extraInfo=details))
        Path(path).write_text(json.dumps(record), encoding='utf-8')
        raise SystemExit(status) from cause
    sys.stderr.write(trace)
    if status == 1:
        raise SystemExit(line) from cause
    print(line, file=sys.stderr)
    raise SystemExit(status) from cause


def _end_with_parent() -> None:
    """Let a process end when the one that started it is killed (on Linux)."""
    wanted = {'TORCHELASTIC_RUN_ID', *ENDS_WITH_PARENT} & os.environ.keys()
    if wanted and sys.platform == 'linux':
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
