"""Types of the toolbox, extended by a mixin when a model is built."""

from functools import cache
from typing import Any


@cache
def extended_type(mixin: Any, base: Any, prefix: str) -> Any:
    """The class ``prefix + base.__name__``, whose methods are first those of ``mixin``.

    The same arguments give the same class. Objects of the class can be copied and
    pickled, although no module has the class under its name.
    """

    def reduce(self: Any) -> Any:
        return _blank, (mixin, base, prefix), self.__dict__

    return type(f'{prefix}{base.__name__}', (mixin, base), {'__reduce__': reduce})


def _blank(mixin: Any, base: Any, prefix: str) -> Any:
    """Return an object of an extended type, without its attributes."""
    extended = extended_type(mixin, base, prefix)
    return extended.__new__(extended)
