"""Config files and the options of the command line, read with words for mistakes."""

import importlib.util
import inspect
import os
import re
import traceback
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from .config_types import name_loops, name_types
from .mistakes import one_line

#: How the names of configs end.
KINDS = ('.py', '.yml', '.yaml', '.json')
#: Names of a config that mmengine and the tools read besides the runner's arguments.
READ_ELSEWHERE = (
    'activation_checkpointing', 'auto_scale_lr', 'channels_last', 'compile',
    'decoded_cache', 'detect_anomalous_params', 'efficient_conv_bn_eval',
    'find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'sync_bn',
    'tta_model', 'tta_pipeline',
)  # fmt: skip
#: Names of configs of mmseg 0.x, which mmengine reads no more.
OF_OLD_CONFIGS = ('checkpoint_config', 'data', 'evaluation', 'lr_config', 'runner')


def require_file(path: str, what: str) -> None:
    """Refuse a local file that does not exist; addresses (``scheme://...``) pass.

    Args:
        path: The file.
        what: Its name in the message, e.g. ``'checkpoint'``.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if '://' not in path and not os.path.isfile(path):
        found = 'is a folder' if os.path.isdir(path) else 'does not exist'
        raise FileNotFoundError(
            f'the {what} must be a file, got {path!r}, which {found}: give a path from '
            f'{os.getcwd()!r}, or an absolute one'
        )


def configs_in(work_dir: Path) -> list[Path]:
    """The configs of the trainings in a work directory, the newest one last.

    Copies that were set aside, as ``name.old.py``, are left out.
    """
    found = work_dir.glob('*.py')
    kept = [path for path in found if not re.search(r'\.old\d*$', path.stem)]
    return sorted(kept, key=lambda path: (path.stat().st_mtime, path))


def read_config(path: str) -> Config:
    """Read a config file; types that it imports or leaves out have registered names.

    Args:
        path: The file, or one of an installed package, ``mmseg_cen::demo/….py``.

    Raises:
        FileNotFoundError: If there is no such file, or one that it names.
        ValueError: If it cannot be read, the message has the line; if it is of mmseg
            0.x; or if no such package is installed.
    """
    path = _path_in_package(path) if '::' in path else path
    require_file(path, 'config')
    if not path.endswith(KINDS):
        raise ValueError(
            f'the config must end with {", ".join(KINDS)}, got {path!r}: name the '
            'config here'
        )
    try:
        cfg = Config.fromfile(path)
        name_types(cfg)
        name_loops(cfg)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'the files that a config names must exist, got {one_line(error)} in '
            f'{path!r}: correct `_base_`'
        ) from error
    except Exception as error:  # whatever Python, YAML or JSON leads to
        if isinstance(error, OSError) and error.errno is not None:
            raise
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename in ('<string>', path)]
        where = f' in line {lines[-1]}' if lines else ''
        reason = one_line(error).partition(', the current sys.path')[0]
        if isinstance(error, ImportError):
            reason += f' ({_first_cause(error)})'
        raise ValueError(
            f'the config must be a file that mmengine reads, got {path!r} with '
            f'{type(error).__name__}{where}: {reason[:400]}: correct it'
        ) from error
    old = [name for name in OF_OLD_CONFIGS if name in cfg]
    if len(old) > 1 and 'train_dataloader' not in cfg:
        raise ValueError(
            f'the config must be one of mmseg 1.x, got {path!r} with {", ".join(old)}, '
            'names of mmseg 0.x: take the config of this model that mmseg 1.x has '
            '(mmseg::family/name.py), or rewrite it by the migration guide of mmseg'
        )
    return cfg


def _path_in_package(path: str) -> str:
    """Where ``package::family/name.py`` lies."""
    package, name = path.split('::', 1)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ValueError(
            f'the package of a config must be installed, got {package!r}: write '
            'mmseg::family/name.py or mmseg_cen::family/name.py, or name a file'
        )
    return str(Path(found.origin).parent / '.mim' / 'configs' / name)


def _first_cause(error: BaseException) -> BaseException:
    while error.__context__ is not None:
        error = error.__context__
    return error


def merge_options(cfg: Config, options: dict[str, Any]) -> None:
    """Merge the options of the command line into a config.

    Args:
        cfg: The config, changed in place.
        options: Values by dotted key.

    Raises:
        ValueError: If nothing reads a key, or it leads nowhere in the config.
    """
    known = {*cfg, *inspect.signature(Runner.__init__).parameters, *READ_ELSEWHERE}
    for key in options:
        name = key.split('.')[0]
        if name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f'write {close[0]!r}' if close else 'correct it'
            raise ValueError(
                f'keys of `--cfg-options` must begin with a name of the config, got '
                f'{key!r}: {advice}'
            )
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(
            f'keys of `--cfg-options` must lead to a place in the config, got '
            f'{[*options]} ({one_line(error)}): correct them'
        ) from error
    name_loops(cfg)


def require_test(cfg: Config) -> None:
    """Refuse a config that tests nothing, as that of a training may be.

    Raises:
        ValueError: If a part of the test is missing, or None.
    """
    parts = ('test_dataloader', 'test_cfg', 'test_evaluator')
    if missing := [name for name in parts if cfg.get(name) is None]:
        raise ValueError(
            f'the config must have {", ".join(parts)} for a test, got none of '
            f'{missing}: set them, such as test_dataloader = val_dataloader'
        )


def dataset_of(cfg: Config, split: str) -> Any:
    """The config of the data set of ``'train'``, ``'val'`` or ``'test'``.

    Raises:
        ValueError: If the config has no such dataloader.
    """
    loader = f'{split}_dataloader'
    if not cfg.get(loader):
        found = [key for key in cfg if key.endswith('_dataloader') and cfg[key]]
        raise ValueError(
            f'the config must have `{loader}`, got {found}: choose another `--split`'
        )
    return cfg[loader].dataset
