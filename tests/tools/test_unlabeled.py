"""Data without labels are predicted, not measured."""

import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from _unlabeled import predict_unlabeled
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_cen.metrics import StreamIoUMetric
from mmseg_cen.translation.metrics import TranslationMetric

SIZE = (12, 16)
LOAD = [dict(type='LoadModalities'), dict(type='LoadAnnotations')]
PACK = dict(type='PackMultimodalInputs')
AUGMENTED = [
    dict(type='LoadModalities'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='LoadAnnotations')],
            [dict(type='PackMultimodalInputs')],
        ],
    ),
]


@pytest.fixture
def runner_of(tmp_path):
    """What a test has of its runner: a data set in some wrapper, and metrics."""
    init_default_scope('mmseg')
    for name, channels in dict(rgb=3, depth=1, label=1).items():
        (tmp_path / name).mkdir()
        image = np.ones((*SIZE, channels), np.uint8)
        assert cv2.imwrite(str(tmp_path / name / '0.png'), image)

    def build(pipeline, wrapped=False, own=None, **prefixes):
        cfg = dict(
            type='MultimodalSegDataset',
            data_root=str(tmp_path),
            modalities=('rgb', 'depth'),
            data_prefix=dict(rgb='rgb', depth='depth', **prefixes),
            metainfo=dict(classes=('a', 'b')),
            pipeline=pipeline,
        )
        if own is not None:
            cfg = dict(data_root=str(tmp_path), pipeline=pipeline, **own)
        if wrapped:
            cfg = dict(type='ConcatDataset', datasets=[cfg])
        loader = SimpleNamespace(dataset=DATASETS.build(cfg))
        metrics = [StreamIoUMetric(output_dir=str(tmp_path / 'out')), StreamIoUMetric()]
        evaluator = SimpleNamespace(metrics=metrics)
        return SimpleNamespace(
            test_loop=SimpleNamespace(),
            test_dataloader=loader,
            test_evaluator=evaluator,
            logger=logging.getLogger('test'),
        )

    return build


@pytest.mark.parametrize('pipeline', [[*LOAD, PACK], [LOAD[0], PACK], AUGMENTED])
@pytest.mark.parametrize('wrapped', [False, True])
def test_samples_are_loaded_without_labels_and_only_saved(runner_of, pipeline, wrapped):
    runner = runner_of(pipeline, wrapped)
    predict_unlabeled(runner, is_saved=True)
    sample = runner.test_dataloader.dataset[0]
    found = sample['data_samples']
    for sample in found if isinstance(found, list) else [found]:
        assert 'gt_sem_seg' not in sample
    (metric,) = runner.test_evaluator.metrics
    assert metric.format_only


def test_a_test_without_labels_and_without_a_place_for_predictions_is_refused(
    runner_of,
):
    with pytest.raises(ValueError, match='save the predictions with --out DIR'):
        predict_unlabeled(runner_of([*LOAD, PACK]), is_saved=False)


TRANSLATION = dict(
    type='MultimodalTranslationDataset',
    sources=('rgb',),
    target='heat',
    domains=dict(rgb={}, heat=dict(dtype='uint8')),
    data_prefix=dict(heat=None),
)


@pytest.mark.parametrize('wrapped', [False, True])
def test_translations_are_predicted_without_targets(runner_of, wrapped):
    pipeline = [dict(type='LoadDomains'), dict(type='PackTranslationInputs')]
    runner = runner_of(pipeline, wrapped, TRANSLATION)
    with pytest.raises(ValueError, match='must have targets to be measured'):
        predict_unlabeled(runner, is_saved=False)
    runner.test_evaluator.metrics = [TranslationMetric()]
    predict_unlabeled(runner, is_saved=True)
    assert runner.test_evaluator.metrics == []
    assert 'gt_image' not in runner.test_dataloader.dataset[0]['data_samples']


def test_data_without_labels_have_no_areas(runner_of):
    runner = runner_of([*LOAD, PACK])
    runner.test_evaluator.metrics[0].per_image_file = 'a.npz'
    with pytest.raises(ValueError, match='measured with --per-image, got none in'):
        predict_unlabeled(runner, is_saved=True)


def test_data_with_labels_are_measured(runner_of):
    runner = runner_of([*LOAD, PACK], seg_map_path='label')
    predict_unlabeled(runner, is_saved=False)
    assert len(runner.test_evaluator.metrics) == 2
    assert 'gt_sem_seg' in runner.test_dataloader.dataset[0]['data_samples']


def test_labeled_and_unlabeled_parts_of_a_test_are_refused(runner_of):
    """Else the labels would be left unmeasured."""
    runner = runner_of([*LOAD, PACK], wrapped=True, seg_map_path='label')
    runner.test_dataloader.dataset.datasets += runner_of(
        [*LOAD, PACK], wrapped=True
    ).test_dataloader.dataset.datasets
    with pytest.raises(ValueError, match='must have labels, or none, got 1 of 2'):
        predict_unlabeled(runner, is_saved=True)
