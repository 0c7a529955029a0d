import pytest
import torch
from benchmarking import modes
from benchmarking.contestants import Contestant
from benchmarking.modes import Mode, prediction, training
from torch import nn


class Small(Contestant):
    def __init__(self):
        self.seen = []
        super().__init__(nn.Conv2d(3, 4, 1))

    def predict(self, inputs):
        out = self.model(inputs)
        self.seen.append((out.dtype, out.requires_grad, self.model.training))
        return out

    def loss(self, inputs, targets):
        return (self.predict(inputs) - targets).square().mean()


def test_a_mode_is_several_at_once():
    mode = Mode('channels_last+amp')
    assert mode.layout == torch.channels_last
    assert mode.precision == torch.bfloat16
    assert mode.of_rivals == mode.name
    assert Mode('eager').layout == torch.contiguous_format
    assert Mode('eager').precision is None


def test_rivals_of_another_form_of_a_network_run_as_they_are(monkeypatch):
    monkeypatch.setitem(modes.FORMS, 'frozen', lambda contestant: contestant)
    monkeypatch.setattr(modes, 'MODES', (*modes.MODES, 'frozen'))
    assert Mode('frozen').of_rivals == 'eager'
    assert Mode('frozen+amp').of_rivals == 'amp'
    assert Mode('amp+frozen').form == 'frozen'


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('fast', r"`--modes` must be of .* got \['fast'\]"),
        ('amp+fp16', 'at most one of .* at once'),
    ],
)
def test_a_mode_that_cannot_be_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        Mode(name)


def test_steps_run_in_the_precision_of_the_mode_and_change_nothing():
    contestant = Small()
    before = contestant.model.weight.clone()
    images, targets = torch.randn(2, 3, 4, 4), torch.zeros(2, 4, 4, 4)
    prediction(contestant, Mode('amp'), images)()
    assert contestant.seen.pop() == (torch.bfloat16, False, False)
    step = training(contestant, Mode('eager'), images, targets)
    step()
    step()
    assert contestant.seen.pop() == (torch.float32, True, True)
    assert torch.equal(contestant.model.weight, before)
    assert contestant.model.weight.grad is None
