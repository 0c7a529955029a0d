"""Pipelines of tests, for samples that are given."""

import numpy as np
import pytest
from mmcv.transforms import Compose

from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import given_pipeline

SIZE = (6, 8)
RGB = np.zeros((*SIZE, 3), np.uint8)
DEPTH = np.full(SIZE, 2000, np.uint16)


def modalities():
    return build_modalities(dict(rgb={}, depth=dict(dtype='uint16', scale=0.001)))


@pytest.mark.parametrize('loader', ['LoadModalities', 'LoadSyntheticRoom'])
def test_the_pipeline_of_a_test_loses_its_labels(loader):
    views = [
        [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
        [dict(type='LoadAnnotations')],
        [dict(type='PackMultimodalInputs')],
    ]
    plain = [dict(type=loader), *(group[0] for group in views)]
    augmented = [dict(type=loader), dict(type='TestTimeAug', transforms=views)]
    sample = dict(img_path=dict(rgb=RGB, depth=DEPTH))
    for pipeline, count in ((plain, 1), (augmented, 2)):
        packed = Compose(given_pipeline(pipeline, modalities()))(dict(sample))
        views_found = packed['inputs'] if count > 1 else [packed['inputs']]
        assert [one.shape for one in views_found] == [(4, *SIZE)] * count
    assert augmented[1]['transforms'] == views  # not changed


def test_a_size_for_the_network_replaces_that_of_the_pipeline():
    pipeline = [
        dict(type='LoadModalities'),
        dict(type='Resize', scale=(99, 99)),
        dict(type='PackMultimodalInputs'),
    ]
    for wrong in ((4,), (0, 4)):
        with pytest.raises(ValueError, match='`size` must be a width and a height'):
            given_pipeline(pipeline, modalities(), size=wrong)
    changed = Compose(given_pipeline(pipeline, modalities(), size=(4, 4)))
    packed = changed(dict(img_path=dict(rgb=RGB, depth=DEPTH)))
    assert packed['inputs'].shape == (4, 3, 4)
    assert packed['data_samples'].ori_shape == SIZE


def test_a_pipeline_that_loads_one_image_is_refused():
    with pytest.raises(ValueError, match='must load modalities'):
        given_pipeline([dict(type='LoadImageFromFile')], modalities())
