"""Synchronized statistics on CPU, in two real processes."""

import os
import tempfile

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.testing import assert_close

from mmseg_cen.launch import CPUSyncBatchNorm
from mmseg_cen.models import ModalityBN


def network():
    torch.manual_seed(0)
    norm = ModalityBN(3, 2, exchange_threshold=0.5)
    nn.init.normal_(norm.norm.weight)
    nn.init.normal_(norm.norm.bias)
    return norm.double()


def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(8, 3, 4, 4, dtype=torch.double, generator=generator)


def step(norm, x):
    x = x.clone().requires_grad_()
    out = norm(x)
    out.pow(3).mean().backward()
    return out.detach(), x.grad, norm.norm.weight.grad


def worker(rank, store, results):
    dist.init_process_group(
        'gloo', init_method=f'file://{store}', rank=rank, world_size=2
    )
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(network())
    norm.norm = CPUSyncBatchNorm.convert(norm.norm)
    out, x_grad, gamma_grad = step(norm, batch()[4 * rank : 4 * rank + 4])
    dist.all_reduce(gamma_grad)
    torch.save(
        (out, x_grad / 2, gamma_grad / 2, norm.norm.running_var),
        os.path.join(results, f'{rank}.pt'),
    )
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_normalize_like_one_on_the_whole_batch():
    norm = network()
    out, x_grad, gamma_grad = step(norm, batch())
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(worker, (os.path.join(folder, 'store'), folder), nprocs=2)
        parts = [torch.load(os.path.join(folder, f'{r}.pt')) for r in range(2)]
    assert_close(torch.cat([p[0] for p in parts]), out)
    assert_close(torch.cat([p[1] for p in parts]), x_grad)
    for part in parts:
        assert_close(part[2], gamma_grad)
        assert_close(part[3], norm.norm.running_var)
