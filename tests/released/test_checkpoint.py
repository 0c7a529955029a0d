"""What checkpoint files hold, and what is said of other files."""

import pytest
import torch

from mmseg_cen.released.checkpoint import (
    IMAGENET,
    MMSEG,
    OURS,
    RELEASED_SEGMENTATION,
    RELEASED_TRANSLATION,
    join_copies,
    require_names,
    require_origin,
    split_copies,
    state_dict_of,
)

TENSOR = torch.zeros(1)
COUNT = torch.tensor(7)


@pytest.mark.parametrize('key', ['segmenter', 'state_dict', 'model'])
@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_tensors_are_found_in_files_of_trainings(key, prefix):
    state = {f'{prefix}alpha': TENSOR}
    assert state_dict_of(state) == {'alpha': TENSOR}
    assert state_dict_of({key: state, 'epoch': 3}) == {'alpha': TENSOR}


@pytest.mark.parametrize(
    ('checkpoint', 'message'),
    [
        ({'epoch': 3, 'state': {}}, r'other entries \(epoch, state\)'),
        ([TENSOR], 'non-empty dict of named tensors, got list'),
        ({}, 'non-empty dict of named tensors'),
        ({'state_dict': {}}, 'non-empty dict of named tensors'),
    ],
)
def test_files_without_named_tensors_are_refused(checkpoint, message):
    with pytest.raises(ValueError, match=message):
        state_dict_of(checkpoint)


@pytest.mark.parametrize(
    ('name', 'origin'),
    [
        ('p_ims1d2_outl1_dimred.module.weight', RELEASED_SEGMENTATION),
        ('decode_head.alpha_logits', OURS),
        ('backbone.conv1.weight', MMSEG),
        ('conv2.insnorm.module.weight', RELEASED_TRANSLATION),
        ('layer1.0.conv1.weight', IMAGENET),
    ],
)
def test_names_of_tensors_tell_the_origin(name, origin):
    state = {name: TENSOR, 'another': TENSOR}
    require_origin(state, origin)
    wanted = OURS if origin is RELEASED_SEGMENTATION else RELEASED_SEGMENTATION
    with pytest.raises(ValueError, match=wanted.description) as raised:
        require_origin(state, wanted)
    assert f'{origin.description}: {origin.advice}' in str(raised.value)


def test_a_model_of_mmsegmentation_may_have_names_of_other_origins():
    require_origin({'backbone.deconv1.conv.weight': TENSOR}, MMSEG)
    require_origin({'fc.weight': TENSOR, 'decode_head.conv.weight': TENSOR}, MMSEG)


def test_our_checkpoints_are_told_from_other_models_of_mmsegmentation():
    require_origin(
        {'backbone.conv1.weight': TENSOR, 'decode_head.alpha_logits': 0}, OURS
    )


def required(names, groups=(('a', 'b'), ('c.num_batches_tracked',)), **kwargs):
    require_names(dict.fromkeys(names, TENSOR), groups, 'a network', **kwargs)


def test_complete_state_dicts_pass_with_and_without_counters():
    required(['a', 'b', 'c.num_batches_tracked'])
    required(['a', 'b'])


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['a'], r'of a network, got one where 1 tensors are missing \(b\): give a'),
        ([], r'2 tensors are missing \(a, b\): '),
        (['a', 'b', 'd'], r'where 1 tensors are unknown \(d\): '),
        (['b', 'd'], r'missing \(a\) and 1 tensors are unknown \(d\)'),
    ],
)
def test_missing_and_unknown_tensors_are_named(names, message):
    with pytest.raises(ValueError, match=message):
        required(names)


def test_an_optional_group_is_there_as_a_whole_or_not_at_all():
    required([], optional='a')
    with pytest.raises(ValueError, match=r'missing \(a\)'):
        required(['b'], optional='a')


def test_ignored_tensors_may_be_there():
    required(['a', 'b', 'd'], ignored=['d', 'e'])


@pytest.mark.parametrize('tensor', [torch.randn(6, 2), COUNT])
def test_copies_are_split_and_joined(tensor):
    copies = split_copies(tensor, 3)
    assert len(copies) == 3
    assert torch.equal(join_copies(copies), tensor)
    if tensor.ndim:
        assert torch.equal(copies[1], tensor[2:4])
