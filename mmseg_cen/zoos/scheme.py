"""What there is to know about the names that a package gives to a backbone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

#: A pattern that is searched in a name, and what takes the place of what it finds.
Rule = tuple[str, str | Callable[[re.Match[str]], str]]


class Pixels(NamedTuple):
    """The images that weights were trained with.

    Attributes:
        mean: Mean of each channel, in the order of the channels, of pixels in [0, 255].
        std: Standard deviation of each channel.
        order: ``'RGB'`` or ``'BGR'``.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    order: str = 'RGB'

    def reversed(self) -> 'Pixels':
        """The same images with the channels in the other order."""
        return Pixels(self.mean[::-1], self.std[::-1], self.order[::-1])


IMAGENET = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
CAFFE = Pixels((103.53, 116.28, 123.675), (1.0, 1.0, 1.0), 'BGR')


@dataclass(frozen=True)
class Scheme:
    """The names of one package for one family of backbones.

    Attributes:
        package: The packages that give these names.
        family: Name of the class of the toolbox, which may be a base class.
        signs: Patterns, each of which is found in a name of any such file.
        rules: They are applied one after the other to each name, and lead to the name
            of the toolbox. A name that ends in ``#n`` is the n-th part of a tensor,
            of which the parts are joined along the first axis.
        dropped: Pattern of names that no backbone of the toolbox has: classifiers, and
            buffers that a network computes itself.
        style: Where the stride of a bottleneck is: ``'pytorch'``, in the 3x3
            convolution, or ``'caffe'``, in the first 1x1; ``None``: this is not known.
        pixels: The images that such weights are usually trained with.
        finish: Changes tensors, by their names in the toolbox.
        remark: What else differs in the network that the weights were trained in.
        bare_norms: Whether batch norms may lack running statistics, which their factors
            hold. In files of other packages, norms without are no batch norms.
    """

    package: str
    family: str
    signs: Sequence[str]
    rules: Sequence[Rule] = ()
    dropped: str = r'(?!)'
    style: str | None = None
    pixels: Pixels = IMAGENET
    finish: Callable[[str, Tensor], Tensor] | None = None
    remark: str = ''
    bare_norms: bool = False

    def fits(self, names: Sequence[str]) -> bool:
        """Whether the names of a file are of this scheme."""
        return all(any(re.search(sign, name) for name in names) for sign in self.signs)

    def rename(self, name: str) -> str:
        """The name of the toolbox for a name of the package."""
        for pattern, replacement in self.rules:
            name = re.sub(pattern, replacement, name)
        return name


def shifted(template: str, *steps: int) -> Callable[[re.Match[str]], str]:
    """A replacement that counts from another number.

    Args:
        template: Has ``{}`` for each group of the pattern, which are numbers.
        *steps: What is added to each of them.
    """

    def replace(found: re.Match[str]) -> str:
        numbers = zip(found.groups(), steps, strict=True)
        return template.format(*(int(number) + step for number, step in numbers))

    return replace


def join_parts(state: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    """The parts of each tensor, in their order, by name without ``#n``."""
    parts: dict[str, dict[int, Tensor]] = {}
    for name, tensor in state.items():
        whole, _, number = name.partition('#')
        parts.setdefault(whole, {})[int(number or 0)] = tensor
    return {
        whole: [tensors[n] for n in sorted(tensors)] for whole, tensors in parts.items()
    }
