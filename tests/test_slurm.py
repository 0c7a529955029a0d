"""Processes of srun, by the variables that it sets."""

import os
import subprocess
import sys

import pytest

from mmseg_cen.slurm import first_node, name_slurm_processes

SRUN = dict(SLURM_PROCID='3', SLURM_NTASKS='8', SLURM_LOCALID='1', SLURM_NODELIST='a,b')


@pytest.fixture
def srun(monkeypatch):
    """The variables of a process of srun; those of torch come and go with the test."""
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    for name in ('SLURM_STEP_NODELIST', 'SLURM_STEP_ID'):
        monkeypatch.delenv(name, raising=False)
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    ('nodes', 'first'),
    [
        ('node7', 'node7'),
        ('node7,node8', 'node7'),
        ('gpu-[003-007,9],login', 'gpu-003'),
        ('gpu-[3,7]-ib', 'gpu-3-ib'),
        ('rack[1-2]node[04-09]', 'rack1node04'),
    ],
)
def test_the_first_node_of_a_list_is_read(nodes, first):
    assert first_node(nodes) == first


def test_processes_of_srun_are_named_as_torch_names_them(srun):
    srun.setenv('SLURM_JOB_ID', '41234')
    name_slurm_processes()
    names = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
    assert [os.environ[name] for name in names] == ['3', '8', '1', 'a', '11234']


def test_two_srun_of_a_job_meet_on_their_own_nodes_and_ports(srun):
    srun.setenv('SLURM_JOB_ID', '41234')
    found = []
    for step, nodes in enumerate(('b', 'a,b')):
        srun.delenv('MASTER_ADDR', raising=False)
        srun.delenv('MASTER_PORT', raising=False)
        srun.setenv('SLURM_STEP_ID', str(step))
        srun.setenv('SLURM_STEP_NODELIST', nodes)
        name_slurm_processes()
        found.append((os.environ['MASTER_ADDR'], os.environ['MASTER_PORT']))
    assert found == [('b', '11234'), ('a', '12243')]


def test_an_address_that_is_set_stays(srun):
    srun.setenv('MASTER_ADDR', '10.0.0.1')
    srun.setenv('MASTER_PORT', '1234')
    name_slurm_processes()
    assert (os.environ['MASTER_ADDR'], os.environ['MASTER_PORT']) == (
        '10.0.0.1',
        '1234',
    )


@pytest.mark.parametrize('name', list(SRUN))
def test_a_process_that_srun_has_not_started_is_refused(srun, name):
    srun.delenv(name)
    with pytest.raises(ValueError, match=f'must be started by srun, got no {name}: '):
        name_slurm_processes()


@pytest.mark.slow
def test_two_tasks_of_srun_train_together(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(
        "_base_ = 'mmseg_cen::demo/cen_synthetic.py'\n"
        'train_cfg = dict(max_epochs=1)\n'
        'train_dataloader = dict(batch_size=2, num_workers=0,\n'
        '    persistent_workers=False, dataset=dict(num_samples=8))\n'
        'val_dataloader = dict(num_workers=0, persistent_workers=False,\n'
        '    dataset=dict(num_samples=2))\n'
    )
    command = [sys.executable, '-m', 'mmseg_cen', 'train', str(config)]
    command += ['--launcher', 'slurm', '--work-dir', str(tmp_path / 'run')]
    job = dict(
        SLURM_NTASKS='2', SLURM_NODELIST='localhost', SLURM_JOB_ID=str(os.getpid())
    )
    tasks = [
        subprocess.Popen(
            command,
            env={**os.environ, **job, 'SLURM_PROCID': i, 'SLURM_LOCALID': i},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for i in '01'
    ]
    logs = [task.communicate()[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], logs
    assert 'GPU number: 2' in next((tmp_path / 'run').rglob('start.log')).read_text()
