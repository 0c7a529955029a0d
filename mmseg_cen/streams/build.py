"""Build modules of one base class from configs, with errors that name what is wrong."""

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
        cfg: Config whose ``type`` is a subclass of ``base`` or its registered name.
        base: The base class.
        **defaults: Arguments that the config does not give; the type need not have
            them.

    Raises:
        ValueError: If the type does not extend ``base``, or an argument is unknown or
            missing.
    """
    found = type_of(cfg, base)
    known = arguments_of(found)
    given = {name: value for name, value in cfg.items() if name != 'type'}
    defaults = {name: value for name, value in defaults.items() if name in known}
    try:
        return found(**{**defaults, **given})
    except TypeError as error:
        raise ValueError(
            f'{found.__name__} must have arguments out of {known}, got {given}, which '
            f'is wrong ({error}): correct them'
        ) from error


def type_of(cfg: Any, base: type[Module]) -> type[Module]:
    """The type of a config, a subclass of ``base``.

    Raises:
        ValueError: If ``cfg`` is no config with such a type.
    """
    found = cfg.get('type') if isinstance(cfg, dict) else None
    if isinstance(found, str):
        found = MMSEG_MODELS.get(found)
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
        f'`{name.lower()}` must be a config dict(type=...) of a type registered in '
        f'MODELS that extends {name}, got {cfg!r}: choose a type such as {types}'
    )


def arguments_of(function: Any) -> list[str]:
    """Names of the arguments of a function, or of a class and its bases."""
    if not inspect.isclass(function):
        return list(inspect.signature(function).parameters)
    names: dict[str, None] = {}
    for base in function.__mro__:
        if '__init__' not in vars(base):
            continue
        _, *parameters = inspect.signature(vars(base)['__init__']).parameters.values()
        names |= {p.name: None for p in parameters if p.kind is not p.VAR_KEYWORD}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return list(names)
