"""What a config says about the samples of its test."""

import pytest
from mmengine.config import Config, ConfigDict

from mmseg_cen.datasets import samples_of_test, select
from mmseg_cen.datasets.of_config import without_repetition
from mmseg_cen.modality import build_modalities
from mmseg_cen.once import heard_warnings


def config(**dataset):
    dataset = ConfigDict(pipeline=[dict(type='LoadModalities')], **dataset)
    return Config(dict(test_dataloader=dict(dataset=dataset)))


def test_a_data_set_of_files_says_how_they_are_read_though_they_are_missing():
    found = samples_of_test(config(type='NYUDv2Dataset', data_root='nowhere'))
    assert found.modalities['depth'].scale == 1 / 5000
    assert found.meta['classes'][0] == 'wall'
    wrapped = dict(type='NYUDv2Dataset', pipeline=[], optional=('depth',))
    found = samples_of_test(config(type='ConcatDataset', datasets=[wrapped]))
    assert found.optional == ('depth',)


def test_depth_of_rendered_rooms_is_read_from_files_of_meters():
    depth = samples_of_test(config(type='SyntheticRGBDDataset')).modalities['depth']
    assert (depth.dtype, depth.fill) == ('float32', 'nearest')


@pytest.mark.parametrize('name', ['CityscapesDataset', 'TranslationDataset', None])
def test_other_data_sets_are_refused(name):
    with pytest.raises(ValueError, match='must be a multimodal one of segmentation'):
        samples_of_test(config(type=name) if name else Config(dict(model={})))


def test_a_stated_unit_takes_files_of_any_type():
    known = samples_of_test(config(type='NYUDv2Dataset')).modalities
    chosen = select(known, ('depth', 'rgb'), dict(depth=dict(scale=0.001, invalid=9)))
    assert [*chosen] == ['depth', 'rgb']
    assert chosen['depth'].dtype is None
    assert chosen['depth'].fill == 'nearest'
    for names, changes, message in (
        (('thermal',), {}, r"got none of \['thermal'\]"),
        (('rgb',), dict(depth={}), r"got \['depth'\]"),
        (('depth',), dict(depth=dict(unit=1)), "modality 'depth'"),
    ):
        with pytest.raises(ValueError, match=message):
            select(known, names, changes)


def test_a_unit_is_doubted_where_the_network_has_seen_none():
    known = build_modalities(
        dict(depth=dict(dtype='uint16'), height=dict(dtype='float32'), rgb={})
    )
    units = dict(depth=dict(scale=0.001), height=dict(scale=0.001))
    with heard_warnings() as heard:
        select(known, [*known], units)
    (warning,) = heard
    assert "'depth' has no `scale` in the config" in warning
    assert 'given, 0.001, must make such values' in warning
    with heard_warnings() as heard:
        select(samples_of_test(config(type='NYUDv2Dataset')).modalities, ['depth'], {})
    assert not heard


def test_samples_that_a_training_repeats_are_measured_once():
    once = dict(type='MultimodalSegDataset')
    often = dict(type='RepeatDataset', times=40000, dataset=once)
    assert without_repetition(often) == once
    several = dict(type='ConcatDataset', datasets=[often, once])
    assert without_repetition(several)['datasets'] == [once, once]
    mixed = dict(type='MultiImageMixDataset', dataset=often, pipeline=[])
    assert without_repetition(mixed) == {**mixed, 'dataset': once}
