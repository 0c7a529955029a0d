"""tools/analysis/sweep_mmseg.py checks the laws of the streams in models of mmseg."""

import pytest
from conversion.model import convert_model
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from sweep import checks, choice, table

from mmseg_cen.config_files import read_config
from mmseg_cen.models import exchanging_norms


def small_fcn():
    source = read_config('mmseg::fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py')
    model = choice.shrink(source.model)
    model.backbone.update(base_channels=8, stem_channels=8)
    model.decode_head.update(in_channels=64, channels=8)
    model.auxiliary_head.update(in_channels=32, channels=8)
    return model


@pytest.mark.parametrize('M', [2, 3])
def test_the_sweep_passes_what_obeys_the_laws(M):
    assert checks.check(small_fcn(), M)['convolutions'] == 16


def small_segformer():
    source = read_config(
        'mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py'
    )
    model = choice.shrink(source.model)
    model.backbone.update(embed_dims=4, num_heads=[1, 1, 1, 1], num_layers=[1, 1, 1, 1])
    model.decode_head.update(in_channels=[4, 4, 4, 4], channels=8)
    return model


def test_transformers_exchange_channels_of_layer_norms_and_tokens():
    counts = checks.check(small_segformer(), 2)
    assert (counts['convolutions'], counts['layer_norms'], counts['attention']) == (
        0,
        19,
        4,
    )


def test_the_sweep_catches_tokens_that_are_mixed():
    cfg = small_segformer()
    model = checks.build(cfg, 2, exchange=dict(type='TokenExchange', gated=False))
    checks.set_exchange(model, norms=0.0, tokens=0.0)
    checks.streams_are_independent(model, 2)
    checks.set_exchange(model, norms=0.0, tokens=2.0)
    with pytest.raises(AssertionError, match='depends on others'):
        checks.streams_are_independent(model, 2)


@pytest.mark.parametrize(
    'law', [checks.streams_equal_unimodal, checks.streams_are_independent]
)
def test_the_sweep_catches_streams_that_are_mixed(law):
    cfg = small_fcn()
    model = MODELS.build(convert_model(cfg, ['m0', 'm1']))
    checks.randomize_norms(model)
    norms = exchanging_norms(model).values()
    arguments = (
        (model, cfg, 2) if law.__name__.startswith('streams_equal') else (model, 2)
    )
    for norm in norms:
        norm.exchange_threshold = 0.0
    law(*arguments)
    next(iter(norms)).exchange_threshold = 10.0
    with pytest.raises(AssertionError, match=r'stream 0 is not the|depends on others'):
        law(*arguments)


def test_the_sweep_knows_every_family_and_takes_the_smallest_config():
    found = choice.combinations('pspnet')
    assert ('ResNetV1c', 'PSPHead') in found
    path, model = found['ResNetV1c', 'PSPHead']
    assert path.name.startswith('pspnet_r18-d8')
    assert isinstance(model, ConfigDict)


def test_the_table_counts_families_not_rows(tmp_path):
    row = dict(
        family='a', config='a1', backbone='B', head='H', status='pass', reason=''
    )
    results = {
        '1': {
            **row,
            'convolutions': 3,
            'layer_norms': 0,
            'attention': 0,
            'parameters': 1_500_000,
        },
        '2': {
            **row,
            'config': 'a2',
            'backbone': 'C',
            'status': 'not installed',
            'reason': 'needs x',
        },
        '3': {**row, 'family': 'b', 'status': 'refused', 'reason': 'H: it is | no'},
        '4': {**row, 'family': 'c'},
        '5': {
            **row,
            'family': 'c',
            'config': 'c2',
            'backbone': 'C',
            'status': 'failed',
            'reason': 'E',
        },
    }
    table.write_table(results.values(), tmp_path / 'table.md')
    text = (tmp_path / 'table.md').read_text()
    assert '1 of 3 families pass' in ' '.join(text.split())
    assert '| a | B | H | 3 | 0 | 0 | 1.5 | pass |  |' in text
    assert '| b | B | H |  |  |  |  | refused | H: it is / no |' in text


def test_rows_of_other_families_stay_as_they_are(tmp_path):
    row = dict(family='b', config='b', backbone='B', head='H', status='pass', reason='')
    page = tmp_path / 'table.md'
    table.write_table([row, {**row, 'family': 'c'}, {**row, 'family': 'a'}], page)
    failed = {**row, 'status': 'failed', 'reason': 'E'}
    table.write_table([failed], page, table.rows_on(page))
    text = page.read_text()
    assert '2 of 3 families pass' in ' '.join(text.split())
    assert [row[0] for row in table.rows_on(page)] == ['a', 'b', 'c']
    assert '| b | B | H |  |  |  |  | failed | E |' in text
    assert '| c | B | H |  |  |  |  | pass |  |' in text
