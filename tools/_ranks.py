"""`torchrun` of dist_train.sh and dist_test.sh, which says why a process failed.

python tools/_ranks.py [options of torchrun] SCRIPT [arguments]

The processes leave what they have to say in their error files, see mmseg_cen/door.py.
The first of them that failed is the cause; torchrun's own report is about the rest.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

# Before torch is imported: torchrun reports each process that it ends.
os.environ.setdefault('LOGLEVEL', 'CRITICAL')

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run


@dataclass
class Report:
    """What one process has to say: where, when and why it failed."""

    is_consequence: bool
    nanoseconds: float
    rank: int
    message: str


def read_reports(folder: Path) -> list[Report]:
    """The reports in the error files of all processes of this machine."""
    reports = []
    for path in folder.rglob('error.json'):
        message = json.loads(path.read_text(encoding='utf-8'))['message']
        info = message['extraInfo']
        reports.append(
            Report(
                info.get('is_consequence', False),
                info.get('nanoseconds', 1e9 * float(info['timestamp'])),
                int(path.parent.name),
                message['message'],
            )
        )
    return reports


def without_report(rank: int, exitcode: int) -> Report:
    """The report on a process that could not write one."""
    if exitcode >= 0:
        message = f'error: the process ended with status {exitcode}'
        return Report(True, time.time_ns(), rank, message)
    name = signal.Signals(-exitcode).name
    message = f'error: the process was ended by {name}'
    if name == 'SIGKILL':
        message += ', as it happens where the memory is full'
    return Report(name == 'SIGTERM', time.time_ns(), rank, message)


def cause(reports: Iterable[Report]) -> str:
    """The message of the process that failed first, and its rank."""
    first = min(reports, key=lambda r: (r.is_consequence, r.nanoseconds, r.rank))
    return f'{first.message} (rank {first.rank})'


def main() -> int:
    for name in ('torch.distributed.run', 'torch.distributed.elastic'):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with TemporaryDirectory() as folder:
        try:
            run(parse_args(['--log_dir', folder, *sys.argv[1:]]))
        except ChildFailedError as error:
            reports = read_reports(Path(folder))
            known = {report.rank for report in reports}
            for failure in error.failures.values():
                if failure.local_rank not in known:
                    reports.append(without_report(failure.local_rank, failure.exitcode))
            print(cause(reports), file=sys.stderr)
            return 1
        except SignalException as error:
            print(f'error: ended by {error.sigval.name}', file=sys.stderr)
            return 128 + error.sigval
        except Exception as error:  # of the launcher, such as a port in use
            if '--debug' in sys.argv:
                raise
            what = ' '.join(str(error).split())[:300]
            line = (
                f'the processes must start, got {type(error).__name__}: {what}: '
                'correct GPUS, PORT, MASTER_ADDR, NNODES or NODE_RANK'
            )
            if 'EADDRINUSE' in what:
                line = 'the port must be free, got one in use: set PORT to another'
            print(f'error: {line}', file=sys.stderr)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
