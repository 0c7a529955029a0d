"""A row has the same settings on any data, builds, and trains."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmseg.registry import DATASETS, MODELS
from paper import configs
from paper.comparison import flat, settings
from paper.configs import build_config, load_leaf, lost_settings
from paper.depth import at_depth
from paper.rows import TABLES

ROWS = {row.name: row for table in TABLES.values() for row in table.rows}
SEGMENTATION = {name: row for name, row in ROWS.items() if not row.translates}
TRANSLATION = {name: row for name, row in ROWS.items() if row.translates}


def type_of(row):
    """The settings of a row's network, whatever its domains and stages are."""
    found = settings(load_leaf(row))
    fusion = found.get('backbone.fusion') or {}
    fusion.pop('stages', None)
    sources = found.pop('sources', ())
    found.pop('target', None)
    return repr((len(sources), found))


SEGMENTATION_TYPES = {type_of(row): name for name, row in SEGMENTATION.items()}
GENERATORS = {type_of(row): name for name, row in TRANSLATION.items()}
NETWORKS = [(SEGMENTATION, data) for data in configs.SEGMENTATION] + [
    (TRANSLATION, data) for data in configs.TRANSLATION
]


def name_of(value):
    return value if isinstance(value, str) else next(iter(value))


@pytest.mark.parametrize(('rows', 'data'), NETWORKS, ids=name_of)
def test_whole_models_differ_from_the_papers_only_in_what_the_data_decide(rows, data):
    for row in rows.values():
        cfg = build_config(row, data, None, 3)
        expected, found = flat(load_leaf(row).model), flat(cfg.model)
        differing = {k for k in expected | found if expected.get(k) != found.get(k)}
        if found.get('generator.num_downs', 8) != 8:
            differing.discard('generator.fusion.stages')
        lost = [k for k in differing if not configs.DECIDED_BY_DATA.fullmatch(k)]
        assert lost == [], row.name


@pytest.mark.parametrize(('rows', 'data'), NETWORKS, ids=name_of)
def test_rows_are_told_apart_by_their_settings_on_any_data(rows, data):
    found = {}
    for row in rows.values():
        cfg = build_config(row, data, None, 3)
        assert cfg.randomness.seed == 3
        own, expected = settings(cfg), settings(load_leaf(row))
        if cfg.model.get('generator', {}).get('num_downs', 8) != 8:
            num_downs = cfg.model.generator.num_downs
            expected = settings(load_leaf(row), num_downs)
        assert own == expected, row.name
        found.setdefault(repr(own), []).append(row.name)
        if data in ('nyud_half', 'taskonomy'):
            assert ('FID' in row.paper) == (
                'GenerativeMetric' in str(cfg.val_evaluator)
            )
    assert [names for names in found.values() if len(names) > 1] == []


ADDED = [
    ('no_exchange', 'model.backbone.avg_down', True),
    ('same_concat_all', 'model.backbone.fusion.bias', False),
    ('drop', 'model.decode_head.head.dropout_ratio', 0.3),
    ('concat_shade_texture_to_rgb_late', 'model.generator.dropout', 0.1),
    ('depth_to_rgb', 'model.discriminator.base_channels', 48),
]


@pytest.mark.parametrize(('name', 'key', 'value'), ADDED)
def test_a_setting_that_only_the_config_of_a_row_has_is_an_error(
    name, key, value, monkeypatch
):
    def changed(row):
        leaf = load_leaf(row)
        leaf.merge_from_dict({key: value})
        return leaf

    monkeypatch.setattr(configs, 'load_leaf', changed)
    lost = key.removeprefix('model.')
    for data in configs.networks_of(ROWS[name]):
        with pytest.raises(ValueError, match=rf'`{name}` must have .*ones of {lost}:'):
            build_config(ROWS[name], data, None, 0)


@pytest.mark.parametrize(('name', 'key', 'value'), ADDED)
def test_a_setting_that_the_table_adds_is_in_the_training_on_any_data(
    name, key, value, monkeypatch
):
    row = replace(ROWS[name], options={**ROWS[name].options, key: value})
    for data in configs.networks_of(row):
        assert flat(build_config(row, data, None, 0))[key] == value


def test_a_hook_that_only_the_config_of_a_row_has_is_an_error(monkeypatch):
    row = SEGMENTATION['no_exchange']
    leaf = load_leaf(row)
    leaf.custom_hooks = [dict(type='EMAHook')]
    monkeypatch.setattr(configs, 'load_leaf', lambda row: leaf)
    with pytest.raises(ValueError, match='ones of custom_hooks:'):
        build_config(row, 'synthetic', None, 0)


@pytest.mark.parametrize(
    'name', [n for n, r in SEGMENTATION.items() if r.config.startswith('ablation/')]
)
def test_scaling_factors_of_all_private_norms_are_recorded(name):
    row = SEGMENTATION[name]
    for cfg in (load_leaf(row), build_config(row, 'synthetic', None, 0)):
        recorded = [h['type'] for h in cfg.custom_hooks].count('GammaRecorderHook')
        assert recorded == (name != 'shared_norms')


@pytest.mark.parametrize(
    ('name', 'scope'),
    [('l1_half', 'own'), ('l1_all', 'all'), ('no_exchange', None), ('sum', None)],
)
def test_the_penalty_has_the_scope_of_the_row_and_the_weight_of_the_data(name, scope):
    cfg = build_config(SEGMENTATION[name], 'synthetic', None, 0)
    penalties = [h for h in cfg.custom_hooks if h['type'] == 'GammaSparsityHook']
    assert [hook['scope'] for hook in penalties] == ([scope] if scope else [])
    assert [hook['sparsity_weight'] for hook in penalties] == [2e-2] * len(penalties)


@pytest.mark.parametrize('modality', ['rgb', 'depth'])
def test_a_unimodal_network_sees_one_modality_of_the_data(modality):
    cfg = build_config(SEGMENTATION[f'unimodal_{modality}'], 'synthetic', None, 0)
    assert cfg.model.modalities == (modality,)
    assert cfg.model.data_preprocessor.num_channels == 3
    for split in ('train', 'val', 'test'):
        assert [*cfg[f'{split}_dataloader'].dataset.modalities] == [modality]


def test_every_row_of_a_translation_has_a_network_for_its_domains():
    built = cache(
        lambda sources, target: DATASETS.build(
            dict(
                type='SyntheticTranslationDataset',
                num_samples=1,
                image_size=(64, 64),
                sources=sources,
                target=target,
                pipeline=[],
            )
        )
    )
    for row in TRANSLATION.values():
        cfg = build_config(row, 'synthetic', None, 0)
        wanted = cfg.train_dataloader.dataset
        dataset = built(tuple(wanted.sources), wanted.target)
        sources, channels = dataset.sources, dataset.domains[dataset.target].channels
        model = cfg.model
        assert model.sources == model.data_preprocessor.sources == sources
        assert model.generator.num_modalities == len(sources)
        assert model.generator.out_channels == channels, row.name


@pytest.mark.parametrize('name', GENERATORS.values())
def test_a_row_of_each_type_of_generator_trains_on_rooms(name):
    cfg = build_config(TRANSLATION[name], 'synthetic', 2, 0)
    cfg.model.generator.base_channels = cfg.model.discriminator.base_channels = 4
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'num_samples': 1})
    model = MODELS.build(cfg.model)
    model.init_weights()
    before = {key: value.clone() for key, value in model.generator.named_parameters()}
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    losses = model.train_step(pseudo_collate([dataset[0]]), optim_wrapper)
    assert all(torch.isfinite(value).all() for value in losses.values())
    fusion = cfg.model.generator.get('fusion') or {}
    aligned = fusion['stages'] if fusion.get('type') == 'AlignFusion' else ()
    assert {key for key in losses if 'fusion' in key} == {
        f'loss_fusion_{stage}' for stage in aligned
    }
    not_learned = [
        key
        for key, value in model.generator.named_parameters()
        if key.startswith(('encoder', 'fusions')) and value.equal(before[key])
    ]
    assert not_learned == []


@pytest.mark.parametrize('name', SEGMENTATION_TYPES.values())
def test_a_row_of_each_type_of_segmentation_trains_on_rooms(name):
    cfg = build_config(SEGMENTATION[name], 'synthetic', 2, 0)
    dataset = DATASETS.build({**cfg.train_dataloader.dataset, 'num_samples': 2})
    model = MODELS.build(cfg.model)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    losses = model.train_step(pseudo_collate([*dataset]), optim_wrapper)
    assert all(torch.isfinite(value).all() for value in losses.values())


@pytest.mark.parametrize('num_downs', [6, 7, 8, 9])
def test_fusion_is_at_like_depths_of_other_networks(num_downs):
    def at(*layers):
        stages = tuple(f'conv{i}' for i in layers)
        fusion = dict(type='ConcatFusion', stages=stages, merges=True)
        return at_depth(fusion, num_downs)

    assert at(1)['stages'] == (f'conv{1 if num_downs <= 8 else 2}',)
    assert at(4)['stages'] == (f'conv{(num_downs + 1) // 2}',)
    assert at(8)['stages'] == (f'conv{num_downs}',)
    if num_downs <= 8:
        every = tuple(f'conv{i}' for i in range(1, num_downs + 1))
        assert at(*range(1, 9)) == dict(type='ConcatFusion', stages=every, merges=True)


def test_a_shorter_training_has_a_shorter_schedule_and_a_larger_penalty():
    row = SEGMENTATION['exchange_half']
    full = build_config(row, 'synthetic', None, 0)
    half = build_config(row, 'synthetic', 4, 0)
    warm_up, cosine = half.param_scheduler
    assert warm_up == full.param_scheduler[0]
    assert (cosine['begin'], cosine['end'], cosine['T_max']) == (30, 200, 170)
    assert half.train_cfg.max_epochs == half.train_cfg.val_interval == 4
    weights = [cfg.custom_hooks[0].sparsity_weight for cfg in (full, half)]
    assert weights[1] == 2 * weights[0]


def test_milestones_are_those_of_the_length():
    row = SEGMENTATION['exchange_half']
    assert build_config(row, 'nyud', 30, 0).param_scheduler[0].milestones == [10, 20]


@pytest.mark.parametrize(('epochs', 'begin', 'end'), [(1, 0, 1), (10, 5, 10)])
def test_a_decay_that_begins_late_is_shortened_as_a_whole(epochs, begin, end):
    row = TRANSLATION['shade_texture_to_rgb']
    decay = build_config(row, 'synthetic', epochs, 0).param_scheduler
    assert (decay['begin'], decay['end']) == (begin, end)


def test_unknown_data_are_refused():
    with pytest.raises(ValueError, match=r"one of \['synthetic', .*\], got 'sunrgbd'"):
        build_config(SEGMENTATION['drop'], 'sunrgbd', None, 0)


def test_no_setting_is_lost_of_a_training_as_it_was_built():
    row = TRANSLATION['concat_rgb_edge_to_depth_late']
    cfg = build_config(row, 'nyud_half_small', None, 0)
    assert lost_settings(cfg, row, 'nyud_half_small') == []
    cfg.model.generator.fusion.stages = ('conv1',)
    cfg.model.generator.convs = 'shared'
    lost = ['generator.convs', 'generator.fusion.stages']
    assert lost_settings(cfg, row, 'nyud_half_small') == lost
