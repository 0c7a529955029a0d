from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from torch.testing import assert_close

from mmseg_cen.hooks import GammaSparsityHook
from mmseg_cen.models import ModalityBN, exchanged_channels, own_part, to_multimodal
from mmseg_cen.modes import AmpOptimWrapper
from mmseg_cen.streams.sparsity import gamma_l1

WEIGHT = 0.25


class Model(nn.Module):
    """One exchanging layer and one that is only private."""

    def __init__(self, M=2, C=5):
        super().__init__()
        self.norm = ModalityBN(C, M, exchange_threshold=0.1)
        self.other = ModalityBN(C, M)
        for norm in (self.norm, self.other):
            nn.init.normal_(norm.norm.weight)

    def forward(self, x, mode='loss'):
        out = self.other(self.norm(x))
        # No gradient of the task: only the penalty's is left.
        return {'loss_task': 0 * out.sum()} if mode == 'loss' else out


def run(model, hook, steps=1, wrapper=OptimWrapper, iteration=0, **kwargs):
    """One optimizer step of learning rate 1; the negative change is the gradient."""
    optim = wrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        accumulative_counts=steps,
        **kwargs,
    )
    optim.initialize_count_status(model, 0, steps)
    runner = SimpleNamespace(
        model=model, iter=iteration, max_iters=10, optim_wrapper=optim
    )
    hook.before_train(runner)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for _ in range(steps):
        with optim.optim_context(model):
            x = torch.randn(4 * model.norm.num_modalities, 5, 3, 3)
            losses = model(x, mode='loss')
        optim.update_params(sum(losses.values()))
    hook.after_train(runner)
    return {n: before[n] - p.detach() for n, p in model.named_parameters()}, before


@pytest.mark.parametrize('steps', [1, 4])
@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('amp', [False, True], ids=['float32', 'bfloat16'])
def test_the_gradient_is_lambda_times_the_sign_of_gamma_on_the_own_part(steps, M, amp):
    model = Model(M)
    wrapper, kwargs = OptimWrapper, {}
    if amp:
        wrapper, kwargs = AmpOptimWrapper, dict(dtype='bfloat16')
    grads, before = run(model, GammaSparsityHook(WEIGHT), steps, wrapper, **kwargs)
    sign = before['norm.norm.weight'].sign() * own_part(M, 5).flatten()
    assert_close(grads['norm.norm.weight'], WEIGHT * sign)
    assert grads['other.norm.weight'].eq(0).all()


@pytest.mark.parametrize('steps', [1, 4])
@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('amp', [False, True], ids=['float32', 'bfloat16'])
def test_proximal_mode_shrinks_the_own_part_once_per_step(steps, M, amp):
    """To exact zeros, and however many batches an optimizer's step accumulates."""
    model = Model(M)
    wrapper, kwargs = OptimWrapper, {}
    if amp:
        wrapper, kwargs = AmpOptimWrapper, dict(dtype='bfloat16')
    model.norm.norm.weight.data[0] = WEIGHT / 2
    hook = GammaSparsityHook(WEIGHT, mode='proximal')
    run(model, hook, steps, wrapper, **kwargs)
    torch.manual_seed(0)
    weight = model.norm.norm.weight.data
    assert weight[0] == 0
    model = Model(M)
    changes, before = run(model, hook, steps, wrapper, **kwargs)
    weight = before['norm.norm.weight']
    size = (weight.abs() - WEIGHT).clamp(min=0)
    expected = torch.where(own_part(M, 5).flatten(), weight.sign() * size, weight)
    assert_close(model.norm.norm.weight.data, expected)
    assert changes['other.norm.weight'].eq(0).all()


def test_proximal_mode_shrinks_layer_norms_of_images():
    """Whose scaling factors have the shape (M*C, 1, 1), as behind global pooling."""
    model = Model()
    norms = nn.Sequential(nn.LayerNorm((5, 1, 1)))
    model.norm = to_multimodal(norms, 2, 0.1, layer_norms=True)[0]
    nn.init.normal_(model.norm.norm.weight)
    _, before = run(model, GammaSparsityHook(WEIGHT, mode='proximal'))
    weight = before['norm.norm.weight'].view(2, 5)
    size = (weight.abs() - WEIGHT).clamp(min=0)
    expected = torch.where(own_part(2, 5), weight.sign() * size, weight)
    assert_close(model.norm.gamma.data, expected)


def test_proximal_mode_waits_for_the_step_of_accumulated_gradients():
    model, hook = Model(), GammaSparsityHook(WEIGHT, mode='proximal')
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), 3)
    optim.initialize_count_status(model, 0, 6)
    hook.before_train(SimpleNamespace(model=model, iter=0, optim_wrapper=optim))
    before = model.norm.norm.weight.detach().clone()
    for batch in range(3):
        changed = not torch.equal(model.norm.norm.weight, before)
        assert not changed, batch
        losses = model(torch.randn(8, 5, 3, 3), mode='loss')
        optim.update_params(losses['loss_task'])
    assert not torch.equal(model.norm.norm.weight, before)
    hook.after_train(None)
    after = model.norm.norm.weight.detach().clone()
    optim.optimizer.step()
    assert torch.equal(model.norm.norm.weight, after), 'the hook is gone'


def test_two_accumulated_batches_count_as_one_of_both():
    """Where norms are not in training; the penalty counts once."""
    weights = []
    for steps in (1, 2):
        torch.manual_seed(0)
        model, hook = Model().eval(), GammaSparsityHook(WEIGHT)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        optim = OptimWrapper(optimizer, accumulative_counts=steps)
        optim.initialize_count_status(model, 0, steps)
        hook.before_train(SimpleNamespace(model=model, iter=0, optim_wrapper=optim))
        for x in torch.randn(8, 5, 3, 3).chunk(steps):
            losses = model(x, mode='loss')
            losses['loss_task'] = model(x, mode='tensor').square().mean()
            optim.update_params(sum(losses.values()))
        hook.after_train(SimpleNamespace(model=model))
        weights.append(model.norm.norm.weight.detach())
    assert_close(*weights)


def test_proximal_mode_does_nothing_where_a_loss_scaler_skips_the_step():
    model, hook = Model(), GammaSparsityHook(WEIGHT, mode='proximal')
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    optim = SimpleNamespace(optimizer=optimizer)
    hook.before_train(SimpleNamespace(model=model, iter=0, optim_wrapper=optim))
    before = model.norm.norm.weight.detach().clone()
    scaler = torch.amp.GradScaler('cpu')
    for gradient in (torch.inf, 0.0):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        scaler.scale(torch.zeros(()))
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(model.norm.norm.weight, before) == (gradient == torch.inf)


class ConvexProblem(Model):
    """Half of sum h (gamma - a)^2, whose minimum under the penalty is known."""

    def __init__(self, M=2, C=12):
        super().__init__(M, C)
        self.a = torch.randn(M, C)
        self.h = torch.rand(M, C) + 0.5

    def forward(self, mode='loss'):
        return {'loss': (self.h * (self.norm.gamma - self.a) ** 2).sum() / 2}


@pytest.mark.parametrize(
    'settings',
    [dict(), dict(momentum=0.9), dict(momentum=0.9, nesterov=True)],
    ids=['SGD', 'momentum', 'nesterov'],
)
@pytest.mark.parametrize('M', [2, 3])
def test_both_modes_exchange_the_same_channels_of_a_convex_problem(M, settings):
    """Those with h |a| < lambda: where the minimum of Eq. 4 is at 0."""
    problem = ConvexProblem(M)
    own = own_part(M, 12)
    minimum = problem.a.sign() * (problem.a.abs() - 0.5 / problem.h).clamp(min=0)
    minimum = torch.where(own, minimum, problem.a)
    exchanged = {}
    for mode in ('subgradient', 'proximal'):
        model = deepcopy(problem)
        lr = 2e-3 if settings else 2e-2
        optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=lr, **settings))
        hook = GammaSparsityHook(0.5, mode=mode)
        hook.before_train(SimpleNamespace(model=model, iter=0, optim_wrapper=optim))
        for _ in range(800):
            losses = model(mode='loss')
            optim.update_params(sum(v for k, v in losses.items() if 'loss' in k))
        gamma = model.norm.gamma.detach()
        assert_close(gamma, minimum, atol=2e-2, rtol=0)
        exchanged[mode] = exchanged_channels(gamma, 3e-2)
        if mode == 'proximal':
            assert torch.equal(gamma == 0, minimum == 0), 'zeros are exact'
    assert torch.equal(exchanged['subgradient'], exchanged['proximal'])
    assert torch.equal(exchanged['proximal'], (minimum.abs() < 3e-2) & own)
    assert exchanged['proximal'].any()


def test_all_channels_are_penalized_on_request():
    grads, before = run(Model(), GammaSparsityHook(WEIGHT, scope='all'))
    weight = before['norm.norm.weight']
    assert_close(grads['norm.norm.weight'], WEIGHT * weight.sign())


def test_the_penalty_grows_during_warm_up():
    hook = GammaSparsityHook(WEIGHT, warmup_iters=4)
    grads, _ = run(Model(), hook, iteration=1)
    assert grads['norm.norm.weight'].abs().max() == 0.5 * WEIGHT


def test_the_penalty_follows_the_schedule():
    hook = GammaSparsityHook(WEIGHT, schedule=[(0, 1), (0.5, 1), (1, 0)])
    grads, _ = run(Model(), hook, iteration=9)
    assert grads['norm.norm.weight'].abs().max() == pytest.approx(0.2 * WEIGHT)


def test_the_penalty_of_proximal_mode_is_logged_but_no_loss():
    model, hook = Model(), GammaSparsityHook(WEIGHT, mode='proximal')
    optim = SimpleNamespace(optimizer=torch.optim.SGD(model.parameters(), lr=1.0))
    hook.before_train(SimpleNamespace(model=model, iter=0, optim_wrapper=optim))
    losses = model(torch.randn(8, 5, 3, 3), mode='loss')
    assert_close(losses['sparsity'], WEIGHT * gamma_l1(model).detach())
    assert [key for key in losses if 'loss' in key] == ['loss_task']
    assert not losses['sparsity'].requires_grad


def test_only_training_losses_get_the_penalty():
    model, hook = Model(), GammaSparsityHook(WEIGHT)
    runner = SimpleNamespace(model=model, iter=0)
    x = torch.randn(8, 5, 3, 3)
    hook.before_train(runner)
    assert 'loss_sparsity' in model(x, mode='loss')
    assert isinstance(model(x, mode='predict'), torch.Tensor)
    hook.after_train(runner)
    assert 'loss_sparsity' not in model(x, mode='loss')


def test_a_model_without_exchange_is_refused():
    runner = SimpleNamespace(model=nn.Linear(2, 2), iter=0)
    with pytest.raises(ValueError, match=r'got Linear, .*layer_norms=True'):
        GammaSparsityHook().before_train(runner)


def test_one_modality_alone_trains_without_penalty():
    model = Model(M=1)
    model.backbone = SimpleNamespace(num_modalities=1)
    hook, runner = GammaSparsityHook(WEIGHT), SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    assert 'loss_sparsity' not in model(torch.randn(4, 5, 3, 3), mode='loss')
    hook.after_train(runner)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(sparsity_weight=-1), r'`sparsity_weight` .* not negative, got -1'),
        (dict(sparsity_weight=float('nan')), 'not negative, got nan'),
        (dict(mode='exact'), r"'subgradient' .* or 'proximal' .*, got 'exact'"),
        (dict(scope='half'), "got 'half'"),
        (dict(target_share='0.5'), r"in \(0, 1\), got '0.5'"),
        (dict(target_share=0), r'in \(0, 1\), got 0'),
        (dict(target_share=1.0), r'in \(0, 1\), got 1.0: set 0.5'),
        (dict(target_share=0.5, sparsity_weight=0), 'must be positive .* got 0'),
        (dict(warmup_iters=-5), 'got -5'),
        (dict(schedule=5), 'got 5'),
    ],
)
def test_arguments_out_of_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GammaSparsityHook(**arguments)
