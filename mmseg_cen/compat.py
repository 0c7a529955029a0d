"""What mmengine, mmcv-lite and mmseg need on a current stack.

Importing this module applies the repairs, each of which does nothing where nothing is
broken. It is imported before anything of mmseg that would break. What only a launch of
several processes needs is in `mmseg_cen.launch`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

_NEEDS_FULL_MMCV = (
    '{name} is a compiled operator and needs full mmcv, but mmcv-lite is installed. '
    "Run: pip uninstall mmcv-lite && pip install 'mmcv>=2.0.0rc4,<2.2' "
    '(compiles for about ten minutes where no wheel fits).'
)


class _MissingOperators(ModuleType):
    """Stands in for `mmcv._ext`: has every operator, none of which can be called."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> NoReturn:
            raise ImportError(_NEEDS_FULL_MMCV.format(name=name))

        return missing

    # `mmcv.utils.collect_env` asks for these two and prints them.
    @staticmethod
    def get_compiler_version() -> str:
        return 'n/a'

    @staticmethod
    def get_compiling_cuda_version() -> str:
        return 'n/a'


def import_ops_of_mmcv_lite() -> None:
    """Make `import mmcv.ops` work under mmcv-lite.

    mmseg imports names from `mmcv.ops` in its heads and losses; mmcv-lite ships these
    files without the extension `mmcv._ext` that they load, and `import mmseg.models`
    fails (mmcv#2059, mmsegmentation#126). The extension is replaced by a stub for as
    long as `mmcv.ops` is being imported, no longer: `mmengine` takes its presence for
    full mmcv. The operators raise `ImportError` when they are called.

    Does nothing where full mmcv is installed.

    Raises:
        ImportError: If neither mmcv nor mmcv-lite is installed.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ImportError(
            'mmseg_cen needs mmcv: pip install mmcv-lite==2.1.0 (no compiled '
            "operators, enough for most models) or pip install 'mmcv>=2.0.0rc4,<2.2'."
        )
    if 'mmcv.ops' in sys.modules or importlib.util.find_spec('mmcv._ext') is not None:
        return
    sys.modules['mmcv._ext'] = _MissingOperators('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


def _attribute_of_history_buffer(owner: Any, name: str) -> Any:
    """Stand in for `getattr` in a checkpoint: statistics of `HistoryBuffer` only."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise UnpicklingError(
            f'The checkpoint asks for attribute {name!r} of {owner!r}, which no '
            'checkpoint of mmengine needs; it is refused.'
        )
    return getattr(owner, name)


def allow_checkpoints_of_mmengine() -> None:
    """Let `torch.load(weights_only=True)` read what mmengine writes into a checkpoint.

    Since torch 2.6 `weights_only=True` is the default and refuses the `HistoryBuffer`
    objects and NumPy values in the message hub: nothing resumes (mmengine#1655). They
    are data and are declared safe here. A `HistoryBuffer` also names its statistics by
    way of `getattr`, in whose place stands a function that gives these and nothing
    else; everything else stays refused. NumPy 2 renamed the module of its
    reconstructors: both names are declared, so that a checkpoint survives a change of
    NumPy.

    Does nothing with torch < 2.6.
    """
    if torch.__version__ < '2.6':
        return
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


def register_one_adafactor() -> None:
    """Keep mmengine from registering two optimizers under the name 'Adafactor'.

    torch >= 2.5 and transformers both have an Adafactor; mmengine before 0.10.7, and
    the maintained forks, register both by that name and fail with a `KeyError` while
    they are imported (mmengine#1609). mmengine 0.10.7 gives torch's the name
    'TorchAdafactor'; here torch's is hidden while mmengine is imported and then
    registered by that name, which leaves the same registry whatever the version.

    Does nothing if torch or the environment has no Adafactor, or if `mmengine.optim` is
    imported already.
    """
    if (
        'mmengine.optim' in sys.modules
        or not hasattr(torch.optim, 'Adafactor')
        or importlib.util.find_spec('transformers') is None
    ):
        return
    adafactor = torch.optim.Adafactor
    del torch.optim.Adafactor
    try:
        optim = importlib.import_module('mmengine.optim')
    finally:
        torch.optim.Adafactor = adafactor  # type: ignore[misc]
    optim.OPTIMIZERS.register_module(name='TorchAdafactor', module=adafactor)


# The optimizers come first: everything else of mmengine may import them.
register_one_adafactor()
import_ops_of_mmcv_lite()
allow_checkpoints_of_mmengine()
