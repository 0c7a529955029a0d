"""Shared by the tests of code on the pages: what a config names, is there."""

import inspect
from functools import cache

import mmseg.registry
import pytest
from mmengine.config import Config
from mmengine.registry import Registry
from website.blocks import ROOT

from mmseg_cen.config_files import read_config

REGISTRIES = [
    value for value in vars(mmseg.registry).values() if isinstance(value, Registry)
]
#: Read by what builds an object, not by its class.
READ_BEFORE = {
    'type', '_delete_', '_scope_', 'priority', 'constructor', 'paramwise_cfg',
    'optimizer', 'requires_grad', 'convert_to_iter_based', 'stages',
}  # fmt: skip
#: Functions of mmengine, which finds them without a registry.
FUNCTIONS = {'worker_init_fn'}


def arguments_of(function):
    """Names of the arguments of a class or function; None if it takes any."""
    is_class = inspect.isclass(function)
    names = set()
    inits = [vars(c).get('__init__') for c in function.__mro__] if is_class else []
    for init in filter(None, inits or [function]):
        parameters = inspect.signature(init).parameters.values()
        names |= {p.name for p in parameters}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return names
    return None


@cache
def taken_by(name):
    """Arguments of all that is registered by a name."""
    things = [registry.get(name) for registry in REGISTRIES]
    return [arguments_of(thing) for thing in things if thing is not None]


@pytest.fixture(scope='session')
def unknown_names():
    """What the parts of a config have that nothing takes: types and arguments."""

    def unknown_names(part):
        if isinstance(part, Config):
            part = part.to_dict()
        if isinstance(part, list | tuple):
            return [wrong for item in part for wrong in unknown_names(item)]
        if not isinstance(part, dict):
            return []
        items = [item for key, item in part.items() if key not in FUNCTIONS]
        found = [wrong for item in items for wrong in unknown_names(item)]
        if not isinstance(name := part.get('type'), str):
            return found
        taken = taken_by(name)
        if not taken:
            return [*found, name]
        if None in taken:
            return found
        unknown = part.keys() - READ_BEFORE - set().union(*taken)
        return [*found, *(f'{name}({argument}=)' for argument in sorted(unknown))]

    return unknown_names


@pytest.fixture
def registries(monkeypatch):
    """What code registers is forgotten after the test."""
    for registry in (*REGISTRIES, *(r.parent for r in REGISTRIES)):
        monkeypatch.setattr(registry, '_module_dict', {**registry._module_dict})


@pytest.fixture
def model():
    """The network of the demo, narrower and of random weights."""
    cfg = read_config(str(ROOT / 'configs/demo/cen_synthetic.py')).model
    cfg.backbone.update(base_channels=4, stem_channels=4)
    cfg.decode_head.head.update(in_channels=[4, 8, 16, 32], channels=8)
    return mmseg.registry.MODELS.build(cfg)
