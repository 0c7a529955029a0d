from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from torch import nn
from torch.testing import assert_close

from mmseg_cen.hooks import GammaSparsityHook, gamma_l1
from mmseg_cen.models import ModalityBN, own_part

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
        # No gradient of the task: what is left is the penalty's.
        return {'loss_task': 0 * out.sum()} if mode == 'loss' else out


def run(model, hook, steps=1, wrapper=OptimWrapper, iteration=0, **kwargs):
    """One optimizer step of learning rate 1; the negative change is the gradient."""
    runner = SimpleNamespace(model=model, iter=iteration)
    hook.before_train(runner)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optim = wrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        accumulative_counts=steps,
        **kwargs,
    )
    optim.initialize_count_status(model, 0, steps)
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
def test_the_gradient_is_lambda_times_the_sign_of_gamma_on_the_own_part(
    steps, M, amp, monkeypatch
):
    model = Model(M)
    wrapper, kwargs = OptimWrapper, {}
    if amp:
        # mmengine reserves mixed precision for accelerators; torch has it on CPU.
        monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
        wrapper, kwargs = AmpOptimWrapper, dict(dtype='bfloat16')
    grads, before = run(model, GammaSparsityHook(WEIGHT), steps, wrapper, **kwargs)
    sign = before['norm.norm.weight'].sign() * own_part(M, 5).flatten()
    assert_close(grads['norm.norm.weight'], WEIGHT * sign)
    assert grads['other.norm.weight'].eq(0).all()


def test_all_channels_are_penalized_on_request():
    grads, before = run(Model(), GammaSparsityHook(WEIGHT, scope='all'))
    weight = before['norm.norm.weight']
    assert_close(grads['norm.norm.weight'], WEIGHT * weight.sign())


def test_the_penalty_is_the_sum_of_magnitudes_of_the_own_parts():
    model = Model()
    rgb, depth = model.norm.gamma.detach().abs()
    assert_close(gamma_l1(model).detach(), rgb[:3].sum() + depth[3:].sum())


def test_one_modality_is_not_penalized():
    assert gamma_l1(Model(M=1)) == 0


def test_the_weight_grows_linearly_during_warm_up():
    hook = GammaSparsityHook(WEIGHT, warmup_iters=4)
    weights = [hook.weight(i) for i in range(6)]
    assert weights == [w * WEIGHT for w in (0.25, 0.5, 0.75, 1, 1, 1)]
    grads, _ = run(Model(), hook, iteration=1)
    assert grads['norm.norm.weight'].abs().max() == 0.5 * WEIGHT


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
    with pytest.raises(ValueError, match='Linear has none; use a CEN backbone'):
        GammaSparsityHook().before_train(runner)


def test_one_modality_alone_trains_without_penalty():
    model = Model(M=1)
    model.backbone = SimpleNamespace(num_modalities=1)
    hook, runner = GammaSparsityHook(WEIGHT), SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    assert 'loss_sparsity' not in model(torch.randn(4, 5, 3, 3), mode='loss')
    hook.after_train(runner)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r'not negative, got -1'):
        GammaSparsityHook(-1)
