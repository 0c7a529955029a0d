"""The exchange as a layer: configs, arguments of a backbone, exchanges of users."""

import math

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_cen.models import (
    CENResNet,
    ChannelExchange,
    Exchange,
    ModalityBN,
    exchange_channels,
    exchanging_norms,
)
from mmseg_cen.streams.exchanges import (
    ExchangeSequence,
    exchange_config,
    exchange_configs,
)
from mmseg_cen.translation import CENUNet

NARROW = dict(base_channels=4, stem_channels=4)
C = 9


@pytest.mark.parametrize('M', [2, 3])
@pytest.mark.parametrize('scope', ['own', 'all'])
def test_the_default_is_equation_6(M, scope):
    x = torch.randn(2, M, C, 3, 4, dtype=torch.double)
    gamma = torch.randn(M, C, dtype=torch.double)
    out = ChannelExchange(threshold=0.7, scope=scope)(x, gamma)
    assert torch.equal(out, exchange_channels(x, gamma, 0.7, scope))
    assert ChannelExchange(threshold=0)(x, gamma) is x


def test_threshold_and_scope_of_the_backbone_are_those_of_a_variant():
    args = dict(exchange_threshold=0.3, exchange_scope='all', **NARROW)
    net = CENResNet(18, exchange=dict(type='ChannelDrop'), **args)
    exchange = next(iter(exchanging_norms(net).values())).exchange
    assert (exchange.threshold, exchange.scope) == (0.3, 'all')
    net = CENResNet(18, exchange=dict(type='ChannelDrop', threshold=0.1), **args)
    exchange = next(iter(exchanging_norms(net).values())).exchange
    assert (exchange.threshold, exchange.scope) == (0.1, 'all')


def test_shared_norms_exchange_in_no_way():
    with pytest.raises(ValueError, match=r"norms='shared' .*: leave the exchange out"):
        CENResNet(18, exchange=dict(type='SumExchange'), norms='shared', **NARROW)


def test_a_user_registers_an_exchange_of_their_own():
    @MODELS.register_module(force=True)
    class Negation(Exchange):
        def forward(self, x, gamma, present=None):
            return -x

    norm = ModalityBN(C, 2, exchange=dict(type='Negation')).eval()
    x = torch.randn(4, C, 3, 3)
    assert torch.equal(norm(x), -ModalityBN(C, 2).eval()(x))


def test_arguments_of_the_backbone_reach_a_subclass_through_its_kwargs():
    @MODELS.register_module(force=True)
    class Scaled(ChannelExchange):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)

    class Inherited(Scaled):
        pass

    @MODELS.register_module(force=True)
    class Plain(Exchange):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

    for of_type in ('Scaled', Inherited):
        args = dict(exchange_threshold=0.3, exchange_scope='all')
        exchange = ModalityBN(C, 2, **args, exchange=dict(type=of_type)).exchange
        assert (exchange.threshold, exchange.scope) == (0.3, 'all')
        own = dict(type=of_type, threshold=0.1, factor=2.0)
        exchange = ModalityBN(C, 2, **args, exchange=own).exchange
        assert (exchange.threshold, exchange.scope) == (0.1, 'all')
    # An exchange without these arguments does not get them.
    assert ModalityBN(C, 2, **args, exchange=dict(type='Plain')).exchange
    with pytest.raises(ValueError, match=r"'factor', 'threshold', 'scope'\], got .*no"):
        ModalityBN(C, 2, exchange=dict(type='Scaled', no=1))


def test_without_threshold_and_config_nothing_exchanges():
    assert exchange_config(None, None) is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(threshold=-1), 'not negative, got -1'),
        (dict(threshold='0.02'), "not negative, got '0.02'"),
        (dict(threshold=None), 'not negative, got None'),
        (dict(threshold=math.nan), 'not negative, got nan'),
        (dict(scope='half'), "got 'half'"),
    ],
)
def test_arguments_out_of_their_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ChannelExchange(**arguments)


@pytest.mark.parametrize('M', [1, 2])
@pytest.mark.parametrize(
    'cfg', [dict(type='ModalityBN'), dict(type='ChannelDrop', no=1)]
)
def test_a_wrong_exchange_is_refused_wherever_it_is_given(cfg, M):
    """Even if no layer exchanges, as with one modality."""
    with pytest.raises(ValueError, match=r'extends Exchange|ChannelDrop must have'):
        CENResNet(18, M, exchange=cfg, **NARROW)
    with pytest.raises(ValueError, match=r'extends Exchange|ChannelDrop must have'):
        CENUNet(M, num_downs=4, base_channels=4, exchange=cfg)
    with pytest.raises(ValueError, match=r'extends Exchange|ChannelDrop must have'):
        ModalityBN(C, M, exchange=cfg)


def test_several_exchanges_run_one_after_the_other():
    @MODELS.register_module(force=True)
    class Doubling(Exchange):
        by_gamma = False

        def forward(self, x, gamma, present=None):
            return 2 * x

    first, second = Doubling(), ChannelExchange(0.7, 'all')
    both = ExchangeSequence([first, second])
    assert both.by_gamma
    assert (both.threshold, both.scope) == (0.7, 'all')
    x, gamma = torch.randn(2, 2, C, 3), torch.randn(2, C)
    assert torch.equal(both(x, gamma), second(2 * x, gamma))
    assert torch.equal(both.chosen(gamma), second.chosen(gamma))
    both.threshold = 0.1
    assert second.threshold == 0.1


def test_a_list_holds_one_exchange_by_scaling_factors():
    channels = dict(type='ChannelExchange')
    tokens = dict(type='TokenExchange')
    configs = exchange_configs([channels, tokens], 0.3, 'all')
    assert configs == [
        dict(type='ChannelExchange', threshold=0.3, scope='all'),
        dict(type='TokenExchange', threshold=0.3),
    ]
    assert exchange_configs(None, None) == []
    with pytest.raises(ValueError, match='of which one at most is by scaling'):
        exchange_configs([channels, dict(type='ChannelDrop')], 0.3)
    with pytest.raises(ValueError, match='must hold an exchange or more'):
        exchange_configs([], 0.3)


def test_a_generator_has_no_attention_to_exchange_by():
    exchange = dict(type='TokenExchange')
    with pytest.raises(ValueError, match='must be of channels, as it has no attention'):
        CENUNet(2, exchange=exchange, num_downs=4, base_channels=4)
