"""Run a tool in a process that has imported what all tools import.

A child of `multiprocessing`'s fork server runs this file with the names `argv`,
`output` (a path) and `folder` (of work) set.
"""

import gc
import os
import runpy
import sys
from pathlib import Path

import torch

for stream in (sys.stdout, sys.stderr):
    stream.flush()
with open(output, 'w') as file:  # type: ignore[name-defined]  # noqa: F821
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
os.chdir(folder)  # type: ignore[name-defined]  # noqa: F821
sys.argv = argv  # type: ignore[name-defined]  # noqa: F821
sys.path.insert(0, str(Path(sys.argv[0]).parent))  # as Python does for a script
torch.set_num_threads(1)
gc.freeze()  # data sets of mmengine collect garbage: not that of all modules
runpy.run_path(sys.argv[0], run_name='__main__')
