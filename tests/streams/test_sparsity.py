import pytest
import torch
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmseg_cen.models import ModalityBN, own_part
from mmseg_cen.streams.sparsity import (
    exchange_shares,
    gamma_l1,
    magnitudes,
    penalized,
    scaling_factors,
    soft_threshold,
    stage_of,
    step_size,
)

NAMES = ('rgb', 'depth', 'thermal')


@pytest.fixture(params=[2, 3])
def layers(request):
    """Two exchanging layers of 5 and 4 channels, and one that is only private."""
    model = nn.Sequential(
        ModalityBN(5, request.param, exchange_threshold=0.1),
        ModalityBN(4, request.param, exchange_threshold=0.1),
        ModalityBN(5, request.param),
    )
    for norm in model:
        nn.init.normal_(norm.norm.weight)
    return model.double()


def own_magnitudes(norm):
    return norm.gamma.detach().abs()[own_part(*norm.gamma.shape)]


def test_the_penalty_is_the_sum_of_magnitudes_of_the_own_parts(layers):
    own = torch.cat([own_magnitudes(norm) for norm in layers[:2]])
    assert_close(gamma_l1(layers).detach(), own.sum())
    assert_close(gamma_l1(layers, cutoff=0.5).detach(), own[own <= 0.5].sum())
    everything = sum(norm.gamma.detach().abs().sum() for norm in layers[:2])
    assert_close(gamma_l1(layers, 'all').detach(), everything)


def test_one_modality_is_not_penalized():
    assert gamma_l1(ModalityBN(5, 1, exchange_threshold=0.1)) == 0


def test_magnitudes_are_those_of_the_masked_factors_of_all_layers(layers):
    sizes, threshold = magnitudes(penalized(layers))
    assert_close(sizes, torch.cat([own_magnitudes(norm) for norm in layers[:2]]))
    assert threshold == 0.1
    for norm in layers[:2]:
        norm.exchange_threshold = 0
    assert magnitudes(penalized(layers))[1] == 2e-2, 'nothing is exchanged'


def test_soft_thresholding_moves_toward_zero_and_stays_there():
    values = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
    expected = torch.tensor([-2.0, 0, 0, 0, 0, 0, 2.0])
    assert_close(soft_threshold(values, 1.0), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    'settings', [{}, dict(momentum=0.9), dict(momentum=0.9, dampening=0.5)], ids=str
)
def test_the_step_size_is_how_far_a_constant_gradient_moves_a_parameter(settings):
    parameter = nn.Parameter(torch.zeros((), dtype=torch.double))
    optimizer = torch.optim.SGD([parameter], lr=0.1, **settings)
    for _ in range(300):
        before = parameter.item()
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    expected = pytest.approx(before - parameter.item(), rel=1e-6)
    assert step_size(optimizer.param_groups[0]) == expected


@pytest.fixture
def model():
    model = MODELS.build(
        dict(
            type='CENResNet', depth=50, base_channels=4, stem_channels=4,
            num_modalities=2,
        )
    )  # fmt: skip
    model = nn.ModuleDict({'backbone': model})
    for stage in model.backbone.res_layers:
        for block in getattr(model.backbone, stage):
            block.norm2.norm.weight.data.fill_(1.0)
    return model


def test_shares_count_magnitudes_below_the_threshold(model):
    # Half of the own part of rgb in one block of three; signs do not count.
    gamma = model.backbone.layer1[0].norm2.gamma.data
    gamma[0, 0], gamma[1, 0] = -0.019, 0.019  # in and out of the own part
    gamma[0, 1] = -0.5
    shares = exchange_shares(model, NAMES[:2])
    assert shares['rgb/own/layer1'] == 1 / 6
    assert shares['rgb/all/layer1'] == 1 / 12
    assert shares['depth/own/layer1'] == 0
    assert shares['depth/all/layer1'] == 1 / 12
    channels = 3 * 4 + 4 * 8 + 6 * 16 + 3 * 32
    assert shares['rgb/all'] == 1 / channels
    assert shares['rgb/own'] == 2 / channels
    assert shares['rgb/own/layer2'] == 0


def test_shares_count_the_channels_that_another_exchange_chooses():
    norm = ModalityBN(8, 2, exchange=dict(type='FixedPortionExchange', portion=0.25))
    assert exchange_shares(norm, NAMES[:2])['depth/own'] == 0.5


def test_every_scaling_factor_is_in_its_own_part_or_out_of_it(layers):
    M = layers[0].num_modalities
    factors = scaling_factors(layers, NAMES[:M])
    assert set(factors) == {f'{m}/{p}' for m in NAMES[:M] for p in ('own', 'other')}
    for m, name in enumerate(NAMES[:M]):
        for part, size in (('own', lambda mask: mask), ('other', lambda mask: ~mask)):
            expected = torch.cat(
                [
                    norm.gamma[m, size(own_part(*norm.gamma.shape)[m])].abs().float()
                    for norm in layers[:2]
                ]
            )
            assert factors[f'{name}/{part}'].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ('layer', 'stage'),
    [
        ('backbone.layer3.5.bn2', 'layer3'),
        ('backbone.stem.1', 'stem'),
        ('module.backbone.layer1.0.bn2', 'layer1'),
        ('generator.encoder.conv2.norm', 'conv2'),
        ('neck.convs.0.bn', 'neck'),
    ],
)
def test_the_stage_of_a_layer_is_read_off_its_name(layer, stage):
    assert stage_of(layer) == stage


def test_a_penalty_of_nothing_is_on_the_device_of_the_model():
    assert gamma_l1(nn.Conv2d(1, 1, 1, device='meta')).is_meta
