"""Networks compiled by ``torch.compile``, in place.

``torch.compile(module)`` renames parameters (``_orig_mod.``), and mmengine's
``compile=True`` compiles ``train_step`` with the optimizer in it, which torch refuses.
Here the methods that hold the arithmetic are compiled: what surrounds them, such as
losses, the preparation of samples and the choice of streams, stays Python.
"""

import inspect
import os
import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmseg_cen.streams.state import unwrap


class CompiledMethod:
    """A method of a module, compiled when it first runs; an attribute of the module.

    A copy of the module compiles its own: a compiled function would go on with the
    parameters of the original.

    Args:
        module: The module.
        name: Name of the method.
        options: Arguments of ``torch.compile``.
    """

    def __init__(self, module: nn.Module, name: str, options: dict[str, Any]) -> None:
        self.module = module
        self.name = name
        self.options = options
        self._compiled: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._compiled is None:
            method = getattr(type(self.module), self.name)
            self._compiled = torch.compile(method, **self.options)
        return self._compiled(self.module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_compiled': None}


def compile_network(model: nn.Module, options: dict[str, Any] | None = None) -> None:
    """Compile the parts of a model when they first run.

    A part is compiled once for training and once for predictions, and again for another
    size of the batch or presence of modalities. The second size of images is compiled
    for any size.

    Args:
        model: The model, which may be wrapped; changed in place. Its parameters keep
            their names.
        options: Arguments of ``torch.compile``.

    Raises:
        ValueError: If ``torch.compile`` does not have them, or cannot compile here.
    """
    options = options or {}
    check_compile(options, next(model.parameters()).device.type)
    for part in _parts(unwrap(model)):
        for name in getattr(part, 'compiled_methods', ('forward',)):
            setattr(part, name, CompiledMethod(part, name, options))


def _parts(model: nn.Module) -> Iterator[nn.Module]:
    """The modules whose methods are compiled.

    They are the modules that say which in ``compiled_methods``, and children of the
    model within which no module does.
    """
    for name, child in model.named_children():
        if name != 'data_preprocessor':
            part = unwrap(child)
            own = [m for m in part.modules() if hasattr(m, 'compiled_methods')]
            yield from own or [part]


def check_compile(options: Mapping[str, Any], device: str) -> None:
    """Refuse what ``torch.compile`` could not do, before work begins.

    Args:
        options: Arguments of ``torch.compile``.
        device: ``'cpu'``, ``'cuda'``, ...

    Raises:
        ValueError: If there is no such argument, and for torch's own compiler, if there
            is no C++ compiler, no Python.h or, for a GPU, no Triton.
    """
    known = [*inspect.signature(torch.compile).parameters][1:]
    if unknown := sorted(options.keys() - {*known}):
        raise ValueError(
            f'`compile` must be True, or a dict of the arguments {known} of '
            f'torch.compile, got {unknown}: correct the names'
        )
    if options.get('backend', 'inductor') != 'inductor':
        return
    wanted = os.environ.get('CXX', 'g++') if device == 'cpu' else None
    compilers = [wanted] if wanted else [os.environ.get('CC', 'gcc'), 'clang']
    header = Path(sysconfig.get_paths()['include'], 'Python.h')
    if not any(map(shutil.which, compilers)):
        raise ValueError(
            f'`compile` must have a compiler of C++, got none of the name '
            f'{compilers[0]!r}: install it, name another one in the environment '
            f'variable {"CXX" if wanted else "CC"}, or leave compile out'
        )
    if not header.is_file():
        raise ValueError(
            f'`compile` must have the header files of Python, got no {header}: install '
            f'them (python3-dev), or leave compile out'
        )
    if device != 'cpu' and find_spec('triton') is None:
        raise ValueError(
            '`compile` must have the package triton for a GPU, got none: install it, '
            'or leave compile out'
        )
