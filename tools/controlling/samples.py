"""Data of a control that cannot be loaded, found before anything is computed."""

from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample

from .variants import OF_ONE_STREAM


def load_sample(cfg: Config, split: str) -> dict[str, Any]:
    """Load the first sample of ``'train'``, ``'val'`` or ``'test'``, as a run would.

    Raises:
        ValueError: If a transform refuses it, as a shift beyond its width.
        OSError: If its files cannot be read.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    sample: dict[str, Any] = DATASETS.build(cfg[f'{split}_dataloader'].dataset)[0]
    return sample


def require_labels(cfg: Config) -> None:
    """Refuse test data that cannot be measured.

    Raises:
        ValueError: If they have no labels.
    """
    sample = load_sample(cfg, 'test').get('data_samples')
    if isinstance(sample, SegDataSample) and 'gt_sem_seg' not in sample:
        raise ValueError(
            'the test data must have labels for controls, got none of '
            f'{sample.get("img_path")}: set a `test_dataloader` that loads some, such '
            'as that of the validation'
        )


def require_one_modality(cfg: Config) -> None:
    """Refuse data that do not load one of their modalities alone.

    Raises:
        ValueError: If the data set of the training says so, as it does of a list that
            has a column for each modality, or a transform, which needs another one.
    """
    try:
        load_sample(cfg, 'train')
    except (ValueError, OSError) as error:
        raise ValueError(
            f'the data must load one modality alone for the controls {OF_ONE_STREAM}, '
            f'got: {error}; describe them so, or choose others by --controls'
        ) from error
