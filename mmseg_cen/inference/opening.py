"""From what a user names to a network: config and checkpoint, work directory, file."""

import os
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log

from mmseg_cen.checkpoints.latest import latest_checkpoint
from mmseg_cen.config_files import configs_in, merge_options
from mmseg_cen.launch import load_config, require_file
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.models.modalities import names_of
from mmseg_cen.modes import require_device

from .exported import exported_network, read_description
from .network import Network, Options
from .trained import trained_network

#: How files that export.py has written end, besides those with a JSON beside them.
EXPORTED = ('.onnx', '.pt2', '.ts', '.pt', '.torchscript')


def open_network(
    model: Any, weights: str | None, options: Options, cfg_options: Any = None
) -> Network:
    """Build a network from a config and a checkpoint, a work directory or a file.

    Args:
        model: Path of a config, or a config; a work directory, whose config and best or
            last checkpoint are taken; or a file of tools/deployment/export.py.
        weights: Path of the checkpoint.
        options: How the network runs.
        cfg_options: Values by dotted key of the config.

    Raises:
        ValueError: If the model is another one, or the checkpoint does not fit.
        FileNotFoundError: If a file does not exist.
    """
    require_device(options.device)
    if _is_exported(model):
        if weights is not None:
            raise ValueError(
                f'an exported network must be alone, got a checkpoint, too, {weights!r}'
                ': leave it out'
            )
        if cfg_options:
            raise ValueError(
                'an exported network must run as it was written, got options of a '
                f'config, {[*cfg_options]}: leave them out, or take the checkpoint'
            )
        return exported_network(str(model), options)
    if isinstance(model, (str, os.PathLike)) and os.path.isdir(model) and not weights:
        weights = _checkpoint_of(str(model))
    cfg = _config_of(model, cfg_options)
    if weights is None:
        raise ValueError(
            f'the checkpoint must be named, got none beside {model!r}: add the .pth '
            'file of the training, or name its work directory instead of the config'
        )
    require_file(weights, 'checkpoint')
    return trained_network(cfg, weights, options)


def names_of_model(model: Any, cfg_options: Any = None) -> tuple[str, ...]:
    """Names of the modalities of a network, before it is built.

    Arguments and errors are those of :func:`open_network`.
    """
    if _is_exported(model):
        described = read_description(str(model))['modalities']
        return tuple(one['name'] for one in described)
    return names_of(_config_of(model, cfg_options).model)


def _is_exported(model: Any) -> bool:
    if not isinstance(model, (str, os.PathLike)):
        return False
    return str(model).endswith(EXPORTED) or os.path.isfile(f'{model}.json')


def _config_of(model: Any, cfg_options: Any) -> Config:
    """The config of a multimodal segmentor."""
    if isinstance(model, (str, os.PathLike)):
        path = str(model)
        if os.path.isdir(path):
            files = configs_in(Path(path))
            if len(files) != 1:
                raise ValueError(
                    'a work directory must have one config, got '
                    f'{[file.name for file in files] or "none"} in {path!r}: name the '
                    'config and the checkpoint'
                )
            path = str(files[0])
        cfg = load_config(path, options=cfg_options)
    else:
        cfg = model if isinstance(model, Config) else Config(ConfigDict(model))
        merge_options(cfg, cfg_options or {})
    network = cfg.get('model') or {}
    preprocessor = (network.get('data_preprocessor') or {}).get('type')
    if preprocessor != MultimodalPreprocessor.__name__:
        raise ValueError(
            'the model must be a multimodal segmentor, with a MultimodalPreprocessor, '
            f'got {network.get("type")} with {preprocessor}: predict translations and '
            'several tasks by tools/test.py --out or --show-dir, others by the tools '
            'of mmseg, or convert the config by tools/analysis/convert_config.py'
        )
    return cfg


def _checkpoint_of(folder: str) -> str:
    """The best checkpoint of a work directory, else the last."""
    best = sorted(Path(folder).glob('best_*.pth'), key=os.path.getmtime)
    found = str(best[-1]) if best else latest_checkpoint(folder)
    if found is None:
        raise ValueError(
            f'a work directory must have a checkpoint, got none in {folder!r}: wait '
            'for the training, or name the config and the checkpoint'
        )
    print_log(f'checkpoint: {found}', 'current')
    return found
