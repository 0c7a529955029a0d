"""What a run checks before its first batch: that model, data and metric agree."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import RuntimeInfoHook as RuntimeInfoHookOfMMEngine
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.datasets import BaseSegDataset
from mmseg.evaluation import IoUMetric
from mmseg.registry import HOOKS

from mmseg_cen.models.classes import check_heads, check_padding, has_class_weights
from mmseg_cen.streams.state import unwrap
from mmseg_cen.transforms.randomness import untouched_randomness

from .label_survey import check_some_labels, multimodal_sets, survey_labels


@HOOKS.register_module()
class RuntimeInfoHook(RuntimeInfoHookOfMMEngine):
    """Checks that model, data sets and metric agree about the classes, at the start.

    Every runner has a hook of this name, whatever its config says. So that existing
    configs are checked, too, this one is found in the registry of mmseg instead of
    mmengine's own. It does nothing else where no data set is multimodal.

    Raises:
        ValueError: If the classes or ``ignore_index`` disagree, labels are not as the
            data set says, or a test would measure labels of another size.
    """

    def __init__(self) -> None:
        super().__init__()
        self._trains = False

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        self._trains = True
        datasets = [*multimodal_sets(runner.train_dataloader.dataset)]
        for dataset in datasets:
            check_classes(dataset)
            check_agreement(runner.model, dataset)
            check_padding(
                runner.model, len(dataset.metainfo['classes']), dataset.ignore_index
            )
        survey_labels(datasets, has_class_weights(runner.model))
        if runner.val_loop is not None:
            check_evaluation(runner.model, runner.val_loop)
            say_samples('validation', runner.val_loop)

    def before_val(self, runner: Runner) -> None:
        super().before_val(runner)
        if not self._trains:
            check_evaluation(runner.model, runner.val_loop)
            say_samples('validation', runner.val_loop)

    def before_test(self, runner: Runner) -> None:
        super().before_test(runner)
        check_evaluation(runner.model, runner.test_loop)
        say_samples('test', runner.test_loop)


def say_samples(what: str, loop: Any) -> None:
    """Log which list a figure is of: some data sets have two that are reported."""
    for dataset in multimodal_sets(loop.dataloader.dataset):
        place = getattr(dataset, 'ann_file', '') or 'all samples'
        print_log(
            f'{what}: {place}, {len(dataset)} samples of {type(dataset).__name__}',
            'current',
        )


def check_classes(dataset: BaseSegDataset) -> None:
    """Refuse a data set without classes, or with a single one."""
    classes = tuple(dataset.metainfo.get('classes') or ())
    if not classes:
        raise ValueError(
            f'`classes` of a {type(dataset).__name__} must be named, got none: give it '
            "metainfo=dict(classes=('wall', 'floor', ...)), one name for each class of "
            'the heads'
        )
    if len(classes) < 2:
        raise ValueError(
            f'`classes` must be two at least, got {classes}: name the '
            "background, too, classes=('background', "
            f'{classes[0]!r}), or map its label by `label_map`'
        )


def check_agreement(model: torch.nn.Module, dataset: BaseSegDataset) -> None:
    """Refuse a model of other classes than those of a data set."""
    check_heads(model, dataset.metainfo['classes'], dataset.ignore_index)


def check_targets(model: torch.nn.Module, metrics: Sequence[Any]) -> None:
    """Refuse metrics of tasks that a network of several tasks does not have."""
    known = getattr(unwrap(model), 'targets', None)
    if known is None:
        return
    for metric in metrics:
        classes = 'gt_sem_seg' if isinstance(metric, IoUMetric) else None
        target = getattr(metric, 'target', classes)
        if target not in (None, *known):
            raise ValueError(
                f'metrics must be of the tasks of the model, which predicts {known}, '
                f'got {type(metric).__name__} of {target}: add the task to the model, '
                'or leave the metric out of val_evaluator and test_evaluator'
            )


def check_evaluation(model: torch.nn.Module, loop: Any) -> None:
    """Refuse a validation or test that could not measure, or would measure wrongly."""
    metrics = getattr(loop.evaluator, 'metrics', ())  # an evaluator may have none
    check_targets(model, metrics)
    datasets = [*multimodal_sets(loop.dataloader.dataset)]
    if datasets:
        _check_all_are_measured(loop.dataloader)
    for metric in metrics:
        if hasattr(metric, 'check_data'):
            metric.check_data(datasets)
    for dataset in datasets:
        check_classes(dataset)
        check_agreement(model, dataset)
        for metric in metrics:
            ignored = getattr(metric, 'ignore_index', dataset.ignore_index)
            if ignored != dataset.ignore_index:
                raise ValueError(
                    f'`ignore_index` of {type(metric).__name__} must be that of the '
                    f'data set, {dataset.ignore_index}, got {ignored}: set the same'
                )
        check_some_labels(dataset)
        _check_size_of_labels(dataset)


def _check_all_are_measured(loader: Any) -> None:
    """Refuse to leave out samples that are less than a batch."""
    if not getattr(loader, 'drop_last', False) or not loader.batch_size:
        return
    if left_out := len(loader.sampler) % loader.batch_size:
        raise ValueError(
            f'`drop_last` must be False in a validation or test, whose figures are of '
            f'all samples, got True, which leaves out {left_out} of '
            f'{len(loader.sampler)}: leave it out of val_dataloader and test_dataloader'
        )


def _check_size_of_labels(dataset: BaseSegDataset) -> None:
    """Refuse a pipeline that moves the labels of a test, on its first sample."""
    with untouched_randomness():
        packed = dataset[0]
    sample = packed.get('data_samples', {})
    # Of the versions of test-time augmentation, the first one is measured.
    sample = sample[0] if isinstance(sample, list) else sample
    if 'gt_sem_seg' not in sample or 'ori_shape' not in sample:
        return
    size, stored = sample.gt_sem_seg.shape[-2:], tuple(sample.ori_shape[:2])
    if tuple(size) != stored:
        raise ValueError(
            f'labels of a validation or test must keep the size of their file, '
            f'{stored}, which predictions return to, got {tuple(size)} of '
            f'{sample.get("img_path")}: in the `pipeline`, put LoadAnnotations behind '
            'Resize'
        )
