"""Write a network to a file, and read the file back."""

import importlib.util
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from .network import ExportedNetwork
from .replacements import sizes_as_symbols

#: Version of the operators of ONNX files.
OPSET = 18
#: Argument of torch.export: what sizes must be is checked when the graph runs.
DEFERRED = 'prefer_deferred_runtime_asserts_over_guards'
#: Inputs -> outputs.
Runs = Callable[[tuple[Tensor, ...]], list[Tensor]]


def write_torchscript(network: ExportedNetwork, path: Path) -> None:
    """Trace a network; PyTorch in C++ runs it, too."""
    with _quiet(), sizes_as_symbols():
        traced = torch.jit.trace(network, _example(network), check_trace=False)
        torch.jit.save(traced, str(path))


def read_torchscript(path: Path, device: torch.device) -> Runs:
    """Load what :func:`write_torchscript` has written."""
    with _quiet():
        return _listed(torch.jit.load(str(path), map_location=device))


def write_torch_export(network: ExportedNetwork, path: Path) -> None:
    """Write the graph of a network in operators of PyTorch, for its compilers."""
    with _quiet():
        torch.export.save(_graph(network), path.open('wb'))


def read_torch_export(path: Path, device: torch.device) -> Runs:
    """Load what :func:`write_torch_export` has written."""
    with _quiet():
        return _listed(torch.export.load(path.open('rb')).module())


def write_onnx(network: ExportedNetwork, path: Path) -> None:
    """Write the graph of a network in operators of ONNX, version :data:`OPSET`."""
    with _quiet():
        program: Any = torch.onnx.export(
            _graph(network),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[slot.name for slot in network.inputs],
            output_names=list(network.output_names),
        )
        program.save(path, external_data=False)


def read_onnx(path: Path, device: torch.device) -> Runs:
    """Load what :func:`write_onnx` has written, with onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        path.read_bytes(), providers=['CPUExecutionProvider']
    )
    names = [one.name for one in session.get_inputs()]

    def run(images: tuple[Tensor, ...]) -> list[Tensor]:
        arrays = [np.ascontiguousarray(image.cpu().numpy()) for image in images]
        outputs = session.run(None, dict(zip(names, arrays, strict=True)))
        return [torch.from_numpy(output) for output in outputs]

    return run


class Format(NamedTuple):
    """How a file is written and read, and the packages that this takes."""

    write: Callable[[ExportedNetwork, Path], None]
    read: Callable[[Path, torch.device], Runs]
    packages: tuple[str, ...] = ()


FORMATS = {
    'torchscript': Format(write_torchscript, read_torchscript),
    'onnx': Format(write_onnx, read_onnx, ('onnx', 'onnxscript', 'onnxruntime')),
    'torch-export': Format(write_torch_export, read_torch_export),
}


def check_packages(name: str) -> None:
    """Raise a ValueError unless the packages that a format takes are installed."""
    known = inspect.signature(torch.export.export).parameters
    if name != 'torchscript' and DEFERRED not in known:
        raise ValueError(
            f'torch must be one whose torch.export takes `{DEFERRED}` for --format '
            f'{name}, got {torch.__version__}: install torch 2.13, or choose '
            'torchscript'
        )
    needed = FORMATS[name].packages
    if missing := [p for p in needed if importlib.util.find_spec(p) is None]:
        raise ValueError(
            f'the packages {", ".join(needed)} must be installed for --format {name}, '
            f'got no {", ".join(missing)}: pip install "mmseg-cen[export]"'
        )


def write(network: ExportedNetwork, path: Path, name: str) -> None:
    """Write a network to a file of a format of :data:`FORMATS`.

    Raises:
        ValueError: If the network cannot be written for images of any size.
    """
    try:
        FORMATS[name].write(network, path)
    except (RuntimeError, TypeError, torch.onnx.errors.OnnxExporterError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), '')
        raise ValueError(
            f'the network must consist of operators that {name} has, for images of any '
            f'size, got {type(error).__name__} ({first[:200]}): choose another --format'
        ) from error


def _example(network: ExportedNetwork) -> tuple[Tensor, ...]:
    """Inputs whose sizes all differ."""
    unit = max(network.factor, network.core.least_size)
    return network.random_images(2, 2 * unit, 3 * unit)


def _graph(network: ExportedNetwork) -> ExportedProgram:
    """The graph of a network for any batch, height and width."""
    factor, least = network.factor, network.core.least_size
    sizes = [
        factor * Dim(name, min=1) if factor > 1 else Dim(name, min=least)
        for name in ('height', 'width')
    ]
    axes = {0: Dim('batch', min=1), 2: sizes[0], 3: sizes[1]}
    settings: Any = torch.fx.experimental._config
    # Else, 1 counts as a size apart: coarse maps of small images have it.
    with sizes_as_symbols(), settings.patch(backed_size_oblivious=True):
        return torch.export.export(
            network,
            _example(network),
            dynamic_shapes=(tuple(axes for _ in network.inputs),),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )


def _listed(function: Callable[..., Any]) -> Runs:
    def run(images: tuple[Tensor, ...]) -> list[Tensor]:
        with torch.no_grad():
            outputs = function(*images)
        return [outputs] if isinstance(outputs, Tensor) else list(outputs)

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of exporters, whose files are compared with the network."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
