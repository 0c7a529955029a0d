import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.modes import checkpoint_activations, use_channels_last


def test_the_layout_is_handed_on_and_changes_no_values(build, batch, gradients):
    plain, model = build(), build()
    use_channels_last(model)
    assert_close(gradients(model), gradients(plain), rtol=1e-4, atol=1e-5)
    layouts = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _, __, out: layouts.append(out))
    model(batch()[0])
    assert layouts
    for out in layouts:
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_checkpointed_activations_change_no_gradient(build, gradients):
    plain, model = build(), build()
    checkpoint_activations(model)
    blocks = [m for m in model.modules() if hasattr(m, 'with_cp')]
    assert len(blocks) > 2
    assert all(block.with_cp for block in blocks)
    assert_close(gradients(model), gradients(plain), rtol=1e-4, atol=1e-5)


def test_a_network_whose_blocks_cannot_be_checkpointed_is_refused():
    with pytest.raises(ValueError, match=r'got 0 Conv2d: name submodules'):
        checkpoint_activations(nn.Sequential(nn.Conv2d(3, 3, 1)))
