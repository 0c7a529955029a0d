from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg_cen.hooks import GammaSparsityHook, sparsity
from mmseg_cen.models import ModalityBN

THRESHOLD = 2e-2


class Problem(nn.Module):
    """Each scaling factor is pulled to a place of its own, unless it is exchanged."""

    def __init__(self, stiffness, C=400, places=(0.7, 1.3)):
        super().__init__()
        self.norm = ModalityBN(C, 2, exchange_threshold=THRESHOLD)
        self.place = torch.empty(2, C).uniform_(*places)
        self.stiffness = stiffness * torch.rand(2, C)

    def forward(self, mode='loss'):
        gamma = self.norm.gamma
        pull = self.stiffness * (gamma - self.place) ** 2 / 2
        return {'loss': pull[gamma.detach().abs() >= THRESHOLD].sum()}

    def share(self):
        rgb, depth = self.norm.gamma.detach().abs() < THRESHOLD
        return torch.cat([rgb[:200], depth[200:]]).float().mean().item()


def train(problem, hook, steps, start=0, until=None, lr=0.1, held=frozenset()):
    others = [p for p in problem.parameters() if p not in held]
    optimizer = torch.optim.SGD(others, lr, momentum=0.9)
    if held:
        optimizer.add_param_group(dict(params=[*held], lr=0.0))
    runner = SimpleNamespace(
        model=problem,
        max_iters=steps,
        iter=start,
        optim_wrapper=OptimWrapper(optimizer),
        message_hub=MessageHub.get_instance('share control'),
    )
    hook.before_train(runner)
    for runner.iter in range(start, until or steps):
        hook.before_train_iter(runner, runner.iter)
        losses = problem(mode='loss')
        loss = sum(value for key, value in losses.items() if 'loss' in key)
        runner.optim_wrapper.update_params(loss)
    hook.after_train(runner)
    return problem.share()


@pytest.mark.parametrize('mode', ['subgradient', 'proximal'])
@pytest.mark.parametrize('target', [0.3, 0.7])
@pytest.mark.parametrize('stiffness', [1e-3, 1e-2])
@pytest.mark.parametrize('weight', [1e-4, 5e-2], ids=['small', 'large'])
def test_the_target_is_reached_and_held_wherever_lambda_begins(
    mode, target, stiffness, weight
):
    torch.manual_seed(0)
    problem = Problem(stiffness)
    hook = GammaSparsityHook(weight, mode=mode, target_share=target)
    assert train(problem, hook, 800) == pytest.approx(target, abs=0.03)


@pytest.mark.parametrize('steps', [400, 1600])
@pytest.mark.parametrize(('places', 'stiffness'), [((0, 0.3), 2), ((0, 1), 1)])
def test_exact_zeros_reach_the_target_where_scaling_factors_are_held_firmly(
    places, stiffness, steps
):
    torch.manual_seed(0)
    problem = Problem(stiffness, places=places)
    hook = GammaSparsityHook(mode='proximal', target_share=0.5)
    assert train(problem, hook, steps, lr=0.05) == pytest.approx(0.5, abs=0.03)


def test_a_target_that_is_missed_is_said(monkeypatch):
    torch.manual_seed(0)
    said = []
    monkeypatch.setattr(sparsity, 'print_log', lambda text, *args: said.append(text))
    train(Problem(1e-3), GammaSparsityHook(target_share=0.5), 400)
    assert said == []
    problem = Problem(1, places=(0.5, 1.5))
    share = train(problem, GammaSparsityHook(target_share=0.5), 100)
    assert f'the target_share of 50.0%, got {share:.1%}: ' in said[0]


def test_frozen_scaling_factors_do_not_count():
    torch.manual_seed(0)
    problem = Problem(1e-2)
    problem.frozen = ModalityBN(400, 2, exchange_threshold=THRESHOLD)
    problem.frozen.norm.weight.requires_grad_(False)
    hook = GammaSparsityHook(mode='proximal', target_share=0.5)
    assert train(problem, hook, 400) == pytest.approx(0.5, abs=0.03)
    problem.norm.norm.weight.requires_grad_(False)
    with pytest.raises(ValueError, match='freeze fewer layers'):
        train(problem, hook, 400)


def test_scaling_factors_with_a_learning_rate_of_0_do_not_count(monkeypatch):
    """Nor those of the first layer, as a stage is held by its `lr_mult`."""
    torch.manual_seed(0)
    said = []
    monkeypatch.setattr(sparsity, 'print_log', lambda text, *args: said.append(text))
    problem = Problem(1e-2)
    trained = problem.norm
    del problem.norm
    problem.held = ModalityBN(400, 2, exchange_threshold=THRESHOLD)
    problem.norm = trained
    hook = GammaSparsityHook(mode='proximal', target_share=0.5)
    share = train(problem, hook, 400, held={*problem.held.parameters()})
    assert share == pytest.approx(0.5, abs=0.03)
    assert said == []
    assert problem.held.gamma.eq(1).all()


def test_scaling_factors_that_nothing_moves_reach_no_target():
    hook = GammaSparsityHook(target_share=0.5, mode='proximal')
    with pytest.raises(ValueError, match='got a learning rate of 0 or none for them'):
        train(Problem(1e-3), hook, 10, lr=0.0)


def test_a_share_that_no_threshold_decides_has_no_target():
    problem = Problem(1e-2)
    problem.norm.set_exchange(dict(type='FixedPortionExchange', portion=0.2))
    with pytest.raises(ValueError, match=r'and none: .*take a ChannelExchange'):
        train(problem, GammaSparsityHook(target_share=0.5), 400)


@pytest.mark.parametrize('stiffness', [1e-2, 1])
def test_a_penalty_without_exchange_holds_the_share_too(monkeypatch, stiffness):
    """Factors that are not replaced are pulled back, and penalized again."""
    torch.manual_seed(0)
    said = []
    monkeypatch.setattr(sparsity, 'print_log', lambda text, *args: said.append(text))
    problem = Problem(stiffness, places=(0, 0.3))
    problem.norm.exchange_threshold = 0
    problem.forward = lambda mode='loss': {
        'loss': (problem.stiffness * (problem.norm.gamma - problem.place) ** 2).sum()
    }
    hook = GammaSparsityHook(mode='proximal', target_share=0.5)
    assert train(problem, hook, 800, lr=0.05) == pytest.approx(0.5, abs=0.05)
    (text,) = said
    assert 'nothing is exchanged, as exchange_threshold is 0' in text


def test_without_control_the_same_weights_exchange_nothing_or_everything():
    shares = []
    for weight in (1e-4, 5e-2):
        torch.manual_seed(0)
        shares.append(train(Problem(1e-2), GammaSparsityHook(weight), 800))
    assert shares[0] < 0.05
    assert shares[1] > 0.9


def test_a_resumed_training_goes_on_with_the_lambda_it_had():
    torch.manual_seed(0)
    problem = Problem(1e-2)
    train(problem, GammaSparsityHook(5e-3, target_share=0.5), 400, until=150)
    saved = MessageHub.get_instance('share control').state_dict()
    hub = MessageHub.get_instance('share control')
    hub.update_info('sparsity_control', {})  # another training's
    hub.load_state_dict(saved)
    runner = SimpleNamespace(
        model=problem, max_iters=400, iter=150, message_hub=hub, optim_wrapper=None
    )
    hook = GammaSparsityHook(1e-2, target_share=0.8)
    hook.before_train(runner)
    weight = hook.current_weight(runner)
    assert weight == saved['runtime_info']['sparsity_control']['weight'] != 5e-3
    assert hook._control.target == 0.8, 'the new target counts'
    runner.iter = 0
    hook.before_train(runner)
    assert hook.current_weight(runner) == 1e-2, 'a new training begins anew'


def test_a_larger_target_of_a_resumed_training_penalizes_all_factors_again():
    """Those beyond the first target's cutoff would never fall."""
    torch.manual_seed(0)
    problem = Problem(1e-2)
    hook = GammaSparsityHook(mode='proximal', target_share=0.2)
    train(problem, hook, 800, until=400)
    hub = MessageHub.get_instance('share control')
    assert hub.get_info('sparsity_control')['cutoff'] < 1
    larger = GammaSparsityHook(mode='proximal', target_share=0.7)
    assert train(problem, larger, 800, start=400) > 0.65
