import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.streams.presence import present_modalities
from mmseg_cen.translation import CENUNet

from .conftest import generator


@pytest.mark.parametrize('training', [True, False])
def test_a_domain_is_predicted_from_all_the_others_and_not_from_itself(
    build, inputs, training
):
    network = build().generator.train(training)
    x = inputs[:1].clone().requires_grad_()
    streams, ensemble = network(x)
    assert streams.shape == (1, 3, 3, 3, 32, 32)
    assert ensemble.shape == (1, 3, 3, 32, 32)
    for target in range(3):
        others = [m for m in range(3) if m != target]
        for m in others:  # by the exchange, every other domain
            (grad,) = torch.autograd.grad(
                streams[0, target, m].sum(), x, retain_graph=True
            )
            by_domain = grad.unflatten(1, (3, 3)).abs().sum((0, 2, 3, 4))
            assert {*by_domain.nonzero().flatten().tolist()} == {*others}


def test_the_ensemble_has_the_weights_of_the_other_domains(build, inputs):
    network = build().generator.eval()
    network.alpha_logits.data = torch.tensor([0.0, 1, 2])
    streams, ensemble = network(inputs)
    a = network.alpha_logits[1:].softmax(0)
    expected = a[0] * streams[:, 0, 1] + a[1] * streams[:, 0, 2]
    assert_close(ensemble[:, 0], expected)


def test_a_direction_is_the_network_without_this_domain(build, inputs):
    """An independent pass of a CENUNet, with the domain absent."""
    network = build().generator.eval()
    streams, _ = network(inputs)
    plain = CENUNet(
        3, out_channels=9, num_downs=5, base_channels=4, dropout=0,
        exchange_threshold=0.3, exchange_scope='all',
    ).eval()  # fmt: skip
    plain.load_state_dict(network.state_dict())
    for target in range(3):
        x = inputs.clone()
        x[:, 3 * target : 3 * target + 3] = 0
        present = torch.ones(2, 3, dtype=torch.bool)
        present[:, target] = False
        with present_modalities(present):
            images = plain(x)[0][:, :, 3 * target : 3 * target + 3]
        for m in {0, 1, 2} - {target}:
            assert_close(streams[:, target, m], images[:, m])


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(num_modalities=2), '`num_modalities` of CyclicUNet must be 3 or more'),
        (dict(out_channels=3), 'must be left to CyclicUNet'),
    ],
)
def test_wrong_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(generator(**wrong))
