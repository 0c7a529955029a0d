"""Types of a config by their names, where it imports them or leaves them out."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string
from mmseg import registry

#: Packages whose types have the names of their classes.
_PACKAGES = {'mmcv', 'mmengine', 'mmseg', 'mmseg_cen', 'torch'}
#: What has the types of this package, and the scope of their names.
PACKAGE, SCOPE = 'mmseg_cen', 'mmseg'
BY_EPOCH, BY_ITERATION = 'EpochBasedTrainLoop', 'IterBasedTrainLoop'
_REGISTRIES = [one for one in vars(registry).values() if isinstance(one, Registry)]


def name_types(cfg: Config) -> None:
    """Write the types that a config has imported by their names, as tools know them.

    A name also stands for what takes the place of a class, such as our CheckpointHook
    of mmengine's. Types of other packages, and those without a name, stay classes, as
    do all of a config whose names are those of another scope than mmseg.

    Args:
        cfg: The config, changed in place. A copy that mmengine wrote of one has
            ``'mmseg_cen.models.CENSegmentor'``, which becomes a name, too.
    """
    if cfg.get('default_scope') not in (None, SCOPE):
        return
    found = [(part, _name_of(part['type'])) for part in _parts(cfg._cfg_dict)]
    named = [(part, name) for part, name in found if name is not None]
    for part, name in named:
        part['type'] = name
    if not named:
        return
    cfg.default_scope = SCOPE  # where these names are found
    imports = cfg.get('custom_imports') or {}
    modules = imports.get('imports') or []
    modules = [modules] if isinstance(modules, str) else [*modules]
    if PACKAGE not in modules:
        cfg.custom_imports = {**imports, 'imports': [*modules, PACKAGE]}


def name_loops(cfg: Config) -> None:
    """Write the types of the loops into a config that leaves them out.

    Of a loop without a type, such as ``train_cfg=dict(by_epoch=True, max_epochs=9)``,
    mmengine takes its own one, past the registries, which have ours. ``by_epoch`` of a
    config also replaces the type that its base got in this way.

    Args:
        cfg: The config, changed in place.
    """
    train = cfg.get('train_cfg')
    if isinstance(train, dict) and train.get('type') in (None, BY_EPOCH, BY_ITERATION):
        if 'by_epoch' in train:
            train['type'] = BY_EPOCH if train.pop('by_epoch') else BY_ITERATION
        train.setdefault('type', BY_EPOCH if 'max_epochs' in train else BY_ITERATION)
    for key, name in (('val_cfg', 'ValLoop'), ('test_cfg', 'TestLoop')):
        if isinstance(cfg.get(key), dict):
            cfg[key].setdefault('type', name)


def _parts(node: Any) -> Iterator[Any]:
    """The dicts within a config that have a type."""
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _parts(child)
    elif isinstance(node, dict):
        if 'type' in node:
            yield node
        for child in node.values():
            yield from _parts(child)


def _name_of(kind: Any) -> str | None:
    """The registered name of a class; None: it has none, or is a name already."""
    if isinstance(kind, str):
        # With one dot, it is a name and the scope of its registry.
        if kind.count('.') < 2 or kind.split('.')[0] not in _PACKAGES:
            return None
        kind = get_object_from_string(kind)
    name = getattr(kind, '__name__', None)
    package = str(getattr(kind, '__module__', None)).split('.')[0]
    if name is None or package not in _PACKAGES:
        return None
    known = [one.get(name) for one in _REGISTRIES]
    if kind in known or (package != 'torch' and _takes_place(known, kind)):
        return str(name)
    return None


def _takes_place(known: list[Any], kind: Any) -> bool:
    """Whether a registered class stands for another one, which it extends.

    Those of mmcv that extend torch's have other arguments.
    """
    classes = [one for one in known if isinstance(one, type)]
    return isinstance(kind, type) and any(issubclass(one, kind) for one in classes)
