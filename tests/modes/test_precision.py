import pytest
import torch
from torch import nn

from mmseg_cen import once
from mmseg_cen.modes import (
    AmpOptimWrapper,
    check_precision,
    default_precision,
    precision,
)


def wrapper(dtype='bfloat16', **kwargs):
    network = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    return network, AmpOptimWrapper(optimizer=optimizer, dtype=dtype, **kwargs)


def test_a_cpu_trains_in_bfloat16_without_scaled_losses():
    network, optim = wrapper(loss_scale='dynamic', accumulative_counts=2)
    before = network.weight.detach().clone()
    for batch in range(2):
        assert torch.equal(network.weight, before), batch
        with optim.optim_context(network):
            out = network(torch.ones(4, 3))
        assert out.dtype == torch.bfloat16
        optim.update_params(out.float().sum())
    torch.testing.assert_close(network.weight, before - 0.1 * 4)


@pytest.mark.parametrize('scaler', [None, {}, dict(scale=2.0, _growth_tracker=0)])
def test_a_training_in_another_precision_goes_on(scaler):
    _, optim = wrapper()
    state = optim.state_dict()
    state.pop('loss_scaler')
    optim.load_state_dict(state if scaler is None else {**state, 'loss_scaler': scaler})


def test_a_type_that_the_device_does_not_compute_in_is_refused(monkeypatch):
    monkeypatch.setattr(precision, 'get_device', lambda: 'cpu')
    assert check_precision(None) == check_precision('auto') == torch.bfloat16
    assert check_precision(torch.float16, device='cuda') == torch.float16
    assert check_precision(None, device='cuda') == torch.float16
    with pytest.raises(ValueError, match="`--amp` must be bf16 on a CPU, got 'fp16'"):
        check_precision('fp16', '--amp')
    with pytest.raises(ValueError, match=r"`optim_wrapper.dtype` must be one of .*'x'"):
        wrapper('x')
    with pytest.raises(ValueError, match=r"a GPU or a CPU .* got 'mps'"):
        check_precision(None, device='mps')
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: False)
    with pytest.raises(ValueError, match='must be fp16 on this GPU'):
        check_precision('bf16', device='cuda')


def test_a_cpu_that_is_slow_in_bfloat16_is_warned_of_once(monkeypatch):
    said = []
    monkeypatch.setattr(once, '_SAID', set())
    monkeypatch.setattr(once, 'print_log', lambda text, *_: said.append(text))
    monkeypatch.setattr(precision, 'is_fast_on_cpu', lambda: False)
    check_precision('bf16', device='cpu')
    check_precision('bf16', device='cpu')
    assert len(said) == 1
    assert 'AVX-512' in said[0]


def test_the_type_of_a_gpu_is_chosen_within_a_context():
    before = torch.get_autocast_dtype('cuda')
    with default_precision(torch.bfloat16):
        assert torch.get_autocast_dtype('cuda') == torch.bfloat16
    with default_precision(None):
        assert torch.get_autocast_dtype('cuda') == before
    assert torch.get_autocast_dtype('cuda') == before
