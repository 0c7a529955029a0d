import pytest
import torch

from mmseg_cen.models import fold_streams, split_streams
from mmseg_cen.streams.fold import map_tensors, swap_on_batch


@pytest.mark.parametrize('num_modalities', [1, 2, 3, 4])
def test_folding_and_splitting_is_a_view_of_the_packed_tensor(num_modalities):
    packed = torch.randn(2, num_modalities * 5, 4, 3)
    folded = fold_streams(packed, num_modalities)
    assert folded.shape == (2 * num_modalities, 5, 4, 3)
    assert folded.data_ptr() == packed.data_ptr()
    assert torch.equal(split_streams(folded, num_modalities).flatten(1, 2), packed)


def test_the_modality_varies_fastest():
    packed = torch.cat([torch.full((2, 3, 1, 1), float(m)) for m in range(4)], dim=1)
    assert fold_streams(packed, 4)[:, 0].flatten().tolist() == [0, 1, 2, 3] * 2


def test_channels_that_cannot_be_divided_are_refused():
    with pytest.raises(
        ValueError, match=r'num_modalities=2 modalities, got 7 channels'
    ):
        fold_streams(torch.zeros(1, 7, 2, 2), 2)


def test_a_swap_on_the_batch_axis_has_the_other_number_vary_fastest():
    x = torch.arange(2 * 3 * 4).view(-1, 1)  # B=2, 3, 4
    swapped = swap_on_batch(x, 3, 4)
    assert swapped.flatten().tolist()[:6] == [0, 4, 8, 1, 5, 9]
    assert torch.equal(swap_on_batch(swapped, 4, 3), x)


def test_a_function_reaches_every_tensor_of_nested_outputs():
    outputs = {'a': [torch.ones(2), (torch.zeros(1), 3)], 'b': None}
    assert map_tensors(lambda t: len(t), outputs) == {'a': [2, (1, 3)], 'b': None}
