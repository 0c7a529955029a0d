import re

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmseg_cen.checkpoints.optimizer_state import check_optimizer


def wrapper(kind=torch.optim.SGD, sizes=(2, 1), scheduled=False, **settings):
    """An optimizer of as many parameters in each group."""
    groups = [
        {'params': [nn.Parameter(torch.ones(1)) for _ in range(size)]} for size in sizes
    ]
    optimizer = kind(groups, **{'lr': 0.1, **settings})
    for group in optimizer.param_groups if scheduled else ():
        group['initial_lr'] = group['lr']
    return OptimWrapper(optimizer)


@pytest.mark.parametrize(
    ('then', 'now'),
    [
        ({}, {}),
        (dict(momentum=0.9), dict(momentum=0.5, nesterov=True)),
        (dict(scheduled=True), {}),
        (dict(kind=torch.optim.Adam), dict(kind=torch.optim.AdamW)),
    ],
)
def test_other_settings_may_be_resumed(then, now):
    check_optimizer(wrapper(**now), wrapper(**then).state_dict(), 'epoch_1.pth')


def test_settings_that_torch_has_got_since_may_be_missing():
    state = wrapper(scheduled=True).state_dict()
    for group in state['param_groups']:
        del group['foreach']
    check_optimizer(wrapper(), state, 'epoch_1.pth')


def test_parameters_that_fsdp_flattens_are_not_counted():
    state = wrapper(sizes=(3,)).state_dict()
    state['param_groups'][0]['params'] = ['conv.weight', 'conv.bias', 'norm.weight']
    check_optimizer(wrapper(sizes=(1,)), state, 'epoch_1.pth')
    with pytest.raises(ValueError, match='got a AdamW, and settings'):
        check_optimizer(wrapper(torch.optim.AdamW, (1,)), state, 'epoch_1.pth')


@pytest.mark.parametrize(
    ('then', 'now', 'found'),
    [
        ({}, dict(kind=torch.optim.AdamW), "got a AdamW, and settings ['dampening', "),
        (dict(kind=torch.optim.AdamW), {}, 'got a SGD, and settings '),
        ({}, dict(sizes=(2, 2)), '4 parameters in 2 groups, and 3 in 2 other groups'),
        ({}, dict(sizes=(3,)), '3 parameters in 1 groups, and 3 in 2 other groups'),
    ],
)
@pytest.mark.parametrize('several', [False, True])
def test_another_optimizer_is_refused_before_its_first_step(then, now, found, several):
    one, state = wrapper(**now), wrapper(**then).state_dict()
    if several:
        one, state = OptimWrapperDict(generator=one), dict(generator=state)
    with pytest.raises(ValueError, match=re.escape(found)) as refused:
        check_optimizer(one, state, 'epoch_1.pth')
    assert "load_from='epoch_1.pth'" in str(refused.value)


@pytest.mark.parametrize('several', [False, True])
def test_one_optimizer_is_not_resumed_as_several(several):
    one, both = wrapper(), OptimWrapperDict(generator=wrapper())
    now, then = (one, both) if several else (both, one)
    with pytest.raises(ValueError, match='that of several optimizers or of none'):
        check_optimizer(now, then.state_dict(), 'epoch_1.pth')
