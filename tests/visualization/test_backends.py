import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import mmseg_cen  # noqa: F401

SCALARS = {'loss': 0.5, 'exchange/rgb/own': 0.25, 'camera:kv2/mIoU': 12.5}
PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture
def wandb(monkeypatch):
    """A stand-in for the library, which keeps what it is given."""
    module = SimpleNamespace(logged=[], metrics=[], Image=np.asarray)
    module.init = module.join = lambda **kwargs: None
    module.define_metric = lambda *args, **kwargs: module.metrics.append((args, kwargs))
    module.log = lambda values, commit: module.logged.append(values)
    monkeypatch.setitem(sys.modules, 'wandb', module)
    return module


def test_all_backends_get_the_same_scalars_and_pictures_at_the_same_steps(
    wandb, tmp_path
):
    accumulator = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator'
    )
    names = ('LocalVisBackend', 'TensorboardVisBackend', 'WandbVisBackend')
    with DefaultScope.overwrite_default_scope('mmseg'):
        visualizer = Visualizer(
            vis_backends=[dict(type=n, save_dir=str(tmp_path / n)) for n in names]
        )
    visualizer.add_scalars(SCALARS, step=7)
    visualizer.add_scalar('alpha/rgb', 0.75, step=9)
    visualizer.add_image('gamma', PICTURE, step=9)
    visualizer.close()

    lines = (tmp_path / names[0] / 'scalars.json').read_text().splitlines()
    wanted = [json.loads(line) for line in lines]
    assert wanted == [{**SCALARS, 'step': 7}, {'alpha/rgb': 0.75, 'step': 9}]

    board = accumulator.EventAccumulator(str(tmp_path / names[1])).Reload()
    for line in wanted:
        for key in line.keys() - {'step'}:
            [event] = board.Scalars(key)
            assert (event.step, event.value) == (line['step'], line[key])
    assert [(i.step, i.width) for i in board.Images('gamma')] == [(9, 4)]

    *scalars, picture = wandb.logged
    assert scalars == wanted
    assert picture['step'] == 9
    assert (picture['gamma'] == PICTURE).all()
    assert (('*',), dict(step_metric='step')) in wandb.metrics
