"""A network of random weights, some of whose channels are exchanged."""

import pytest
import torch
from exploring.answers import Desk
from exploring.explorer import Explorer
from exploring.samples import samples_of
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.streams.places import exchanging_norms


@pytest.fixture(scope='session')
def checkpoint(narrow_config):
    torch.manual_seed(0)
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(narrow_config).model)
    for norm in exchanging_norms(model).values():
        torch.nn.init.uniform_(norm.gamma, 0, 0.05)
    path = narrow_config.parent / 'exploring.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


@pytest.fixture(scope='session')
def explorer(narrow_config, checkpoint):
    return Explorer(str(narrow_config), checkpoint, 'cpu')


@pytest.fixture(scope='session')
def samples(explorer):
    return samples_of(explorer.inferencer.cfg, explorer.names, 2)


@pytest.fixture
def desk(explorer, samples, tmp_path):
    return Desk(explorer, samples, tmp_path)
