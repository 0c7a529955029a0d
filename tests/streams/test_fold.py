import pytest
import torch

from mmseg_cen.models import fold_streams, split_streams
from mmseg_cen.streams.fold import map_tensors


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
    with pytest.raises(ValueError, match='7 channels are no multiple'):
        fold_streams(torch.zeros(1, 7, 2, 2), 2)


def test_a_function_reaches_every_tensor_of_nested_outputs():
    outputs = {'a': [torch.ones(2), (torch.zeros(1), 3)], 'b': None}
    assert map_tensors(lambda t: len(t), outputs) == {'a': [2, (1, 3)], 'b': None}
