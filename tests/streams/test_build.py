"""Modules of one base class are built from configs, and wrong configs are named."""

import pytest

from mmseg_cen.models import ChannelExchange, Exchange
from mmseg_cen.streams.build import arguments_of, build_from_config, type_of


class Demanding(Exchange):
    def __init__(self, needed):
        super().__init__()
        self.needed = needed


class Inheriting(Demanding):
    def __init__(self, *, further=1, **kwargs):
        super().__init__(**kwargs)
        self.further = further


def test_a_type_is_a_class_or_its_registered_name():
    assert type_of(dict(type='ChannelExchange'), Exchange) is ChannelExchange
    assert type_of(dict(type=Demanding), Exchange) is Demanding


def test_arguments_of_bases_are_reached_through_kwargs():
    assert arguments_of(Demanding) == ['needed']
    assert arguments_of(Inheriting) == ['further', 'needed']
    assert arguments_of(lambda a, *, b: None) == ['a', 'b']


def test_defaults_fill_in_what_a_config_does_not_give_and_a_type_takes():
    built = build_from_config(
        dict(type=Inheriting, further=2), Exchange, needed=3, further=4, unknown=5
    )
    assert (built.needed, built.further) == (3, 2)


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (dict(type='NoSuch'), r"got {'type': 'NoSuch'}: .* \['ChannelExchange', "),
        (dict(type='ModalityBN'), "`exchange` .* that extends Exchange, got .*BN'}"),
        (dict(type='ResNet'), "got {'type': 'ResNet'}"),
        (dict(portion=0.3), r'config dict\(type=...\).*got {.portion.: 0.3}'),
        ('ChannelExchange', "got 'ChannelExchange'"),
        ({}, 'got {}'),
        (dict(type='SumExchange', no=1), r"arguments out of \[\], got {'no': 1}"),
        (dict(type=Demanding), r"\['needed'\], got {}.*missing 1 required"),
    ],
)
def test_wrong_configs_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        build_from_config(cfg, Exchange)
