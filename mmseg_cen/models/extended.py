"""Types of the toolbox, extended by a mixin when a model is built."""

from functools import cache
from typing import Any

from mmseg.registry import MODELS


def registered_type(cfg: dict[str, Any]) -> Any:
    """The type of a config of the toolbox; ``None``: none of this name is registered.

    A prefix and a ``_scope_`` count, as for ``MODELS.build``.
    """
    name = cfg.get('type')
    if not isinstance(name, str):
        return name
    with MODELS.switch_scope_and_registry(cfg.get('_scope_')) as registry:
        return registry.get(name)


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
