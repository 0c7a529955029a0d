from argparse import Namespace

import pytest
from mmengine.config import Config

from mmseg_cen.config_files import merge_options
from mmseg_cen.modes import (
    hand_modes_to_hook,
    precision,
    set_modes,
    test_in_mixed_precision,
    train_in_mixed_precision,
)
from mmseg_cen.modes.options import NETWORK_MODES

test_in_mixed_precision.__test__ = False  # a function of the package


@pytest.fixture
def cfg():
    optimizer = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    return Config(dict(optim_wrapper=optimizer, test_cfg=dict(type='SubsetTestLoop')))


def test_fields_of_a_config_become_arguments_of_a_hook(cfg):
    hand_modes_to_hook(cfg)
    assert 'custom_hooks' not in cfg
    cfg.merge_from_dict(dict(compile=dict(backend='eager'), channels_last=False))
    set_modes(cfg, Namespace(channels_last=True, compile=True))
    cfg.activation_checkpointing = ['backbone.layer1']  # mmengine's own
    hand_modes_to_hook(cfg)
    modes = dict(channels_last=True, compile=dict(backend='eager'))
    assert cfg.custom_hooks == [dict(type='NetworkModesHook', **modes)]
    assert 'compile' not in cfg
    assert cfg.activation_checkpointing == ['backbone.layer1']
    cfg.activation_checkpointing = True
    hand_modes_to_hook(cfg)
    assert cfg.custom_hooks[1]['activation_checkpointing'] is True


def test_the_command_line_sets_the_fields(cfg):
    merge_options(cfg, dict.fromkeys(NETWORK_MODES, True))
    assert all(cfg[name] is True for name in NETWORK_MODES)


def test_a_mode_is_on_or_off(cfg):
    cfg.channels_last = 'yes'
    with pytest.raises(ValueError, match='`channels_last` must be True or'):
        hand_modes_to_hook(cfg)


@pytest.mark.parametrize('dtype', ['auto', 'bf16'])
def test_each_optimizer_trains_in_mixed_precision(cfg, dtype):
    several = Config(dict(optim_wrapper=dict(a=cfg.optim_wrapper, type='Constructor')))
    for switched in (cfg, several):
        train_in_mixed_precision(switched, dtype)
        wrapper = switched.optim_wrapper.get('a', switched.optim_wrapper)
        assert (wrapper.type, wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')
        assert wrapper.get('dtype', 'auto') == dtype
    test_in_mixed_precision(cfg, dtype)
    assert cfg.test_cfg == dict(type='SubsetTestLoop', fp16=dtype)


def test_a_wrapper_with_a_precision_of_its_own_and_fp16_on_cpu_are_refused(
    cfg, monkeypatch
):
    monkeypatch.setattr(precision, 'get_device', lambda: 'cpu')
    for switch in (train_in_mixed_precision, test_in_mixed_precision):
        with pytest.raises(
            ValueError, match="`--amp` must be bf16 on a CPU, got 'fp16"
        ):
            switch(cfg, 'fp16')
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(ValueError, match="for --amp, got 'ApexOptimWrapper'"):
        train_in_mixed_precision(cfg, 'bf16')
