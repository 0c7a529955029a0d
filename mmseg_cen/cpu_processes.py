"""Several processes on CPU: how they start and end, data parallel and batch norm.

For the tests of the distributed code, and for runs of ``tools/dist_train.sh`` and
``tools/dist_test.sh`` on a machine without accelerator. Nothing else needs it.
"""

import atexit
import datetime
import os
import sys
from typing import Any

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.logging import print_log
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn


def start_cpu_processes(cfg: Config) -> None:
    """Join the processes of a launcher on a machine without accelerator.

    mmengine selects a CUDA device for every backend and wraps the model for that
    device; both fail on CPU. It keeps a process group that exists already: this
    function makes one with gloo, in place of ``env_cfg.dist_cfg.backend``, and asks for
    :class:`CPUDistributedDataParallel` as the wrapper of the model.

    Does nothing with other launchers than ``pytorch`` and ``slurm``, or where there is
    an accelerator.

    Args:
        cfg: A config with ``launcher`` set; ``model_wrapper_cfg`` is added if it has
            none.
    """
    if not _on_cpu(cfg) or is_distributed():
        return
    options = dict(cfg.get('env_cfg', {}).get('dist_cfg', {}))
    backend = options.pop('backend', 'nccl')
    options.pop('init_backend', None)
    if 'timeout' in options:
        options['timeout'] = datetime.timedelta(seconds=options['timeout'])
    dist.init_process_group('gloo', **options)
    if backend != 'gloo':
        print_log(f'no accelerator: backend gloo instead of {backend}', 'current')
    if cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = dict(
            type='CPUDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )


def end_cpu_processes(cfg: Config) -> None:
    """End a process that :func:`start_cpu_processes` prepared, with exit status 0.

    Threads of gloo can abort a process while its interpreter is torn down ("terminate
    called without an active exception"), and a finished training would count as failed.
    This function calls the functions registered with ``atexit`` and skips the teardown.

    Does nothing where :func:`start_cpu_processes` does nothing.

    Args:
        cfg: The same config.
    """
    if not _on_cpu(cfg):
        return
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _on_cpu(cfg: Config) -> bool:
    return cfg.launcher in ('pytorch', 'slurm') and get_device() == 'cpu'


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """Data parallel processes on CPU, with synchronized batch norm if there is any.

    torch's ``SyncBatchNorm`` runs on accelerators only; :class:`CPUSyncBatchNorm`
    replaces it.

    Args:
        module: The model.
        device_ids: Ignored; mmengine passes it to every subclass.
        **kwargs: Passed to ``MMDistributedDataParallel``.
    """

    def __init__(
        self, module: nn.Module, device_ids: Any = None, **kwargs: Any
    ) -> None:
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.SyncBatchNorm):
                    setattr(parent, name, CPUSyncBatchNorm.convert(child))
        super().__init__(module=module, **kwargs)


class CPUSyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the statistics of all processes, in plain torch.

    Shape:
        (B, C, ...) to the same; B and the sizes may differ between processes.
    """

    @classmethod
    def convert(cls, norm: nn.SyncBatchNorm) -> 'CPUSyncBatchNorm':
        """Take over the parameters, buffers and settings of a layer."""
        converted = cls(norm.num_features)
        converted.__dict__.update(norm.__dict__)
        return converted

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize by the batches of all processes; in eval mode like a batch norm."""
        if not self.training:
            return super().forward(x)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
        count = torch.as_tensor(x.numel() / x.shape[1], dtype=x.dtype)
        dist.all_reduce(count)
        mean = _SumOverProcesses.apply(x.sum(axes)) / count
        centered = x - mean.view(shape)
        var = _SumOverProcesses.apply(centered.square().sum(axes)) / count
        if self.track_running_stats:
            self._update(mean.detach(), (var * count / (count - 1)).detach())
        out = centered * (var + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out

    def _update(self, mean: Tensor, var: Tensor) -> None:
        self.get_buffer('num_batches_tracked').add_(1)
        momentum = self.momentum
        if momentum is None:  # a cumulative average
            momentum = 1 / self.get_buffer('num_batches_tracked').item()
        self.get_buffer('running_mean').lerp_(mean, momentum)
        self.get_buffer('running_var').lerp_(var, momentum)


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is the sum of the gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _SumOverProcesses.forward(ctx, grad)
