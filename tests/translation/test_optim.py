"""Laws of the optimizers of several networks, and of their wrapper for processes."""

import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.optim import LinearLR, build_optim_wrapper
from torch import nn

from mmseg_cen.translation.optim import _without_wrapper


def network():
    return nn.ModuleDict(
        {'generator': nn.Linear(2, 2), 'discriminator': nn.Linear(2, 1)}
    )


def config(**parts):
    return dict(constructor='OptimWrapperDictConstructor', **parts)


def test_each_part_has_an_optimizer_of_its_own():
    model = network()
    wrappers = build_optim_wrapper(
        model,
        config(
            generator=dict(optimizer=dict(type='Adam', lr=1.0)),
            discriminator=dict(
                optimizer=dict(type='SGD', lr=2.0),
                paramwise_cfg=dict(bias_lr_mult=3.0),
            ),
        ),
    )
    assert isinstance(wrappers['generator'].optimizer, torch.optim.Adam)
    assert isinstance(wrappers['discriminator'].optimizer, torch.optim.SGD)
    groups = wrappers['discriminator'].optimizer.param_groups
    assert sorted(group['lr'] for group in groups) == [2.0, 6.0]
    for name, wrapper in wrappers.items():
        groups = wrapper.optimizer.param_groups
        optimized = {id(p) for group in groups for p in group['params']}
        assert optimized == {id(p) for p in model[name].parameters()}


@pytest.mark.parametrize(
    'parts', [dict(critic=dict(optimizer=dict(type='SGD', lr=1))), dict(generator={})]
)
def test_configs_of_no_part_are_refused(parts):
    with pytest.raises(ValueError, match=r"\['generator', 'discriminator'\], got"):
        build_optim_wrapper(network(), config(**parts))


def test_parameter_options_belong_to_one_optimizer():
    cfg = config(generator=dict(optimizer=dict(type='SGD', lr=1)), paramwise_cfg={})
    with pytest.raises(ValueError, match='must belong to one optimizer'):
        build_optim_wrapper(network(), cfg)


def test_checkpoints_of_several_processes_have_the_names_of_one():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module
            self._register_state_dict_hook(_without_wrapper)

    model = network()
    expected = OrderedDict(model.state_dict())
    model['generator'] = Wrapper(model['generator'])
    assert model.state_dict().keys() == expected.keys()


def test_the_linear_decay_of_the_page_leaves_no_epoch_without_learning():
    page = Path(__file__).parents[2] / 'docs/translation.md'
    recipe = re.search(r"param_scheduler = (dict\(type='Lin.+?\))", page.read_text())[1]
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    options = eval(recipe)
    assert options.pop('type') == LinearLR.__name__
    schedule = LinearLR(optimizer, **options)
    rates = []
    for _ in range(300):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        schedule.step()
    assert rates[:151] == [1.0] * 151
    assert 0 < rates[-1] < 0.01
