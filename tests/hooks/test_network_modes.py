from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmseg_cen.hooks import NetworkModesHook


def test_the_network_within_wrappers_runs_in_the_modes_when_a_run_begins():
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    hook = NetworkModesHook(channels_last=True, compile=dict(backend='eager'))
    hook.before_run(SimpleNamespace(model=model))
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert 'forward' in vars(model[0])
    with pytest.raises(ValueError, match='`with_cp`'):
        NetworkModesHook(activation_checkpointing=True).before_run(
            SimpleNamespace(model=model)
        )
