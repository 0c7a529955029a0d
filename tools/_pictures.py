"""Pictures of the predictions of a test."""

import argparse
from typing import Any

from mmengine.config import Config
from mmseg.registry import METRICS, MODELS

from mmseg_cen.translation import CENPix2Pix
from mmseg_cen.translation.metrics import GenerativeMetric, TranslationMetric


def enable_pictures(cfg: Config, args: argparse.Namespace) -> None:
    """Switch the visualization hook of the config on, or add one."""
    own = (
        'MultimodalVisualizationHook',
        'TranslationVisualizationHook',
        'MultitaskVisualizationHook',
        'CyclicVisualizationHook',
    )
    default = dict(visualization=dict(type=own[int(is_translation(cfg))]))
    hooks = cfg.get('default_hooks') or {}
    if hooks.get('visualization') is None:
        hooks = {**hooks, **default}
    cfg.default_hooks = hooks
    hook = cfg.default_hooks.visualization
    if hook['type'] == 'SegVisualizationHook':  # which names pictures without folders
        cfg.default_hooks.visualization = hook = Config(default).visualization
    hook.update(draw=True, interval=args.show_interval)
    if args.show:
        hook.update(show=True, wait_time=args.wait_time)
    if args.show_dir is None:
        return
    if hook['type'] in own:
        hook['out_dir'] = args.show_dir
    else:
        cfg.visualizer['save_dir'] = args.show_dir


def metrics_of(cfg: Config) -> list[dict[str, Any]]:
    """The configs of the metrics of the test."""
    evaluator = cfg.test_evaluator
    return list(evaluator) if isinstance(evaluator, list | tuple) else [evaluator]


def is_translation(cfg: Config) -> bool:
    """Whether the config tests images, not classes: by its model or its metrics."""
    model = MODELS.get(str((cfg.get('model') or {}).get('type')))
    types = [METRICS.get(str(metric.get('type'))) for metric in metrics_of(cfg)]
    kinds = (CENPix2Pix, TranslationMetric, GenerativeMetric)
    return any(isinstance(t, type) and issubclass(t, kinds) for t in (model, *types))
