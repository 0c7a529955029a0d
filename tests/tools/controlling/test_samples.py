"""What a sample refuses is said before anything is computed."""

from argparse import Namespace

import pytest
from analysis import controls
from controlling.samples import load_sample, require_labels, require_one_modality
from controlling.variants import one_stream
from mmengine.config import Config


def test_a_shift_beyond_the_images_is_refused_before_anything_is_tested(demo):
    for split in ('train', 'test'):
        demo[f'{split}_dataloader'].dataset.image_size = (24, 32)
    args = Namespace(
        modality=None, source=None, controls=['copy', 'shift'], shift=[8, -32],
        seed=0, train=False,
    )  # fmt: skip
    names = ('rgb', 'depth')
    for args.train in (False, True):
        with pytest.raises(ValueError, match='less than the width, 32, got -32'):
            controls.configs_of(demo, args, names)
    for split in ('val', 'test'):  # which are loaded when hours of training are over
        demo[f'{split}_dataloader'].dataset.image_size = (24, 30)
        args.shift = [8, 31]
        with pytest.raises(ValueError, match='less than the width, 30, got 31'):
            controls.configs_of(demo, args, names)
        demo[f'{split}_dataloader'].dataset.image_size = (24, 32)
    args.shift = [8, -31]
    configs, _ = controls.configs_of(demo, args, names)
    assert [*configs] == ['real', 'copy', 'shift_8', 'shift_-31']


def test_a_transform_that_needs_the_other_modality_is_refused(demo):
    dataset = demo.train_dataloader.dataset
    dataset.image_size = (24, 32)
    load_sample(demo, 'train')
    require_one_modality(one_stream(demo, 'depth'))
    dataset.pipeline.insert(1, dict(type='ReplaceModality', modality='depth',
                                    how='copy', source='rgb'))  # fmt: skip
    with pytest.raises(ValueError, match='must load one modality alone for the'):
        require_one_modality(one_stream(demo, 'rgb'))


def test_test_data_without_labels_are_refused_before_anything_is_computed(folders):
    cfg = Config(dict(test_dataloader=dict(dataset=folders)))
    require_labels(cfg)
    del folders['data_prefix']['seg_map_path'], folders['pipeline'][1]
    cfg = Config(dict(test_dataloader=dict(dataset=folders)))
    with pytest.raises(ValueError, match=r'must have labels .* none of .*0\.png'):
        require_labels(cfg)
