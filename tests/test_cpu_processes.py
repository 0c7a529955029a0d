"""Two processes on CPU; this file is also the script that they run."""

import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from torch import nn
from torch.testing import assert_close

from mmseg_cen.cpu_processes import (
    CPUDistributedDataParallel,
    CPUSyncBatchNorm,
    start_cpu_processes,
)


def test_a_single_process_needs_no_preparation():
    cfg = Config(dict(launcher='none'))
    start_cpu_processes(cfg)
    assert not torch.distributed.is_initialized()
    assert cfg.to_dict() == dict(launcher='none')


def normalizing_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).double()


def step(model):
    """The gradients of the mean of a batch, of which each process has its part."""
    generator = torch.Generator().manual_seed(1)
    batch = torch.randn(6, 3, 2, 2, dtype=torch.double, generator=generator)
    rank, size = (dist.get_rank(), 2) if dist.is_initialized() else (0, 1)
    model(batch[rank::size]).pow(3).mean().backward()
    return {name: p.grad for name, p in model.named_parameters()}


def process(folder):
    dist.init_process_group('gloo')
    model = nn.SyncBatchNorm.convert_sync_batchnorm(normalizing_network())
    parallel = CPUDistributedDataParallel(model, device_ids=[0])
    assert isinstance(model[1], CPUSyncBatchNorm)
    step(parallel)
    grads = {name: p.grad for name, p in model.named_parameters()}
    torch.save((grads, model.state_dict()), f'{folder}/{dist.get_rank()}.pth')
    # The wrapper must not outlive the group: torch may then wait for itself.
    del parallel
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_on_cpu_normalize_like_one_on_the_whole_batch(tmp_path):
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    command = [*torchrun, '--nproc_per_node=2', __file__, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 0
    model = normalizing_network()
    grads = step(model)
    for rank in range(2):
        parallel_grads, state = torch.load(tmp_path / f'{rank}.pth')
        assert_close(parallel_grads, grads)
        assert_close(state, model.state_dict())


def test_in_eval_mode_it_is_a_batch_norm():
    norm = nn.BatchNorm2d(3)
    nn.init.normal_(norm.weight)
    converted = CPUSyncBatchNorm.convert(nn.SyncBatchNorm.convert_sync_batchnorm(norm))
    x = torch.randn(2, 3, 4, 4)
    assert_close(converted.eval()(x), norm.eval()(x))
    assert converted.weight is norm.weight


if __name__ == '__main__':
    process(sys.argv[1])
