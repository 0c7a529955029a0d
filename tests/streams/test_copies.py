import pytest
import torch
from torch import nn

from mmseg_cen.streams.copies import num_channels, pack_copies, repeat_channels

NORMS = [
    nn.BatchNorm2d(4),
    nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
    nn.GroupNorm(2, 4),
    nn.LayerNorm(4),
    nn.LayerNorm((4, 1, 1)),
]


def test_channels_are_repeated_for_each_modality_as_a_whole():
    assert repeat_channels(torch.tensor([1, 2]), 3).tolist() == [1, 2] * 3
    assert repeat_channels(torch.ones(4, 1, 1), 2).shape == (8, 1, 1)


@pytest.mark.parametrize('norm', NORMS, ids=lambda norm: repr(norm)[:12])
def test_a_packed_layer_holds_a_copy_of_each_tensor_for_each_modality(norm):
    nn.init.normal_(norm.weight)
    norm.bias.requires_grad_(False)
    packed = pack_copies(norm, 3)
    assert type(packed) is type(norm)
    assert (num_channels(norm), num_channels(packed)) == (4, 12)
    assert packed.state_dict().keys() == norm.state_dict().keys()
    for name, tensor in norm.state_dict().items():
        copies = packed.state_dict()[name]
        for copy in copies.chunk(3) if tensor.ndim else [copies]:
            assert torch.equal(copy, tensor)
    assert packed.weight.requires_grad
    assert not packed.bias.requires_grad


def test_a_packed_layer_normalizes_the_groups_of_each_modality():
    norm = nn.GroupNorm(2, 4)
    x = torch.randn(2, 3, 4, 5, 5)
    packed = pack_copies(norm, 3)(x.flatten(1, 2)).unflatten(1, (3, 4))
    for m in range(3):
        torch.testing.assert_close(packed[:, m], norm(x[:, m]))
