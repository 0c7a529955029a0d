"""A toy data set, which the tests of preparation convert."""

import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmseg_cen.preparation import Folder, Plan, Sample

FOLDERS = dict(
    rgb=Folder(channels=3),
    depth=Folder(kind='depth', dtype='uint16', scale=0.001, unit='1 mm'),
    label=Folder(kind='label', num_classes=4, ignore_index=255),
)


def draw(sample):
    rng = np.random.default_rng(int(sample.stem))
    return dict(
        rgb=rng.integers(0, 256, (12, 16, 3), np.uint8),
        depth=rng.integers(0, 3000, (12, 16), np.uint16),
        label=rng.choice(np.array([0, 1, 3, 255], np.uint8), (12, 16)),
    )


def slow_draw(sample):
    time.sleep(0.05)
    return draw(sample)


def plan_of(convert=draw, count=6, **kwargs):
    samples = [
        Sample(
            str(i), 'val' if i % 3 == 2 else 'train', groups=dict(camera=f'c{i % 2}')
        )
        for i in range(count)
    ]
    options = dict(splits=dict(train=None, val=None), classes=list('abcd'))
    options |= dict(samples=samples) | kwargs
    return Plan('toys', FOLDERS, convert=convert, **options)


def change(stem, damage):
    """Draw, but with damage to one sample."""

    def convert(sample):
        arrays = draw(sample)
        if sample.stem == stem:
            damage(arrays)
        return arrays

    return convert


def refuse(stem):
    """Draw, but one sample cannot be read."""
    return change(stem, lambda _: Path('/no/such/file').read_bytes())


def tree(root):
    files = (path for path in Path(root).rglob('*') if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def toys():
    """Functions that draw, plan, damage and compare the toy data set."""
    return SimpleNamespace(
        draw=draw,
        slow_draw=slow_draw,
        plan=plan_of,
        change=change,
        refuse=refuse,
        tree=tree,
    )
