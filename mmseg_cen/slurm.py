"""Processes that Slurm's ``srun`` started, named as torch names processes."""

import os
import re

#: What ``srun`` tells its processes, and what torch calls it.
_NAMES = {
    'SLURM_PROCID': 'RANK',
    'SLURM_NTASKS': 'WORLD_SIZE',
    'SLURM_LOCALID': 'LOCAL_RANK',
}
#: Ports below those that systems give away by themselves.
_FIRST_PORT, _NUM_PORTS = 10000, 20000
#: Between the ports of two `srun` of a job; jobs that share a node have near numbers.
_PORTS_APART = 1009


def name_slurm_processes() -> None:
    """Set the variables by which torch knows the processes of a ``--launcher slurm``.

    mmengine asks ``scontrol`` for the first node, which containers do not have, and
    takes port 29500 for every job, although jobs share nodes: here, the node is read
    from ``SLURM_STEP_NODELIST`` (an ``srun`` may run on some nodes of its job only) or
    ``SLURM_NODELIST``, and the port follows from the numbers of the job and of the
    ``srun`` in it. ``MASTER_ADDR`` and ``MASTER_PORT`` that are set stay.

    Raises:
        ValueError: If ``srun`` has not started this process.
    """
    for name in (*_NAMES, 'SLURM_NODELIST'):
        if name not in os.environ:
            raise ValueError(
                f'the processes of `--launcher slurm` must be started by srun, got no '
                f'{name}: write srun before the command, or leave the option out'
            )
    for name, torch_name in _NAMES.items():
        os.environ[torch_name] = os.environ[name]
    nodes = os.environ.get('SLURM_STEP_NODELIST') or os.environ['SLURM_NODELIST']
    os.environ.setdefault('MASTER_ADDR', first_node(nodes))
    job = int(os.environ.get('SLURM_JOB_ID', 0))
    step = int(os.environ.get('SLURM_STEP_ID', 0)) * _PORTS_APART
    os.environ.setdefault('MASTER_PORT', str(_FIRST_PORT + (job + step) % _NUM_PORTS))


def first_node(nodes: str) -> str:
    """The first name of a list of nodes, such as ``gpu-[003-007,9],login``."""
    first = re.match(r'(?:\[[^\]]*\]|[^,\[])*', nodes)
    return re.sub(r'\[(\w+)[^\]]*\]', r'\1', first.group() if first else nodes)
