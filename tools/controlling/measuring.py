"""The figures of one network with one kind of data: by output, and by class."""

import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmseg_cen.launch import TestingRunner, build_runner, check_checkpoint
from mmseg_cen.metrics import StreamIoUMetric

#: Parts of a config that a test does without.
OF_TRAININGS = (
    *('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'),
    *('val_dataloader', 'val_cfg', 'val_evaluator'),
)
#: Types of the metric that the figures are of.
MEASURING = ('StreamIoUMetric', StreamIoUMetric)


@dataclass
class Figures:
    """mIoU and IoU of each class, in percent, by output.

    Args:
        miou: By output: each stream, ``'ensemble'``.
        iou: By output, one value for each class; None where a class does not occur.
        classes: Names of the classes.
    """

    miou: dict[str, float]
    iou: dict[str, list[float | None]]
    classes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measure(cfg: Config, checkpoint: str, work_dir: Path, name: str) -> Figures:
    """Test a checkpoint.

    Args:
        cfg: The config, whose test data are used.
        checkpoint: The checkpoint.
        work_dir: Where the log goes.
        name: Name of the test among others of this process.

    Raises:
        ValueError: If the test has no StreamIoUMetric of the mIoU, or the checkpoint is
            of another model.
    """
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir)
    cfg.load_from, cfg.resume = checkpoint, False
    cfg.experiment_name = name
    if 'visualizer' in cfg:
        cfg.visualizer['name'] = name
    fp16 = (cfg.get('test_cfg') or {}).get('fp16', False)
    cfg.test_cfg = dict(type='TestLoop', fp16=fp16)  # not of subsets or a protocol
    for key in OF_TRAININGS:
        cfg.pop(key, None)
    cfg.custom_hooks = []  # of trainings
    for metric in metrics_of(cfg):
        if metric.get('type') in MEASURING:
            metric.pop('per_image_file', None)  # one for all controls
            metric.pop('output_dir', None)
    runner = build_runner(cfg, TestingRunner)
    check_checkpoint(runner.model, checkpoint, strict=True)
    runner.test()
    (metric,) = (
        m for m in runner.test_evaluator.metrics if isinstance(m, StreamIoUMetric)
    )
    iou = {
        output: [None if np.isnan(v) else float(100 * v) for v in values['IoU']]
        for output, values in metric.per_class.items()
    }
    miou = {
        output: float(np.nanmean(100 * np.asarray(values['IoU'])))
        for output, values in metric.per_class.items()
    }
    return Figures(miou, iou, list(metric.dataset_meta['classes']))


def metrics_of(cfg: Config) -> list[Any]:
    """Configs of the metrics of the test."""
    evaluator = cfg.get('test_evaluator') or []
    return [*evaluator] if isinstance(evaluator, list | tuple) else [evaluator]


def require_metric(cfg: Config) -> None:
    """Refuse a test that does not measure each stream, before anything is computed.

    Raises:
        ValueError: If there is no StreamIoUMetric of the mIoU, or it only saves.
    """
    metrics = metrics_of(cfg)
    found = [m for m in metrics if m.get('type') in MEASURING]
    if len(found) != 1 or 'mIoU' not in found[0].get('iou_metrics', ['mIoU']):
        raise ValueError(
            "`test_evaluator` must have one StreamIoUMetric with iou_metrics=['mIoU'], "
            f'got {[m.get("type") for m in metrics]}: set it in the config'
        )
    if found[0].get('format_only'):
        raise ValueError(
            '`test_evaluator` must measure for controls, got format_only=True of its '
            'StreamIoUMetric: set it to False, and a `test_dataloader` with labels, '
            'such as that of the validation'
        )


def mean_of(figures: list[Figures]) -> Figures:
    """The mean over several trainings; a class counts where it occurs in all."""
    first = figures[0]
    miou = {o: float(np.mean([f.miou[o] for f in figures])) for o in first.miou}
    iou = {}
    for output in first.iou:
        values = np.array([f.iou[output] for f in figures], float)
        means = values.mean(axis=0)
        iou[output] = [None if np.isnan(v) else float(v) for v in means]
    return Figures(miou, iou, first.classes)
