"""The report that a training writes at its end, in a second."""

import shlex
import sys
from pathlib import Path

from mmengine.logging import print_log

from mmseg_cen.mistakes import one_line

from .page import read_runs, write_report


def report_training(work_dir: str) -> None:
    """Write the report of a training without predictions, and say where it is.

    Where Jinja2 is missing, or a log cannot be read, the command is said that writes
    the report: a training does not fail for it.

    Args:
        work_dir: Its work directory.
    """
    tool = Path(sys.argv[0]).parent / 'analysis' / 'report.py'
    command = shlex.join(['python', str(tool), str(work_dir)])
    path = Path(work_dir) / 'report.html'
    try:
        runs = read_runs([Path(work_dir)])
        why = f'`{command}` predicts them'
        write_report(runs, [(run, None, why) for run in runs], path, is_quick=True)
    except Exception as error:
        print_log(f'report: {command} (none yet: {one_line(error)})', 'current')
    else:
        print_log(f'report: {path}; with predictions: {command}', 'current')
