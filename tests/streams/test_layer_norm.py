"""LayerNorms that are private to each modality."""

from copy import deepcopy

import pytest
import torch
from mmcv.cnn import build_norm_layer
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import to_multimodal
from mmseg_cen.streams.layer_norm import ModalityLN2d


class LayerNorm2d(nn.LayerNorm):
    """As in mmpretrain and timm."""

    def forward(self, x, data_format='channel_first'):
        if data_format == 'channel_last':
            return super().forward(x)
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def test_mmcv_builds_layer_norms_by_their_registered_name():
    name, norm = build_norm_layer(dict(type='ModalityLN', num_modalities=2), 8, 1)
    assert name == 'ln1'
    assert norm(torch.randn(4, 3, 8)).shape == (4, 3, 8)


def test_mmpretrain_calls_its_layer_norm_channels_last():
    unimodal = LayerNorm2d(4)
    private = to_multimodal(nn.Sequential(deepcopy(unimodal)), 2)[0]
    assert isinstance(private, ModalityLN2d)
    x = torch.randn(2, 5, 5, 4)
    expected = unimodal(x, data_format='channel_last')
    assert_close(private(x, data_format='channel_last'), expected)


def test_a_layer_norm_without_offsets_stays_without():
    unimodal = nn.LayerNorm(4, bias=False)
    private = to_multimodal(nn.Sequential(deepcopy(unimodal)), 2)[0]
    x = torch.randn(4, 7, 4)
    assert_close(private(x), unimodal(x))


@pytest.mark.parametrize(
    'norm', [nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.LayerNorm((4, 1, 1))]
)
def test_unimodal_checkpoints_of_group_and_layer_norms_load(norm):
    nn.init.normal_(norm.weight)
    private = to_multimodal(nn.Sequential(norm), 3)[0]
    nn.init.zeros_(private.norm.weight)
    private.load_state_dict(norm.state_dict())
    assert_close(private.gamma, norm.weight.flatten().expand(3, 4))


def test_the_weights_of_all_private_norms_count_as_those_of_norms():
    """Optimizers leave them out of the weight decay by the type of the layer."""
    net = to_multimodal(nn.Sequential(nn.LayerNorm(4), nn.GroupNorm(2, 4)), 2)
    owners = [m for m in net.modules() if [*m.parameters(recurse=False)]]
    assert [type(m) for m in owners] == [nn.LayerNorm, nn.GroupNorm]
