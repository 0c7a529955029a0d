"""Run a Python script and hold a lock until it ends.

python tools/paper/locked.py LOCK SCRIPT [ARGUMENT ...]

The process of the script holds the lock: the system releases it when this process ends,
however it ends, and whatever becomes of the process that started it. If another one
holds the lock, the exit code is 75 (try again later).
"""

import runpy
import sys
from pathlib import Path

from filelock import FileLock, Timeout

BUSY = 75  # EX_TEMPFAIL of sysexits.h


def main() -> None:
    lock, script, *arguments = sys.argv[1:]
    try:
        with FileLock(lock, timeout=0):
            sys.argv = [script, *arguments]
            sys.path[0] = str(Path(script).parent)
            runpy.run_path(script, run_name='__main__')
    except Timeout:
        sys.exit(BUSY)


if __name__ == '__main__':
    main()
