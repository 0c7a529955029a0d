"""Folded features that are kept apart, stream by stream, while a network runs."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_cen.streams.fold import split_streams

Parts = list[Tensor]


class Streams:
    """The features of M streams, which stand for folded ones, (B*M, C, ...).

    Streams that are equal by construction are one object: a function that treats each
    image by itself, such as a ReLU, a pooling or a convolution, is computed once for
    them. Code that expects a tensor gets the folded one, whatever it asks for.

    Args:
        parts: Features (B, C, ...) of each stream.
    """

    def __init__(self, parts: Sequence[Tensor]) -> None:
        self._parts: Parts | None = list(parts)
        self._folded: Tensor | None = None

    @property
    def parts(self) -> Parts:
        """Features (B, C, ...) of each stream."""
        if self._parts is None:
            self._parts = self._compute()
        return self._parts

    @property
    def identical(self) -> bool:
        """Whether all streams are one object."""
        return all(part is self.parts[0] for part in self.parts)

    def _compute(self) -> Parts:
        raise NotImplementedError

    def folded(self) -> Tensor:
        """The folded features; from here on, the streams are views of them."""
        if self._folded is None:
            self._folded = fold(self.parts)
            self._parts = split(self._folded, len(self.parts))
        return self._folded

    def replace(self, parts: Parts) -> 'Streams':
        """Hold other features, as an operation in place does."""
        self._parts, self._folded = parts, None
        return self

    # What Python asks of a tensor, other than by the functions of torch.
    @property
    def shape(self) -> torch.Size:
        first = self.parts[0]
        return torch.Size((first.shape[0] * len(self.parts), *first.shape[1:]))

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        return self.parts[0].dim()

    @property
    def requires_grad(self) -> bool:
        return any(part.requires_grad for part in self.parts)

    @property
    def dtype(self) -> torch.dtype:
        return self.parts[0].dtype

    @property
    def device(self) -> torch.device:
        return self.parts[0].device

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Tensor:
        return self.folded()[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):  # protocols, such as that of copies
            raise AttributeError(name)
        return getattr(self.folded(), name)

    def __add__(self, other: Any) -> Any:
        return elementwise(torch.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return elementwise(torch.add, other, self)

    def __mul__(self, other: Any) -> Any:
        return elementwise(torch.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return elementwise(torch.mul, other, self)

    def __sub__(self, other: Any) -> Any:
        return elementwise(torch.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return elementwise(torch.sub, other, self)

    def __truediv__(self, other: Any) -> Any:
        return elementwise(torch.div, self, other)

    def __iadd__(self, other: Any) -> Any:
        return self.replace(elementwise(torch.add, self, other).parts)

    def __imul__(self, other: Any) -> Any:
        return self.replace(elementwise(torch.mul, self, other).parts)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in ELEMENTWISE and len(args) == 2 and not kwargs:
            return elementwise(ELEMENTWISE[func], *args)
        if func in BY_IMAGE and not kwargs.get('training'):
            first, *rest = args or (kwargs.pop('input'),)
            if isinstance(first, cls) and not any(map(_is_folded, rest)):
                return first.map(lambda part: func(part, *rest, **kwargs))
        if func in CONCATENATION and _channel_axis(args, kwargs):
            tensors = args[0]
            if all(_is_folded(tensor) for tensor in tensors):
                return concatenate(tensors)
        return func(*as_folded(tuple(args)), **as_folded(kwargs))

    def map(self, function: Callable[[Tensor], Any]) -> 'Streams':
        """Apply a function to each stream, once to streams that are one object."""
        return _for_each(function, self.parts)


def fold(parts: Parts) -> Tensor:
    """Features (B, C, ...) of each stream -> folded ones, in their memory format."""
    first = parts[0]
    if first.ndim == 4 and not first.is_contiguous():
        last = [part.permute(0, 2, 3, 1) for part in parts]
        return torch.stack(last, dim=1).flatten(0, 1).permute(0, 3, 1, 2)
    return torch.stack(parts, dim=1).flatten(0, 1)


def split(folded: Tensor, num_modalities: int) -> Parts:
    """Folded features -> those of each stream, views of them."""
    return list(split_streams(folded, num_modalities).unbind(1))


def elementwise(function: Any, *operands: Any) -> Any:
    """Apply an elementwise function to streams, folded tensors and numbers."""
    M = len(next(o for o in operands if isinstance(o, Streams)).parts)
    sizes = [o.shape[0] for o in operands if isinstance(o, Streams)]
    of_streams = []
    for operand in operands:
        if isinstance(operand, Streams):
            of_streams.append(operand.parts)
        elif (
            isinstance(operand, Tensor)
            and operand.ndim == 4
            and operand.shape[0] == sizes[0]
        ):
            of_streams.append(split(operand, M))
        elif isinstance(operand, Tensor) and operand.ndim == 4 and operand.shape[0] > 1:
            return function(*as_folded(operands))
        else:
            of_streams.append([operand] * M)
    return _for_each(function, *of_streams)


def concatenate(tensors: Sequence[Any]) -> Streams:
    """Concatenate streams and folded tensors on the channel axis."""
    M = len(next(t for t in tensors if isinstance(t, Streams)).parts)
    parts = [t.parts if isinstance(t, Streams) else split(t, M) for t in tensors]
    return _for_each(lambda *of_stream: torch.cat(of_stream, dim=1), *parts)


def as_folded(value: Any) -> Any:
    """Replace streams by folded tensors, in nested tuples, lists and dicts."""
    if isinstance(value, Streams):
        return value.folded()
    if isinstance(value, dict):
        return {key: as_folded(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        folded = [as_folded(each) for each in value]
        if all(new is old for new, old in zip(folded, value, strict=True)):
            return value
        return folded if isinstance(value, list) else tuple(folded)
    return value


def _for_each(function: Callable[..., Any], *of_streams: list[Any]) -> Streams:
    """Apply ``function`` for each stream, once to equal arguments."""
    done: dict[tuple[int, ...], Any] = {}
    results = []
    for arguments in zip(*of_streams, strict=True):
        key = tuple(map(id, arguments))
        if key not in done:
            done[key] = function(*arguments)
        results.append(done[key])
    return Streams(results)


def _is_folded(value: Any) -> bool:
    return isinstance(value, Streams) or (isinstance(value, Tensor) and value.ndim == 4)


def _channel_axis(args: Any, kwargs: Any) -> bool:
    return len(args) + len(kwargs) == 2 and (*args[1:], *kwargs.values()) == (1,)


CONCATENATION = {torch.cat, torch.concat}

#: Functions of two operands, and the one that computes them for a stream.
ELEMENTWISE = {
    torch.add: torch.add,
    Tensor.add: torch.add,
    Tensor.__add__: torch.add,
    Tensor.__radd__: torch.add,
    torch.mul: torch.mul,
    Tensor.mul: torch.mul,
    Tensor.__mul__: torch.mul,
    Tensor.__rmul__: torch.mul,
}

#: Functions that treat each image of a batch by itself. With `inplace=True`, they change
#: the streams they get, as they change a tensor.
BY_IMAGE = {
    F.relu,
    torch.relu,
    torch.relu_,
    F.relu6,
    F.hardtanh,
    F.leaky_relu,
    F.elu,
    F.gelu,
    F.silu,
    F.mish,
    F.hardswish,
    F.hardsigmoid,
    F.prelu,
    F.softplus,
    torch.sigmoid,
    torch.tanh,
    F.dropout,
    F.dropout2d,
    F.max_pool2d,
    torch.max_pool2d,
    F.avg_pool2d,
    F.adaptive_avg_pool2d,
    F.interpolate,
    F.pad,
}
