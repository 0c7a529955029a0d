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


def name_slurm_processes() -> None:
    """Set the variables by which torch knows the processes of a ``--launcher slurm``.

    mmengine asks ``scontrol`` for the first node, which containers do not have, and
    takes port 29500 for every job, although jobs share nodes: here, the node is read
    from ``SLURM_NODELIST``, and the port follows from the number of the job.
    ``MASTER_ADDR`` and ``MASTER_PORT`` that are set stay.

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
    os.environ.setdefault('MASTER_ADDR', first_node(os.environ['SLURM_NODELIST']))
    job = int(os.environ.get('SLURM_JOB_ID', 0))
    os.environ.setdefault('MASTER_PORT', str(_FIRST_PORT + job % _NUM_PORTS))


def first_node(nodes: str) -> str:
    """The first name of a list of nodes, such as ``gpu-[003-007,9],login``."""
    first = re.match(r'(?:\[[^\]]*\]|[^,\[])*', nodes)
    return re.sub(r'\[(\w+)[^\]]*\]', r'\1', first.group() if first else nodes)
