"""Prediction of data that have no labels, or no targets of a translation."""

from typing import Any

from mmcv.transforms import BaseTransform, LoadAnnotations, TestTimeAug
from mmengine.runner import Runner

from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.datasets.multimodal import LABEL
from mmseg_cen.hooks.label_survey import unwrapped_sets
from mmseg_cen.translation.dataset import TranslationDataset


def predict_unlabeled(runner: Runner, is_saved: bool) -> None:
    """Let a test predict only, if its data have no labels: nothing is measured.

    Args:
        runner: Of the test; its data set and its metrics are changed.
        is_saved: Whether predictions are saved or shown.

    Raises:
        ValueError: If there are no labels, and predictions are not saved, or if some
            data sets of the test have labels and others none.
    """
    if runner.test_loop is None:
        return
    parts = [*unwrapped_sets(runner.test_dataloader.dataset)]
    unlabeled = [part for part in parts if _is_unlabeled(part)]
    if not unlabeled:
        return
    what, folder = 'labels', LABEL
    if isinstance(unlabeled[0], TranslationDataset):
        what, folder = 'targets', unlabeled[0].target
    if len(unlabeled) < len(parts):
        raise ValueError(
            f'all data sets of a test must have {what}, or none, got '
            f'{len(unlabeled)} of {len(parts)} without, such as '
            f'{unlabeled[0].data_root}: test them one by one'
        )
    if not is_saved:
        raise ValueError(
            f'samples must have {what} to be measured, got none in '
            f'{unlabeled[0].data_root}: save the predictions with --out DIR or '
            f'--show-dir DIR, or set `{folder}` in `data_prefix` of the data set'
        )
    metrics = runner.test_evaluator.metrics
    if any(getattr(m, 'per_image_file', None) for m in metrics):
        raise ValueError(
            f'samples must have labels to be measured with --per-image, got none in '
            f'{unlabeled[0].data_root}: leave it out'
        )
    for dataset in unlabeled:
        dataset.pipeline.transforms = without_labels(dataset.pipeline.transforms)
    kept = [m for m in metrics if getattr(m, 'output_dir', None) is not None]
    for metric in kept:
        metric.format_only = True
    metrics[:] = kept
    runner.logger.info(f'The data have no {what}: they are predicted, not measured.')


def without_labels(transforms: list[BaseTransform]) -> list[BaseTransform]:
    """Transforms without those that load labels, within test-time augmentation too."""
    for transform in transforms:
        if isinstance(transform, TestTimeAug):
            for subroutine in transform.subroutines:
                subroutine.transforms = without_labels(subroutine.transforms)
    return [t for t in transforms if not isinstance(t, LoadAnnotations)]


def _is_unlabeled(dataset: Any) -> bool:
    if isinstance(dataset, TranslationDataset):
        return dataset.target not in dataset.modalities
    return isinstance(dataset, MultimodalSegDataset) and (
        LABEL not in dataset.get_data_info(0)
    )
