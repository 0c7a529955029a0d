"""What the JSON beside an exported network says."""

import pytest
from mmengine.config import Config

from mmseg_cen.deployment import describe, prepare

from .conftest import segmentor

BINARY = dict(
    num_classes=2,
    out_channels=1,
    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True),
)


@pytest.fixture
def described(build):
    """The description of a network, by the config of its head and of its data set."""

    def described(dataset=None, **head):
        cfg = Config(dict(model=segmentor(('rgb', 'depth'), **head)))
        if dataset is not None:
            cfg.test_dataloader = dict(dataset=dataset)
        model = build(cfg.model)
        return describe(model, prepare(model), cfg, 'torchscript')

    return described


def test_the_threshold_of_a_binary_network_is_that_of_its_model(described):
    assert described(**BINARY, threshold=0.7)['threshold'] == 0.7
    with pytest.warns(UserWarning, match='threshold'):
        assert described(**BINARY)['threshold'] == 0.3
    assert described()['threshold'] is None
