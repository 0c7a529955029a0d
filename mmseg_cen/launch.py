"""Configs and checkpoints, as the command line tools read and check them."""

import inspect
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import Registry
from mmengine.runner import CheckpointLoader, find_latest_checkpoint
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.models.modalities import names_of
from mmseg_cen.streams.state import describe_differences, tensor_shapes, unwrap


@contextmanager
def exit_on_user_error() -> Iterator[None]:
    """Turn an error that the user can mend into one line without a traceback."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error


def require_file(path: str, what: str) -> None:
    """Refuse a local file that does not exist; addresses (``scheme://...``) pass.

    Args:
        path: The file.
        what: Its name in the message, e.g. ``'checkpoint'``.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(
            f'the {what} must be a file, got {path!r}, which does not exist: give a '
            f'path from {os.getcwd()!r}, or an absolute one'
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
        options: Values by dotted key, as ``--cfg-options`` gives them.
        work_dir: Overrides the config's; without both it is ``work_dirs/<name>``. If
            it is None and the options have a seed, ``_seed<seed>`` is added.
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
    if work_dir is None and (options or {}).get('randomness.seed') is not None:
        cfg.work_dir += f'_seed{cfg.randomness.seed}'  # seeds do not mix
    say_order(cfg)
    return cfg


def say_order(cfg: Config) -> None:
    """Write the order of modalities into a config where the order of a dict tells it.

    mmengine sorts the entries of a dict by name when it writes the copy of a config
    into the work directory.

    Args:
        cfg: The config, changed in place.
    """
    model = cfg.get('model')
    if model and model.get('type') == 'CENSegmentor':
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


def latest_checkpoint(work_dir: str) -> str | None:
    """The checkpoint to resume a training from, or None if there is none.

    mmengine notes the last one that it writes. If that file is gone or incomplete, as
    after an interruption while checkpoints were replaced, the newest complete one in
    the work directory is taken.

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
        if zipfile.is_zipfile(path)  # a zip's directory is written at the end
    ]
    if not found:
        return noted
    newest = str(max(found, key=os.path.getmtime))
    reason = f'{noted} is missing or incomplete' if noted else 'none was noted'
    print_log(f'resuming from {newest}: {reason}', 'current')
    return newest


def load_tensors(path: str) -> Any:
    """Read a checkpoint from elsewhere without running code that it may contain.

    Args:
        path: A file of ``torch.save``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a checkpoint of torch, or holds more than data.
    """
    require_file(path, 'checkpoint')
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever the bytes of another format lead to
        raise ValueError(
            f'the checkpoint must be a file of torch.save with nothing but tensors '
            f'(reading other objects may run foreign code), got {path!r}, which cannot '
            f'be read as one: save its state dict alone'
        ) from error


def check_checkpoint(model: nn.Module, filename: str, *, strict: bool) -> None:
    """Refuse a checkpoint of another model.

    mmengine loads whatever fits and logs the rest, so that a test with the wrong
    checkpoint measures random weights.

    Args:
        model: The network, which may be wrapped (DDP, test-time augmentation). With
            ``strict`` the checkpoint is loaded into it.
        filename: Anything mmengine loads: a path, a URL, ``open-mmlab://...``.
        strict: Whether all tensors have to fit, for a test or for resuming. Otherwise
            one is enough, for a start from other weights.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a checkpoint, or does not fit.
    """
    require_file(filename, 'checkpoint')
    try:
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location='cpu')
        state_dict = dict(checkpoint.get('state_dict', checkpoint))
    except OSError:
        raise
    except Exception as error:  # whatever the bytes of another format lead to
        raise ValueError(
            f'the checkpoint must be a file of torch.save with the state dict of a '
            f'model, got {filename!r}, which cannot be read: write or download it again'
        ) from error
    state = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    given, wanted = tensor_shapes(state), tensor_shapes(get_state_dict(unwrap(model)))
    differences = describe_differences(given, wanted)
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
