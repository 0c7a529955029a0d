"""Shared by all tests: registration, and skips of tests that cannot run here."""

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import mmseg_cen  # noqa: F401  isort: skip

import pytest
import torch
from hypothesis import HealthCheck, settings
from mmengine.registry import init_default_scope

from mmseg_cen import once

# NYUv2 at half resolution: rgb, depth, label, train.txt, val.txt.
NYUDV2_HALF = Path(os.environ.get('NYUDV2_HALF', 'data/nyudv2_half'))

# Examples of each of the laws of tests/fuzz: 200 of eight laws in all, or 10,000 with
# `pytest tests/fuzz --hypothesis-profile=long`; a fifth for the two laws of converters,
# which take longest.
COMMON = dict(
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # folders are made anew in each example
        HealthCheck.too_slow,
    ],
)
settings.register_profile('ci', max_examples=25, derandomize=True, **COMMON)
settings.register_profile('long', max_examples=1250, **COMMON)


def pytest_configure(config):
    settings.load_profile(config.getoption('--hypothesis-profile') or 'ci')


def pytest_collection_modifyitems(items):
    absent = {
        'gpu': None if torch.cuda.is_available() else 'no CUDA device',
        'shared_data': None
        if (NYUDV2_HALF / 'train.txt').is_file()
        else f'no data in {NYUDV2_HALF}, set the environment variable NYUDV2_HALF',
    }
    for item in items:
        for marker, reason in absent.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    # Files with many slow tests first: no process is left alone with one at the end.
    slow = Counter(item.path for item in items if item.get_closest_marker('slow'))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope='session')
def nyudv2_half():
    """Folder of NYUv2 at half resolution; for tests marked `shared_data`."""
    return NYUDV2_HALF


@pytest.fixture(autouse=True)
def _scope_of_mmseg():
    init_default_scope('mmseg')


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch):
    """Data sets of mmengine collect garbage, which takes long among many modules."""
    collector = SimpleNamespace(collect=lambda: 0)
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc', collector)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def warned(monkeypatch):
    """Warnings of `warn_once`, none of which was said before."""
    messages = []
    monkeypatch.setattr(once, '_SAID', set())
    monkeypatch.setattr(once, 'print_log', lambda text, *_: messages.append(text))
    return messages
