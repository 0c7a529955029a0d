"""What mmengine, mmcv-lite and mmseg need on a current stack.

Importing this module applies the repairs; each does nothing where nothing is broken. It
is imported before anything of mmseg that would break. Repairs that only processes on
CPU need are in :mod:`mmseg_cen.cpu_processes`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import torch
from mmengine.config import Config, config
from mmengine.logging import HistoryBuffer

_NEEDS_FULL_MMCV = (
    'full mmcv must be installed for the compiled operator {name}, got mmcv-lite: run '
    "pip uninstall mmcv-lite && pip install 'mmcv>=2.0.0rc4,<2.2' "
    '(compiles for about ten minutes where no wheel fits)'
)


class _MissingOperators(ModuleType):
    """Stands in for ``mmcv._ext``: every operator exists, and raises when called."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> NoReturn:
            raise ImportError(_NEEDS_FULL_MMCV.format(name=name))

        return missing

    # mmcv.utils.collect_env calls these two and prints the results.
    @staticmethod
    def get_compiler_version() -> str:
        return 'n/a'

    @staticmethod
    def get_compiling_cuda_version() -> str:
        return 'n/a'


def import_ops_of_mmcv_lite() -> None:
    """Make ``import mmcv.ops`` work under mmcv-lite.

    mmseg imports names from ``mmcv.ops`` in its heads and losses; mmcv-lite ships these
    files without the extension ``mmcv._ext`` that they load, and mmseg does not import
    (mmcv#2059, mmsegmentation#126). A stub replaces the extension while
    ``mmcv.ops`` is imported, and no longer: mmengine takes the extension for a sign of
    full mmcv. The operators raise ``ImportError`` when they are called.

    Does nothing where full mmcv is installed.

    Raises:
        ImportError: If neither mmcv nor mmcv-lite is installed.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(
            'mmcv must be installed, got none: pip install mmcv-lite==2.1.0 (no '
            'compiled operators, enough for most models) or pip install '
            "'mmcv>=2.0.0rc4,<2.2'"
        )
    if 'mmcv.ops' in sys.modules or importlib.util.find_spec('mmcv._ext') is not None:
        return
    sys.modules['mmcv._ext'] = _MissingOperators('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


class _ImportedWhenCalled(ModuleType):
    """Stands in for a module of functions, which is imported when one is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith('__'):
            raise AttributeError(name)

        def function(*args: Any, **kwargs: Any) -> Any:
            module = importlib.import_module(self.__name__)
            return getattr(module, name)(*args, **kwargs)

        return function


def import_mmseg_without_scipy() -> None:
    """Import mmseg, but not what few of its transforms, losses and heads need.

    ``scipy`` takes longer to import than all of mmseg, which takes four functions from
    it by name. Modules stand in for it while mmseg is imported, and no longer; a module
    that is imported already is left as it is.
    """
    modules = {'scipy.interpolate', 'scipy.ndimage', 'scipy.optimize'}
    stand_ins = {name: _ImportedWhenCalled(name) for name in modules - {*sys.modules}}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module('mmseg.datasets')
        importlib.import_module('mmseg.models')
    finally:
        for name in stand_ins:
            del sys.modules[name]


def leave_out_broken_models_of_mmpretrain() -> None:
    """Let mmpretrain import beside transformers 5, without its multimodal models.

    mmpretrain 1.2 imports these models where pycocotools, which mmdet needs, and
    transformers are installed, and they call what transformers 5 no longer has: neither
    mmpretrain imports then, nor mmdet and mmseg, which try to. An empty module stands
    for the models. Does nothing beside older ones, or where a package is missing.
    """
    name = 'mmpretrain.models.multimodal'
    if importlib.util.find_spec('mmpretrain') is None or name in sys.modules:
        return
    try:
        version = metadata.version('transformers')
    except metadata.PackageNotFoundError:
        return
    if int(version.split('.')[0]) >= 5:
        sys.modules[name] = ModuleType(name)


def _attribute_of_history_buffer(owner: Any, name: str) -> Any:
    """Stand in for ``getattr`` in a checkpoint: statistics of a HistoryBuffer only."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise UnpicklingError(
            f'attributes in a checkpoint must be statistics of a HistoryBuffer, as '
            f'mmengine writes them, got {name!r} of {owner!r}: do not load the file'
        )
    return getattr(owner, name)


def allow_checkpoints_of_mmengine() -> None:
    """Let ``torch.load(weights_only=True)`` read checkpoints of mmengine.

    Since torch 2.6 ``weights_only=True`` is the default and refuses the
    ``HistoryBuffer`` objects and NumPy values in the message hub: nothing resumes
    (mmengine#1655). They are data and are declared safe here. A ``HistoryBuffer`` also
    names its statistics by way of ``getattr``, which is replaced by a function that
    returns only these; everything else stays refused. NumPy 2 renamed the module of its
    reconstructors: both names are declared, so that a checkpoint survives a change of
    NumPy.

    Raises:
        ImportError: If torch is older, whose ``weights_only=True`` runs code all the
            same (CVE-2025-32434).
    """
    if torch.__version__ < '2.6':
        raise ImportError(
            f'torch must be 2.6 or newer, got {torch.__version__}: older ones may run '
            f'code of a checkpoint, whatever they are told (CVE-2025-32434)'
        )
    reconstructors: list[Any] = [
        np.zeros(1).__reduce__()[0],
        np.float64(0).__reduce__()[0],
    ]
    codes = np.typecodes['AllInteger'] + np.typecodes['AllFloat'] + '?'
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (_attribute_of_history_buffer, 'builtins.getattr'),
            np.ndarray,
            np.dtype,
            *{type(np.dtype(code)) for code in codes},
            *(
                (function, f'numpy.{core}.multiarray.{function.__name__}')
                for function in reconstructors
                for core in ('core', '_core')
            ),
        ]
    )


def format_configs_once() -> None:
    """Let mmengine lay out the text of a config once, not for each of its copies.

    A run writes the same text into its work directory, its log and its figures, and
    with hundreds of names of classes the layout takes half a minute each time.
    """
    format_code = config.FormatCode

    @lru_cache(maxsize=8)
    def formatted(text: str, style: tuple[Any, ...], others: tuple[Any, ...]) -> Any:
        return format_code(text, style_config=dict(style), **dict(others))

    def format_once(text: str, style_config: dict[str, Any], **others: Any) -> Any:
        return formatted(text, (*style_config.items(),), (*others.items(),))

    config.FormatCode = format_once


def name_configs_of_this_package() -> None:
    """Let ``_base_`` name a config of this package, ``mmseg_cen::demo/....py``.

    mmengine looks for the folder beside the metadata of a package, where an editable
    installation has none. What these configs build is in the registries of mmseg.
    """
    find = Config._get_cfg_path

    def find_with_scope(path: str, filename: str) -> tuple[str, str | None]:
        if path.startswith('mmseg_cen::'):
            name = path.removeprefix('mmseg_cen::')
            return str(Path(__file__).parent / '.mim' / 'configs' / name), 'mmseg'
        return find(path, filename)

    Config._get_cfg_path = staticmethod(find_with_scope)


import_ops_of_mmcv_lite()
leave_out_broken_models_of_mmpretrain()
import_mmseg_without_scipy()
format_configs_once()
allow_checkpoints_of_mmengine()
name_configs_of_this_package()
