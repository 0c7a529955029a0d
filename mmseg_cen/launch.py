"""What the command line tools share: configs, checkpoints, several processes on CPU."""

import atexit
import datetime
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.logging import print_log
from mmengine.model import (
    MMDistributedDataParallel,
)
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import CheckpointLoader, find_latest_checkpoint
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from torch import Tensor, nn

from mmseg_cen.streams.state import describe_differences, tensor_shapes, unwrap


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """End the program with one line, not a traceback, if what was asked cannot be."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error


def require_file(path: str, what: str) -> None:
    """Refuse a local file that does not exist; addresses (`scheme://...`) pass.

    Args:
        path: The file.
        what: Its name in the message, e.g. 'checkpoint'.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(
            f'The {what} {path!r} does not exist (looked in {os.getcwd()!r}).'
        )


def load_config(
    path: str,
    *,
    options: dict[str, Any] | None = None,
    work_dir: str | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config and merge the choices of the command line into it.

    Args:
        path: The config file.
        options: Values by dotted key, as `--cfg-options` gives them.
        work_dir: Overrides the config's; without both it is `work_dirs/<name>`.
        launcher: How several processes were started.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    require_file(path, 'config')
    cfg = Config.fromfile(path)
    cfg.launcher = launcher
    cfg.merge_from_dict(options or {})
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(path).stem)
    return cfg


def latest_checkpoint(work_dir: str) -> str | None:
    """The checkpoint to resume a training from, or None if there is none.

    It is the one that mmengine noted last. If that one is gone or was not written to
    its end, as after an interruption while checkpoints were replaced, it is the newest
    complete one in the work directory.

    Args:
        work_dir: Work directory of the training.
    """
    noted = find_latest_checkpoint(work_dir)
    if noted is not None and zipfile.is_zipfile(noted):
        return noted
    found = [
        path
        for pattern in ('epoch_*.pth', 'iter_*.pth')
        for path in Path(work_dir).glob(pattern)
        if zipfile.is_zipfile(path)  # whose directory is written at the end
    ]
    if not found:
        return noted
    newest = str(max(found, key=os.path.getmtime))
    reason = f'{noted} is missing or incomplete' if noted else 'none was noted'
    print_log(f'Resuming from {newest}: {reason}.', 'current')
    return newest


def load_tensors(path: str) -> Any:
    """Read a checkpoint from elsewhere without running code that it may contain.

    Args:
        path: A file of `torch.save`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint of torch, or holds more than data.
    """
    require_file(path, 'checkpoint')
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever the bytes of another format lead to
        raise ValueError(
            f'{path!r} cannot be read as a checkpoint: it is no file of torch.save, or '
            f'it holds objects besides tensors, which are refused because reading them '
            f'may run foreign code; save its state dict alone'
        ) from error


def check_checkpoint(model: nn.Module, filename: str, *, strict: bool) -> None:
    """Refuse a checkpoint of another model.

    mmengine loads whatever fits and logs the rest, so that a test with the wrong
    checkpoint measures random weights.

    Args:
        model: The network, which may be wrapped (DDP, test-time augmentation). With
            `strict` the checkpoint is loaded into it.
        filename: Anything mmengine loads: a path, a URL, `open-mmlab://...`.
        strict: Whether all tensors have to fit, as they do for a test or for resuming.
            Otherwise one is enough, as for a start from other weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the checkpoint does not fit, or is none.
    """
    require_file(filename, 'checkpoint')
    try:
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location='cpu')
        state_dict = dict(checkpoint.get('state_dict', checkpoint))
    except OSError:
        raise
    except Exception as error:  # whatever the bytes of another format lead to
        raise ValueError(
            f'{filename!r} cannot be read as a checkpoint: it is damaged, or no file '
            f'of torch.save with the state dict of a model'
        ) from error
    state = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    given, wanted = tensor_shapes(state), tensor_shapes(get_state_dict(unwrap(model)))
    differences = describe_differences(given, wanted)
    if strict:
        try:
            load_state_dict(model, state, strict=True)
        except RuntimeError as error:
            raise ValueError(
                f'{filename!r} is a checkpoint of another model than the config '
                f'describes: {differences or error}. Use the config that the '
                'checkpoint was trained with (a copy of it lies in its work '
                'directory), and the same --cfg-options.'
            ) from error
    elif not given.items() & wanted.items():
        raise ValueError(
            f'Nothing in {filename!r} fits the model: {differences}. `load_from` '
            'takes a checkpoint of the whole model; the weights of a backbone belong '
            'into model.backbone.init_cfg=dict(type="Pretrained", checkpoint=...).'
        )


def start_cpu_processes(cfg: Config) -> None:
    """Join the processes of a `--launcher pytorch` on a machine without accelerator.

    mmengine selects a CUDA device for every backend and wraps the model for that
    device, both of which fail on CPU. It leaves a process group alone that exists
    already: here one is made with gloo, in place of `env_cfg.dist_cfg.backend`, and the
    model is wrapped by :class:`CPUDistributedDataParallel`.

    Does nothing with another launcher, or where there is an accelerator.

    Args:
        cfg: A config with `launcher` set; `model_wrapper_cfg` is added if it has none.
    """
    if cfg.launcher != 'pytorch' or get_device() != 'cpu' or is_distributed():
        return
    options = dict(cfg.get('env_cfg', {}).get('dist_cfg', {}))
    backend = options.pop('backend', 'nccl')
    options.pop('init_backend', None)
    if 'timeout' in options:
        options['timeout'] = datetime.timedelta(seconds=options['timeout'])
    dist.init_process_group('gloo', **options)
    if backend != 'gloo':
        print_log(f'No accelerator: backend gloo instead of {backend}.', 'current')
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
    Here functions registered with `atexit` are called, and the interpreter is left.

    Does nothing where that one did nothing.

    Args:
        cfg: The same config.
    """
    if cfg.launcher != 'pytorch' or get_device() != 'cpu':
        return
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """Data parallel processes on CPU, with synchronized batch norm if there is any.

    torch has `SyncBatchNorm` for accelerators only; it is replaced.

    Args:
        module: The model.
        device_ids: Not used: mmengine gives one to every subclass.
        **kwargs: Passed to `MMDistributedDataParallel`.
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
        """Normalize by the batches of all processes; in eval mode as any batch norm."""
        if not self.training:
            return super().forward(x)
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
        count = torch.as_tensor(x.numel() / x.shape[1], dtype=x.dtype)
        dist.all_reduce(count)
        mean = _SumOverProcesses.apply(x.sum(axes)) / count
        centred = x - mean.view(shape)
        var = _SumOverProcesses.apply(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._update(mean.detach(), (var * count / (count - 1)).detach())
        out = centred * (var + self.eps).rsqrt().view(shape)
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
