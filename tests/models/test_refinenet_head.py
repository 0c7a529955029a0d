import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mmseg_cen.models.light_refinenet_head import LightRefineNetHead
from mmseg_cen.models.refinenet_head import ChainedResidualPooling, RefineNetHead


def conv(layer, x):
    return F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=1)


def test_chained_residual_pooling_equals_its_formula():
    pool = ChainedResidualPooling(4)
    x = torch.randn(2, 4, 6, 6)
    expected = p = x.relu()
    for layer in pool.convs:
        p = conv(layer, F.max_pool2d(p, 5, 1, 2))
        expected = expected + p
    assert len(pool.convs) == 4
    assert_close(pool(x), expected)


def test_logits_have_the_size_of_the_finest_stage():
    head = RefineNetHead((4, 8, 16, 32), channels=8, num_classes=5)
    feats = [torch.randn(2, 4 << i, 16 >> i, 16 >> i) for i in range(4)]
    assert head(feats).shape == (2, 5, 16, 16)


def test_it_has_no_norm_unless_asked():
    def norms(**kwargs):
        head = RefineNetHead((4, 8, 16, 32), channels=8, num_classes=5, **kwargs)
        return [m for m in head.modules() if isinstance(m, torch.nn.BatchNorm2d)]

    assert not norms()
    assert norms(norm_cfg=dict(type='BN'))


@pytest.mark.parametrize('head_type', [RefineNetHead, LightRefineNetHead])
def test_a_new_decoder_without_norms_predicts_all_classes_alike(head_type):
    """Its logits are neither huge, which no training survives, nor zero."""
    head = head_type((32, 64, 128, 256), channels=32, num_classes=5)
    head.init_weights()
    feats = [torch.randn(2, 32 << i, 16 >> i, 16 >> i).relu() for i in range(4)]
    assert 1e-5 < head(feats).std() < 1
