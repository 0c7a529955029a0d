"""Which norm is folded into which convolution: a probe through a network shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mmcv.cnn.bricks.wrappers import Conv2d
from torch import nn
from torch.overrides import TorchFunctionMode

from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.private import PrivateLayer

from .carrier import Shared
from .layers import FrozenConv
from .plan import affine_of, sources_of

#: Convolutions whose forward is that of torch.
PLAIN = (nn.Conv2d, Conv2d)


@dataclass
class Call:
    """A call of a convolution.

    Attributes:
        conv: The convolution.
        x: What it saw.
        output: What it returned; kept, so that no other object has its identity.
        frozen: The convolution with the norm that saw the output first, if any.
        used: Whether the output has another use.
    """

    conv: nn.Conv2d
    x: Any
    output: Any
    frozen: FrozenConv | None = None
    used: bool = False


class Pairing(TorchFunctionMode):
    """Finds the norms that can be folded into convolutions, while a network runs.

    A norm is folded into a convolution if the norm, and nothing else, sees the very
    tensor that the convolution returned, and both are called once. What the network
    itself returns is for others to see, too: :meth:`see`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.uses: dict[nn.Module, int] = {}
        self._by_output: dict[int, Call] = {}
        self._watches = True

    def pairs(self) -> list[FrozenConv]:
        """The convolutions with their norms."""
        return [
            call.frozen
            for call in self.calls
            if call.frozen is not None
            and not call.used
            and self.uses[call.frozen.conv] == self.uses[call.frozen.norm_layer] == 1
        ]

    def see(self, values: Any) -> None:
        """Count nested lists, tuples and dicts among the uses of what they hold."""
        for value in _flat([values]):
            if (call := self._by_output.get(id(value))) is not None:
                call.used = True

    @contextmanager
    def watch(self, network: nn.Module) -> Iterator[None]:
        """Context in which the layers of a network are watched, and norms folded."""
        inside = {
            layer
            for private in network.modules()
            if isinstance(private, PrivateLayer)
            for layer in private.modules()
        }
        hooks = []
        for layer in network.modules():
            if layer._forward_hooks or layer._forward_pre_hooks:
                continue  # somebody looks at it
            if type(layer) in PLAIN and layer not in inside:
                hooks.append(layer.register_forward_hook(self._after_conv))
            elif isinstance(layer, ModalityNorm):
                hooks.append(layer.register_forward_pre_hook(self._before_norm))
                hooks.append(layer.register_forward_hook(self._after_norm))
        try:
            with self:
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _after_conv(self, conv: Any, args: tuple[Any, ...], output: Any) -> None:
        call = Call(conv, args[0], output)
        self.calls.append(call)
        self.uses[conv] = self.uses.get(conv, 0) + 1
        tensors = [output, output.once] if isinstance(output, Shared) else [output]
        self._by_output |= {id(tensor): call for tensor in tensors}

    def _before_norm(self, norm: Any, args: tuple[Any, ...]) -> None:
        self.uses[norm] = self.uses.get(norm, 0) + 1
        call = self._by_output.get(id(args[0]))
        if call is None or call.used or call.frozen is not None:
            return
        if affine_of(norm) is None or sources_of(norm) is None:
            return
        call.frozen = FrozenConv(call.conv, norm, call.x)
        self._watches = False

    def _after_norm(self, norm: Any, args: tuple[Any, ...], output: Any) -> Any:
        self._watches = True
        call = self._by_output.get(id(args[0]))
        if call is not None and call.frozen is not None:
            return call.frozen(call.x)
        return output

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if self._watches:
            self.see([args, kwargs or {}])
        return func(*args, **(kwargs or {}))


def _flat(values: Any) -> Iterator[Any]:
    """The values of nested lists, tuples and dicts."""
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, (list, tuple, dict)):
            yield from _flat(value)
        else:
            yield value
