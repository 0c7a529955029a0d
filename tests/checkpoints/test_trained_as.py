import re

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.checkpoints import check_trained_as, describe_training, read_checkpoint


def segmentor(names=('rgb', 'depth'), theta=0.02, scope='own', mean=2.0, **exchange):
    options = dict(
        rgb=dict(mean=[100.0] * 3, std=[50.0] * 3), depth=dict(mean=[mean], std=[0.8])
    )
    return MODELS.build(
        Config(
            dict(
                type='CENSegmentor',
                modalities=names,
                data_preprocessor=dict(
                    type='MultimodalPreprocessor',
                    modalities=options,
                ),
                backbone=dict(
                    type='CENResNet',
                    depth=18,
                    base_channels=4,
                    stem_channels=4,
                    exchange_threshold=theta,
                    exchange_scope=scope,
                    **exchange,
                ),
                decode_head=dict(
                    type='EnsembleHead',
                    head=dict(
                        type='FCNHead',
                        in_channels=32,
                        channels=4,
                        num_classes=3,
                        num_convs=1,
                        concat_input=False,
                    ),
                ),
                test_cfg=dict(mode='whole'),
            )
        )._cfg_dict
    )


def rooms(**options):
    return DATASETS.build(
        dict(type='SyntheticRGBDDataset', num_samples=1, pipeline=[], **options)
    )


def saved(tmp_path, description):
    path = str(tmp_path / 'checkpoint.pth')
    torch.save({'meta': {'trained_as': description}}, path)
    return read_checkpoint(path)


def test_a_checkpoint_tells_what_it_was_trained_as(tmp_path):
    then = describe_training(segmentor(), rooms())
    assert then['modalities'] == ['rgb', 'depth']
    assert then['exchange_threshold'] == [0.02]
    assert then['exchange_scope'] == ['own']
    assert then['exchanges'] == {'ChannelExchange': 16}
    assert then['normalized']['rgb']['channels'] == [2, 1, 0]
    assert then['normalized']['depth']['mean'] == [2.0] * 3
    assert then['classes'][0] == 'wall'
    assert saved(tmp_path, then)['meta']['trained_as'] == then
    assert check_trained_as(saved(tmp_path, then), then) == []


def test_another_order_of_the_same_names_is_refused_with_the_right_one(tmp_path):
    then = saved(tmp_path, describe_training(segmentor(), rooms()))
    now = describe_training(segmentor(names=('depth', 'rgb')))
    with pytest.raises(ValueError, match=r"set modalities=\('rgb', 'depth'\) of the m"):
        check_trained_as(then, now)
    classes = rooms().metainfo['classes']
    turned = rooms(metainfo=dict(classes=classes[::-1]))
    with pytest.raises(ValueError, match=r'`classes` must be in the order'):
        check_trained_as(then, describe_training(segmentor(), turned))


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (dict(theta=0.9), 'exchange_threshold=0.02, and is used with .*=0.9'),
        (dict(scope='all'), 'exchange_scope=own, and is used with .*=all'),
        (dict(theta=None), r"exchanges=\{'ChannelExchange': 16\}, and .*=\{\}:"),
        (dict(exchange=dict(type='ChannelDrop')), r"exchanges=\{'ChannelDrop': 16\}:"),
        (dict(pattern='layer4'), r": 16\}, and is used .*\{'ChannelExchange': 4\}"),
        (dict(mean=3.0), r"\{'depth': \{'mean': \[2.0.*\{'depth': \{'mean': \[3.0"),
    ],
)
def test_what_else_differs_is_told(options, told, tmp_path):
    then = saved(tmp_path, describe_training(segmentor()))
    (difference,) = check_trained_as(then, describe_training(segmentor(**options)))
    assert re.search(told, difference)


@pytest.mark.parametrize('checkpoint', [{}, {'meta': {}}, {'meta': None}, [], None])
def test_an_older_checkpoint_passes(checkpoint):
    assert check_trained_as(checkpoint, describe_training(segmentor())) == []


def test_another_order_of_the_tasks_is_refused(tmp_path):
    then = saved(tmp_path, dict(tasks=['depth', 'normals']))
    assert check_trained_as(then, dict(tasks=['depth', 'normals'])) == []
    with pytest.raises(ValueError, match=r"set tasks=\('depth', 'normals'\) of the"):
        check_trained_as(then, dict(tasks=['normals', 'depth']))
