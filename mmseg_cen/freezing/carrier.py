"""Folded features that are equal for all streams, and so are kept once."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .layout import fold_copies


class Shared:
    """Features (B, C, ...) of M equal streams, in place of folded ones, (B*M, C, ...).

    A function that treats each image by itself, such as a ReLU, a pooling or a
    convolution, is computed once for all streams. Whatever else is asked of the object
    is answered by the folded tensor.

    Args:
        once: Features (B, C, ...) of any of the streams.
        num_modalities: Number of modalities M.
        order: Numbers of the channels in ``once``, which need not be in order.
    """

    def __init__(
        self, once: Tensor, num_modalities: int, order: tuple[int, ...] | None = None
    ) -> None:
        self.once = once
        self.num_modalities = num_modalities
        self.order = order
        self._folded: Tensor | None = None

    def in_order(self) -> Tensor:
        """Features (B, C, ...) of any of the streams, with their channels in order."""
        if self.order is None:
            return self.once
        where = sorted(range(len(self.order)), key=self.order.__getitem__)
        runs: list[list[int]] = []  # first channel, number of channels
        for channel in where:
            if runs and sum(runs[-1]) == channel:
                runs[-1][1] += 1
            else:
                runs.append([channel, 1])
        return torch.cat([self.once.narrow(1, *run) for run in runs], dim=1)

    def folded(self) -> Tensor:
        """The folded tensor, which stands for the object from here on."""
        if self._folded is None:
            self._folded = fold_copies(self.in_order(), self.num_modalities)
        return self._folded

    @property
    def shape(self) -> torch.Size:
        batch, *rest = self.once.shape
        return torch.Size((batch * self.num_modalities, *rest))

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Tensor:
        return self.folded()[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):  # protocols, such as that of copies
            raise AttributeError(name)
        if name in ('dtype', 'device', 'requires_grad', 'ndim', 'dim', 'is_cuda'):
            return getattr(self.once, name)
        return getattr(self.folded(), name)

    def __add__(self, other: Any) -> Any:
        return elementwise(torch.add, self, other)

    def __mul__(self, other: Any) -> Any:
        return elementwise(torch.mul, self, other)

    def __sub__(self, other: Any) -> Any:
        return elementwise(torch.sub, self, other)

    def __truediv__(self, other: Any) -> Any:
        return elementwise(torch.div, self, other)

    def __radd__(self, other: Any) -> Any:
        return elementwise(torch.add, other, self)

    def __rmul__(self, other: Any) -> Any:
        return elementwise(torch.mul, other, self)

    def __rsub__(self, other: Any) -> Any:
        return elementwise(torch.sub, other, self)

    def __iadd__(self, other: Any) -> Any:
        return self._become(elementwise(torch.add, self, other))

    def __imul__(self, other: Any) -> Any:
        return self._become(elementwise(torch.mul, self, other))

    def _become(self, value: Any) -> Any:
        """Hold another value, as an operation in place does."""
        if isinstance(value, Shared):
            self.once, self.order, self._folded = value.once, value.order, None
            return self
        self._folded = value
        return value

    @property
    def is_folded(self) -> bool:
        """Whether the folded tensor is in use, which operations in place may change."""
        return self._folded is not None

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in ELEMENTWISE and len(args) == 2 and not kwargs:
            return elementwise(ELEMENTWISE[func], *args)
        if func is torch.cat and is_along_channels(args, kwargs):
            if all(isinstance(x, cls) and not x.is_folded for x in args[0]):
                once = torch.cat([x.in_order() for x in args[0]], dim=1)
                return cls(once, args[0][0].num_modalities)
        elif args and isinstance(args[0], cls) and not args[0].is_folded:
            x, *rest = args
            plain = not any(isinstance(each, cls) for each in rest)
            if func in POINTWISE and not kwargs.get('training'):
                return cls(func(x.once, *rest, **kwargs), x.num_modalities, x.order)
            if func in BY_IMAGE and plain:
                return cls(func(x.in_order(), *rest, **kwargs), x.num_modalities)
        return func(*as_folded(tuple(args)), **as_folded(kwargs))


def elementwise(function: Any, *operands: Any) -> Any:
    """Apply an elementwise function to equal streams, folded tensors and numbers."""
    shared = [o for o in operands if isinstance(o, Shared)]
    M, (batch, *_) = shared[0].num_modalities, shared[0].shape
    if any(o.is_folded for o in shared) or any(
        isinstance(o, Tensor) and (o.ndim != 4 or o.shape[0] not in (1, batch))
        for o in operands
    ):
        return function(*as_folded(operands))
    if all(isinstance(o, Shared) or not _has_streams(o) for o in operands):
        once = [o.in_order() if isinstance(o, Shared) else o for o in operands]
        return Shared(function(*once), M)
    by_stream = [
        o.in_order().unsqueeze(1)
        if isinstance(o, Shared)
        else (o.view(-1, M, *o.shape[1:]) if _has_streams(o) else o)
        for o in operands
    ]
    return function(*by_stream).flatten(0, 1)


def as_folded(value: Any) -> Any:
    """Replace equal streams by folded tensors, in nested tuples, lists and dicts."""
    if isinstance(value, Shared):
        return value.folded()
    if isinstance(value, dict):
        return {key: as_folded(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        folded = [as_folded(each) for each in value]
        if all(new is old for new, old in zip(folded, value, strict=True)):
            return value
        return folded if isinstance(value, list) else tuple(folded)
    return value


def _has_streams(operand: Any) -> bool:
    return isinstance(operand, Tensor) and operand.shape[0] > 1


def is_along_channels(args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether these are arguments of a concatenation of channels."""
    return (*args[1:], *kwargs.values()) == (1,)


#: Functions of two operands, and the one that is computed instead.
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

#: Functions that treat all channels alike. With `inplace=True`, they change the
#: features they get, as they change a tensor.
POINTWISE = {
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
}

#: Further functions that treat each image of a batch by itself.
BY_IMAGE = {F.conv2d, F.prelu, F.pad}
