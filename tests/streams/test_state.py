from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmseg_cen.models.tta import CENTTAModel
from mmseg_cen.streams.state import (
    describe_differences,
    first_names,
    tensor_shapes,
    unwrap,
)


def test_shapes_leave_out_counters_and_what_is_no_tensor():
    state = {**nn.BatchNorm2d(3).state_dict(), 'note': 'text'}
    names = ('weight', 'bias', 'running_mean', 'running_var')
    assert tensor_shapes(state) == dict.fromkeys(names, (3,))


def test_differences_name_what_is_missing_unexpected_and_of_another_shape():
    given = {'a': (1,), 'b': (2, 3), 'c': ()}
    wanted = {'b': (2, 4), 'c': (), 'd': (5,)}
    assert describe_differences(given, wanted) == (
        '1 missing (d); 1 unexpected (a); '
        '1 of another shape (b (2, 3) instead of (2, 4))'
    )
    assert describe_differences(given, given) == ''


def test_messages_name_some():
    assert first_names(['a', 'b']) == 'a, b'
    assert first_names(range(9)) == '0, 1, 2, 3, 4, ...'


def test_unwrap_finds_the_network_in_wrappers():
    network = nn.Conv2d(1, 1, 1)
    assert unwrap(network) is network
    wrapped = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapped)
    wrapped.module = network
    assert unwrap(wrapped) is network
    augmented = CENTTAModel.__new__(CENTTAModel)
    nn.Module.__init__(augmented)
    augmented.module = wrapped
    assert unwrap(augmented) is network
