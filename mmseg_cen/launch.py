"""Configs and checkpoints, as the command line tools read and check them."""

import inspect
import io
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks import EMAHook
from mmengine.registry import RUNNERS, Registry
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_cen.checkpoints import (
    check_trained_as,
    describe_training,
    read_checkpoint,
    require_resumable,
    state_of,
)
from mmseg_cen.checkpoints.latest import NOTE
from mmseg_cen.config_files import merge_options, read_config, require_file
from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.disk import write_new
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.models.modalities import names_of
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.modes import hand_modes_to_hook
from mmseg_cen.once import warn_once
from mmseg_cen.short_log import ShortLogRunner
from mmseg_cen.slurm import name_slurm_processes
from mmseg_cen.streams.state import describe_differences, tensor_shapes, unwrap
from mmseg_cen.transforms.cache_option import hand_cache_to_loaders

#: The hooks that every runner has, unless ``default_hooks`` has None for them.
HOOKS_OF_MMENGINE = (
    'runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint',
)  # fmt: skip


def is_first_process(launcher: str) -> bool:
    """Whether this process is the first of those that a launcher has started.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    rank = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK').get(
        launcher, ''
    )
    return int(os.environ.get(rank, 0)) == 0


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
        options: Values by dotted key, as ``--cfg-options`` gives them.
        work_dir: Overrides the config's; without both it is ``work_dirs/<name>``. If
            it is None and the options have a seed, ``_seed<seed>`` is added.
        launcher: How several processes were started.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, an option has an unknown name, the work
            directory is a file, or a launcher has not started this process.
    """
    cfg = read_config(path)
    cfg.launcher = launcher
    if launcher == 'slurm':
        name_slurm_processes()
    merge_options(cfg, options or {})
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(path).stem)
    if work_dir is None and (options or {}).get('randomness.seed') is not None:
        cfg.work_dir += f'_seed{cfg.randomness.seed}'  # seeds do not mix
    is_file = os.path.exists(cfg.work_dir) and not os.path.isdir(cfg.work_dir)
    if is_file or not cfg.work_dir:
        raise ValueError(
            f'`work_dir` must be a folder, got {"the file " * is_file}'
            f'{cfg.work_dir!r}: name a folder'
        )
    say_order(cfg)
    return cfg


class TestingRunner(ShortLogRunner):
    """A runner of a checkpoint, whose network needs no other weights to start from.

    Nor are weights averaged: those of a checkpoint are the averages of its EMAHook. In
    the work directory of a training, the copy of its config stays as it is: it tells
    what was trained, and a test may have other options.
    """

    _hooks: list[Any]

    def build_model(self, model: Any) -> nn.Module:
        """Build it without the weights that an encoder of timm loads while built."""
        return super().build_model(without_starts(model))

    def dump_config(self) -> None:
        """Write a copy of the config, unless the one of a training lies there."""
        folder = Path(self.work_dir)
        logs = folder.glob('*/vis_data/scalars.json')
        if not (folder / NOTE).is_file() and not any(logs):
            super().dump_config()

    def register_hook(self, hook: Any, priority: Any = None) -> None:
        """Register it, unless it averages weights."""
        super().register_hook(hook, priority)
        self._hooks = [one for one in self._hooks if not isinstance(one, EMAHook)]


def build_runner(cfg: Config, kind: type[Runner] = ShortLogRunner) -> Runner:
    """The runner of a config: of a kind unless it names another.

    Any hook of ``default_hooks`` may be None, for none; mmengine wants it of its own.

    Raises:
        ValueError: If the config asks for a mode of the network that there is not here,
            or for a cache of decoded files that cannot be used.
    """
    complete(cfg)
    hooks = cfg.get('default_hooks') or {}
    for name in [n for n in hooks if hooks[n] is None and n not in HOOKS_OF_MMENGINE]:
        del hooks[name]
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return kind.from_cfg(cfg)


def complete(cfg: Config) -> None:
    """Write what short options mean into a config, as the runner's copy has it.

    Args:
        cfg: Changed in place; a second time, nothing is left to do.

    Raises:
        ValueError: As :func:`build_runner`.
    """
    hand_modes_to_hook(cfg)
    hand_cache_to_loaders(cfg)
    pin_for_gpus_only(cfg)


def pin_for_gpus_only(cfg: Config) -> None:
    """Leave out ``pin_memory`` of dataloaders without a GPU, where torch warns of it.

    Args:
        cfg: A config with some ``*_dataloader``, changed in place.
    """
    for key, loader in cfg.items():
        if key.endswith('_dataloader') and loader and get_device() == 'cpu':
            loader.pop('pin_memory', None)


def say_order(cfg: Config) -> None:
    """Write the order of modalities into a config where the order of a dict tells it.

    mmengine sorts the entries of a dict by name when it writes the copy of a config
    into the work directory.

    Args:
        cfg: The config, changed in place.
    """
    model = cfg.get('model')
    if is_cen_segmentor(model):
        if model.get('modalities') is None and isinstance(model.decode_head, dict):
            model.modalities = names_of(model)
    elif model:
        _add_order(model.get('data_preprocessor'), MODELS, MultimodalPreprocessor)
    for key, loader in cfg.items():
        if key.endswith('_dataloader') and loader:
            _add_order(loader.get('dataset'), DATASETS, MultimodalSegDataset)


def _add_order(cfg: Any, registry: Registry, base: type) -> None:
    """Add ``order`` to the configs of a type that are within a config."""
    if isinstance(cfg, (list, tuple)):
        for part in cfg:
            _add_order(part, registry, base)
    if not isinstance(cfg, dict):
        return
    found = cfg.get('type')
    found = registry.get(found) if isinstance(found, str) else found
    is_mapping = isinstance(cfg.get('modalities'), dict)
    if inspect.isclass(found) and issubclass(found, base) and is_mapping:
        cfg.setdefault('order', list(cfg['modalities']))
    for key in ('dataset', 'datasets'):
        _add_order(cfg.get(key), registry, base)


def load_tensors(path: str) -> Any:
    """Read a checkpoint from elsewhere without running code that it may contain.

    Args:
        path: A file of ``torch.save``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds more than data.
    """
    require_file(path, 'checkpoint')
    return read_checkpoint(path, map_location='cpu')


def save_new(value: Any, path: str, overwrite: bool = False) -> None:
    """Write a checkpoint, but not over another file.

    Args:
        value: What ``torch.save`` takes.
        path: The file.
        overwrite: Whether another file of this name is replaced.

    Raises:
        FileExistsError: If there is another file.
    """
    buffer = io.BytesIO()
    torch.save(value, buffer)
    write_new(Path(path), buffer.getvalue(), overwrite)


def check_checkpoint(
    model: nn.Module, filename: str, *, strict: bool, resume: bool = False
) -> None:
    """Refuse a checkpoint of another model.

    mmengine loads whatever fits and logs the rest, so that a test with the wrong
    checkpoint measures random weights. What else it was trained as, such as another
    threshold of the exchange, is warned of.

    Args:
        model: The network, which may be wrapped (DDP, test-time augmentation). With
            ``strict`` the checkpoint is loaded into it.
        filename: Anything mmengine loads: a path, a URL, ``open-mmlab://...``.
        strict: Whether all tensors have to fit, for a test or for resuming. Otherwise
            one is enough, for a start from other weights.
        resume: Whether the training of the checkpoint is to be resumed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a checkpoint, does not fit, or was trained with
            its modalities in another order.
    """
    require_file(filename, 'checkpoint')
    checkpoint = CheckpointLoader.load_checkpoint(filename, map_location='cpu')
    for difference in check_trained_as(
        checkpoint, describe_training(model), repr(filename)
    ):
        warn_once(difference, difference)
    if resume:
        require_resumable(checkpoint, filename)
    state = {
        name.removeprefix('module.'): value
        for name, value in state_of(checkpoint, filename).items()
    }
    given, wanted = tensor_shapes(state), tensor_shapes(get_state_dict(unwrap(model)))
    differences = describe_differences(given, wanted, shown=2)
    if strict:
        try:
            load_state_dict(model, state, strict=True)
        except RuntimeError as error:
            raise ValueError(
                f'the checkpoint must be of the model that the config describes, got '
                f'{filename!r}, which is a checkpoint of another model ('
                f'{differences or error}): use the config that it was trained with (a '
                f'copy lies in its work directory), and the same --cfg-options'
            ) from error
    elif not given.items() & wanted.items():
        raise ValueError(
            f'`load_from` must be a checkpoint of the whole model, got {filename!r}, '
            f'of which nothing fits ({differences}): name the weights of a backbone in '
            f'model.backbone.init_cfg=dict(type="Pretrained", checkpoint=...)'
        )
