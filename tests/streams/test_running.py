"""Statistics of a modality that a whole batch lacks stay as they are."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.cpu_processes import CPUSyncBatchNorm
from mmseg_cen.streams import running
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.norm import ModalityBN, ModalityIN
from mmseg_cen.streams.running import seen_modalities

B, M, C = 2, 3, 4
LACKS_SECOND = torch.tensor([[True, False, True], [True, False, False]])
LAYERS = [ModalityBN(C, M), ModalityIN(C, M, track_running_stats=True)]


def pass_through(layer, present, scale=1.0):
    torch.manual_seed(1)
    x = (scale * torch.randn(B * M, C, 5, 5) + 3).requires_grad_()
    with streams_on_batch(layer, B * M, present):
        out = layer(x)
    out.sum().backward()
    return [getattr(layer.norm, name).clone() for name in running.STATISTICS]


@pytest.mark.parametrize('layer', LAYERS, ids=lambda layer: type(layer).__name__)
def test_only_modalities_of_the_batch_update_their_statistics(layer):
    before = pass_through(layer, None)
    all_updated = pass_through(layer, None, scale=2.0)
    for name, value in zip(running.STATISTICS, before, strict=True):
        getattr(layer.norm, name).data.copy_(value)
    after = pass_through(layer, LACKS_SECOND, scale=2.0)
    for old, new, updated in zip(before, after, all_updated, strict=True):
        assert_close(new[C : 2 * C], old[C : 2 * C], rtol=0, atol=0)
        for m in (0, 2):
            mine = slice(m * C, (m + 1) * C)
            assert_close(new[mine], updated[mine])
            assert not torch.equal(new[mine], old[mine])


def test_statistics_that_a_layer_does_not_update_stay_untouched():
    layer = ModalityBN(C, M).eval()
    before = pass_through(layer, LACKS_SECOND)
    assert_close(before[0], torch.zeros(M * C))
    assert seen_modalities([layer.norm], LACKS_SECOND, M) is None


def test_a_modality_that_one_process_lacks_is_seen_by_none_of_a_synchronized_layer(
    monkeypatch,
):
    """Another process lacks the first modality, this one the second or none."""

    def all_reduce(tensor, op):
        assert op == torch.distributed.ReduceOp.MIN
        tensor[0] = 0

    monkeypatch.setattr(running.distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(running.distributed, 'all_reduce', all_reduce)
    sync = CPUSyncBatchNorm.convert(nn.SyncBatchNorm(M * C))
    layer_norm = nn.LayerNorm(C)  # without buffers
    for present, expected in ((None, [False, True, True]), (LACKS_SECOND, [0, 0, 1])):
        assert seen_modalities([layer_norm, sync], present, M).tolist() == expected
    assert seen_modalities([nn.BatchNorm2d(M * C)], None, M) is None
