"""Types of a config by their names, where it imports them or leaves them out."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import get_object_from_string
from mmseg import registry

#: Packages whose types have the names of their classes.
_PACKAGES = {'mmcv', 'mmengine', 'mmseg', 'mmseg_cen', 'torch'}
_REGISTRIES = [one for one in vars(registry).values() if isinstance(one, Registry)]


def name_types(cfg: Config) -> None:
    """Write the types that a config has imported by their names, as tools know them.

    A name also stands for what takes the place of a class, such as our CheckpointHook
    of mmengine's. Types of other packages, and those without a name, stay classes.

    Args:
        cfg: The config, changed in place. A copy that mmengine wrote of one has
            ``'mmseg_cen.models.CENSegmentor'``, which becomes a name, too.
    """
    found = [(part, _name_of(part['type'])) for part in _parts(cfg._cfg_dict)]
    named = [(part, name) for part, name in found if name is not None]
    for part, name in named:
        part['type'] = name
    if named and not cfg.get('custom_imports'):
        cfg.custom_imports = dict(imports=['mmseg_cen'])


def name_loops(cfg: Config) -> None:
    """Write the types of the loops into a config that leaves them out.

    Of a loop without a type, such as ``train_cfg=dict(by_epoch=True, max_epochs=9)``,
    mmengine takes its own one, past the registries, which have ours.

    Args:
        cfg: The config, changed in place.
    """
    train = cfg.get('train_cfg')
    if isinstance(train, dict) and 'type' not in train:
        by_epoch = train.pop('by_epoch', 'max_epochs' in train)
        train['type'] = 'EpochBasedTrainLoop' if by_epoch else 'IterBasedTrainLoop'
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
        if kind.count('.') < 2:  # with one, a name and the scope of its registry
            return None
        kind = get_object_from_string(kind)
    name = getattr(kind, '__name__', None)
    if name is None or kind.__module__.split('.')[0] not in _PACKAGES:
        return None
    for one in _REGISTRIES:
        known = one.get(name)
        if known is kind or (
            isinstance(known, type)
            and isinstance(kind, type)
            and issubclass(known, kind)
        ):
            return str(name)
    return None
