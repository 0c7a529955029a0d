from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmseg.registry import LOOPS
from torch import nn


class Layer(Evaluator):
    """A layer as model and as metric; keeps the types that it computes in."""

    def __init__(self):
        self.layer = nn.Linear(2, 2)
        self.seen = []
        self.metrics = []

    def process(self, data_batch, data_samples=None):
        self.seen.append(self.layer(data_batch).dtype)
        return [None]

    val_step = test_step = process


@pytest.fixture
def run():
    """The types of model and metric in an iteration of a loop."""

    def run(name, **kwargs):
        layer = Layer()
        runner = SimpleNamespace(
            model=layer,
            call_hook=lambda *args, **kwargs: None,
            visualizer=SimpleNamespace(),
        )
        loader = SimpleNamespace(dataset=SimpleNamespace(metainfo={}))
        loop = LOOPS.get(name)(runner, loader, layer, **kwargs)
        loop.run_iter(0, torch.ones(1, 2))
        return layer.seen

    return run


@pytest.mark.parametrize('name', ['ValLoop', 'TestLoop', 'SubsetTestLoop'])
def test_the_network_computes_in_mixed_precision_and_metrics_do_not(run, name):
    assert run(name) == [torch.float32] * 2
    for fp16 in (True, 'bf16'):
        assert run(name, fp16=fp16) == [torch.bfloat16, torch.float32]
    with pytest.raises(ValueError, match='`fp16` must be bf16 on a CPU'):
        run(name, fp16='fp16')
