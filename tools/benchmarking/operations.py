"""Operations and parameters of a network, part by part.

What counts is what published tables count: a multiplication with addition, of a
convolution or a matrix product, is one operation (MAC); an offset of a convolution, an
activation and a value that is pooled are one, too, and a value of a norm two.
Interpolations and sums count nothing.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg_cen.models.ensemble_head import EnsembleHead
from mmseg_cen.streams.norm import NORM_BASES, ModalityNorm
from mmseg_cen.streams.private import PrivateLayer, is_convolution

aten = torch.ops.aten
#: Operations of torch that count one for each value of their input.
ONE_EACH = (
    *(aten.relu, aten.relu_, aten.hardtanh, aten.hardtanh_, aten.leaky_relu),
    *(aten.leaky_relu_, aten.gelu, aten.silu, aten.silu_, aten.hardswish),
    *(aten.hardswish_, aten.sigmoid, aten.tanh, aten.elu, aten.avg_pool2d),
    *(aten.max_pool2d_with_indices, aten._adaptive_avg_pool2d),
)
STEM = 'stem'


@dataclass
class Part:
    """What a part of a network costs.

    Attributes:
        name: Name of the part.
        macs: Multiplications with additions, for a sample with all modalities.
        others: All other operations that count.
        parameters: Number of parameters.
        private: How many of them one modality has for itself.
    """

    name: str
    macs: int = 0
    others: int = 0
    parameters: int = 0
    private: int = 0

    @property
    def operations(self) -> int:
        """All operations that count."""
        return self.macs + self.others

    def __add__(self, other: 'Part') -> 'Part':
        sums = (getattr(self, f.name) + getattr(other, f.name) for f in COUNTS)
        return Part(self.name, *sums)


COUNTS = fields(Part)[1:]


def count_parts(model: nn.Module, shape: tuple[int, ...]) -> list[Part]:
    """Stages and blocks of each part of a network, the part; and at last ``total``.

    The network runs on the meta device, which knows shapes and computes nothing; one
    that looks at values runs on the CPU.

    Args:
        model: The network, in eval mode.
        shape: Shape of the input, packed modalities.
    """
    try:
        counts = _Counts(copy.deepcopy(model).to('meta'), shape)
    except (NotImplementedError, RuntimeError):
        counts = _Counts(model, shape)
    parts = []
    for name, child in model.named_children():
        inner: dict[str, Part] = {}
        for label, path in blocks_of(name, child):
            part = counts.part(label, path, model.get_submodule(path))
            inner[label] = inner[label] + part if label in inner else part
        parts += [*inner.values(), counts.part(name, name, child)]
    costly = [part for part in parts if part.operations or part.parameters]
    return [*costly, counts.part('total', '', model)]


def blocks_of(name: str, module: nn.Module) -> Iterator[tuple[str, str]]:
    """Labels of the blocks within a part of a network, and paths of their modules.

    Layers that stand directly in a backbone are its stem.
    """
    path = f'{name}.head' if isinstance(module, EnsembleHead) else name
    for within, block in _blocks(module.get_submodule(path[len(name) + 1 :])):
        is_stem = name == 'backbone' and is_layer(block)
        yield f'{name}.{STEM if is_stem else within}', f'{path}.{within}'


def _blocks(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Children of a module, and in the place of a list of blocks, the blocks."""
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList) and not isinstance(child, PrivateLayer):
            yield from ((f'{name}.{path}', block) for path, block in _blocks(child))
        else:
            yield name, child


def is_layer(module: nn.Module) -> bool:
    """Whether a module is one layer, private or not, not a block of several."""
    private = isinstance(module, (ModalityNorm, PrivateLayer))
    return private or not any(True for _ in module.children())


class _Counts:
    """What was counted in one pass through a network, by the names of its modules."""

    def __init__(self, model: nn.Module, shape: tuple[int, ...]) -> None:
        self.by_layer: Counter[str] = Counter()
        hooks = [
            layer.register_forward_hook(self._hook(name, each))
            for name, layer, each in _layers(model)
        ]
        trained = [p for p in model.parameters() if p.requires_grad]
        model.requires_grad_(False)  # else the counter hooks into gradients
        self.root = type(model).__name__
        counter = FlopCounterMode(
            display=False, custom_mapping=dict.fromkeys(ONE_EACH, _values)
        )
        try:
            with counter:
                model(torch.zeros(shape, device=next(model.parameters()).device))
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)
            for hook in hooks:
                hook.remove()
        self.by_module = counter.get_flop_counts()

    def _hook(self, name: str, each: int) -> Any:
        def add(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            self.by_layer[name] += each * output.numel()

        return add

    def part(self, name: str, path: str, module: nn.Module) -> Part:
        """What a module costs, all that is within it."""
        counts = self._counted(path, module)
        # The counter of torch counts a multiplication with addition twice.
        ones = sum(n for op, n in counts.items() if op in ONE_EACH)
        macs = (counts.total() - ones) // 2
        inside = f'{path}.' if path else ''
        layers = sum(n for k, n in self.by_layer.items() if f'{k}.'.startswith(inside))
        parameters = sum(p.numel() for p in module.parameters())
        return Part(name, macs, ones + layers, parameters, _private(module))

    def _counted(self, path: str, module: nn.Module) -> Counter[Any]:
        """By operation; of a module whose ``forward`` alone is called, its children."""
        known = f'{self.root}.{path}' if path else 'Global'
        if known in self.by_module:
            return Counter(self.by_module[known])
        children = (
            self._counted(f'{path}.{name}', child)
            for name, child in module.named_children()
        )
        return sum(children, Counter())


def _values(shape: tuple[int, ...], *args: Any, **kwargs: Any) -> int:
    return prod(shape)


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module, int]]:
    """Norms, with 2 a value, and convolutions with offsets, with 1."""
    inner = {id(m.norm) for m in model.modules() if isinstance(m, ModalityNorm)}
    for name, layer in model.named_modules():
        if isinstance(layer, (ModalityNorm, *NORM_BASES)) and id(layer) not in inner:
            yield name, layer, 2
        elif is_convolution(layer) and getattr(layer, 'bias', None) is not None:
            yield name, layer, 1


def _private(module: nn.Module) -> int:
    """Number of parameters that one modality has for itself."""
    return sum(
        sum(p.numel() for p in layer.parameters()) // copies
        for layer in module.modules()
        for copies in [
            layer.num_modalities
            if isinstance(layer, ModalityNorm)
            else len(layer)
            if isinstance(layer, PrivateLayer)
            else 0
        ]
        if copies
    )
