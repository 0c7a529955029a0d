"""What the JSON beside an exported network says."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmseg_cen.datasets import NYUDv2Dataset
from mmseg_cen.deployment import describe, prepare
from mmseg_cen.modality import build_modalities

from .conftest import segmentor, translation

BINARY = dict(
    num_classes=2,
    out_channels=1,
    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True),
)


@pytest.fixture
def described(build):
    """The description of a network, by the config of its head and of its data set."""

    def described(dataset=None, **head):
        cfg = Config(dict(model=segmentor(('rgb', 'depth'), **head)))
        if dataset is not None:
            cfg.test_dataloader = dict(dataset=dataset)
        model = build(cfg.model)
        return describe(model, prepare(model), cfg, 'torchscript')

    return described


def test_the_threshold_of_a_binary_network_is_that_of_its_model(described):
    assert described(**BINARY, threshold=0.7)['threshold'] == 0.7
    with pytest.warns(UserWarning, match='threshold'):
        assert described(**BINARY)['threshold'] == 0.3
    assert described()['threshold'] is None


@pytest.mark.parametrize('classes', [('floor', 'wall'), 'names.txt'])
def test_classes_are_those_that_the_data_set_makes_of_them(
    described, classes, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path('names.txt').write_text('floor\nwall\n')
    metainfo = dict(classes=classes)
    dataset = dict(type='NYUDv2Dataset', metainfo=metainfo, reduce_zero_label=True)
    told = described(dataset)
    assert told['classes'] == ['floor', 'wall']
    wall, floor = NYUDv2Dataset.METAINFO['palette'][:2]
    assert told['palette'] == [floor, wall]
    assert told['reduce_zero_label'] is True


def test_numbers_that_are_not_finite_are_words_which_json_has(described):
    """Parsers of other languages take neither NaN nor Infinity."""
    depth = dict(invalid=['nan', '-inf..0', 9])
    dataset = dict(type='NYUDv2Dataset', modalities=dict(rgb={}, depth=depth))
    _, told = described(dataset)['modalities']
    assert told['file']['invalid'] == [['nan', 'nan'], ['-inf', 0.0], [9.0, 9.0]]
    again = build_modalities(dict(depth=dict(invalid=told['file']['invalid'])))
    assert again['depth'].invalid[1:] == ((-np.inf, 0.0), (9.0, 9.0))
    assert np.isnan(again['depth'].invalid[0]).all()


def test_depth_of_rooms_is_rendered(described):
    for dataset, expected in (
        (dict(type='SyntheticRGBDDataset'), [False, True]),
        (dict(type='NYUDv2Dataset'), [False, False]),
        (None, [None, None]),
    ):
        told = described(dataset)['modalities']
        assert [one['rendered'] for one in told] == expected


def test_a_preprocessor_outside_need_not_know_the_modalities(build):
    cfg = Config(dict(model=segmentor(('rgb', 'depth'))))
    values = dict(mean=[0.0] * 6, std=[1.0] * 6)
    cfg.model.data_preprocessor = dict(type='SegDataPreProcessor', **values)
    model = build(cfg.model)
    network = prepare(model, preprocessing=False)
    told = describe(model, network, cfg, 'torchscript')
    assert told['modalities'] == []
    assert told['channels_of_stream'] == 3


def test_classes_without_colors_have_those_of_their_test(described):
    dataset = dict(type='MultimodalSegDataset', modalities=('rgb', 'depth'))
    told = described(dict(**dataset, metainfo=dict(classes=('wall', 'floor'))))
    assert len(told['palette']) == 2
    assert described()['palette'] is described()['classes'] is None


def test_domains_have_the_options_that_their_data_set_knows(build):
    """Beside those that its config gives."""
    dataset = dict(
        type='TaskonomyDataset',
        sources=('depth', 'normal'),
        target='rgb',
        domains=dict(depth=dict(log_unit=None)),
    )
    cfg = Config(dict(model=translation(), test_dataloader=dict(dataset=dataset)))
    model = build(cfg.model)
    told = describe(model, prepare(model), cfg, 'torchscript')['modalities']
    depth, normal = (one['file'] for one in told)
    assert (depth['dtype'], depth['nodata'], depth['log_unit']) == (
        'uint16',
        [65535],
        None,
    )
    assert (normal['scale'], normal['vectors']) == (1 / 127, True)
