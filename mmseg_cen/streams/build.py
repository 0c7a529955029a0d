"""Build modules of one base class from configs, and say what is wrong with these."""

import inspect
from typing import Any, TypeVar

from mmengine.registry import MODELS
from mmseg.registry import MODELS as MMSEG_MODELS

Module = TypeVar('Module')


def build_from_config(
    cfg: dict[str, Any], base: type[Module], **defaults: Any
) -> Module:
    """Build an object of a subclass of ``base``.

    Args:
        cfg: Config with the ``type`` of a ``base``, a registered name or the class.
        base: What is built.
        **defaults: Arguments for those types that have them, unless the config does.

    Raises:
        ValueError: The type is no ``base``, or does not have or lacks an argument.
    """
    kind = type_of(cfg, base)
    known = arguments_of(kind)
    given = {name: value for name, value in cfg.items() if name != 'type'}
    defaults = {name: value for name, value in defaults.items() if name in known}
    try:
        return kind(**{**defaults, **given})
    except TypeError as error:
        raise ValueError(
            f'{kind.__name__} has the arguments {known}, got {given}: {error}'
        ) from error


def type_of(cfg: Any, base: type[Module]) -> type[Module]:
    """The type of a config, a subclass of ``base``.

    Raises:
        ValueError: It is no config of one.
    """
    kind = cfg.get('type') if isinstance(cfg, dict) else None
    found = MMSEG_MODELS.get(kind) if isinstance(kind, str) else kind
    if inspect.isclass(found) and issubclass(found, base):
        return found
    registered = {**MODELS.module_dict, **MMSEG_MODELS.module_dict}
    types = [
        name
        for name, each in registered.items()
        if inspect.isclass(each) and issubclass(each, base)
    ]
    name = base.__name__
    raise ValueError(
        f'`{name.lower()}` is a config dict(type=...) of a type registered in MODELS '
        f'that extends {name}, such as {types}, got {cfg!r}'
    )


def arguments_of(kind: Any) -> list[str]:
    """Names of the arguments of a function, or of a class and its bases."""
    if not inspect.isclass(kind):
        return list(inspect.signature(kind).parameters)
    names: dict[str, None] = {}
    for base in kind.__mro__:
        if '__init__' not in vars(base):
            continue
        _, *parameters = inspect.signature(vars(base)['__init__']).parameters.values()
        names |= {p.name: None for p in parameters if p.kind is not p.VAR_KEYWORD}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return list(names)
