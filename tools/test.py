"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import os
from typing import Any

from _options import ToolParser
from _protocol import add_protocol, check_protocol, protocol_loop


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description='Test a model.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='+', help='checkpoint file')
    parser.add_argument('--work-dir', help='where logs and the figures (json) go')
    parser.add_argument(
        '--tta',
        action='store_true',
        help='test-time augmentation: tta_model and tta_pipeline of the config',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='save the predicted classes as PNG files; for a translation the images, '
        'in a folder for each stream, the ensemble and the target; with --subsets, in '
        'a folder for each subset',
    )
    parser.add_argument(
        '--format-muses',
        metavar='DIR',
        help='save the predicted classes as the server of MUSES takes them, see '
        'docs/datasets.md',
    )
    parser.add_argument(
        '--per-image',
        metavar='FILE',
        help='save the areas of each image (npz), which '
        'tools/analysis/compare_runs.py compares; with --subsets, in a folder for each '
        'subset',
    )
    subset = parser.add_mutually_exclusive_group()
    subset.add_argument(
        '--absent',
        nargs='+',
        default=[],
        metavar='NAME',
        help='test without these modalities, e.g. --absent depth',
    )
    subset.add_argument(
        '--subsets',
        action='store_true',
        help='test with each subset of the modalities, and print a table',
    )
    add_protocol(parser, subset)
    parser.add_argument(
        '--freeze',
        action='store_true',
        help='do not compute channels that the exchange replaces, see '
        'docs/frozen_exchange.md',
    )
    parser.add_argument('--show', action='store_true', help='show pictures in a window')
    parser.add_argument('--show-dir', metavar='DIR', help='save pictures')
    parser.add_argument(
        '--show-interval',
        type=int,
        default=1,
        metavar='N',
        help='show or save every N-th batch (default: all)',
    )
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds between pictures shown'
    )
    parser.add_modes()
    parser.add_config_options()
    parser.add_launcher()
    args = parser.parse_args()
    check_protocol(parser, args, '--out', '--format-muses', '--show', '--show-dir')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from _pictures import enable_pictures, is_translation, metrics_of
from _unlabeled import predict_unlabeled
from mmengine.config import Config

from mmseg_cen.config_files import require_test
from mmseg_cen.cpu_processes import end_cpu_processes, start_cpu_processes
from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.door import as_tool
from mmseg_cen.freezing import freeze_within
from mmseg_cen.launch import (
    TestingRunner,
    build_runner,
    check_checkpoint,
    load_config,
    require_file,
)
from mmseg_cen.metrics import StreamIoUMetric
from mmseg_cen.models.modalities import names_of
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.modes import set_modes, test_in_mixed_precision
from mmseg_cen.streams.presence import check_absent


def only_checkpoint(paths: list[str]) -> str:
    """The one checkpoint; ``best_*.pth`` may be several, of several trainings.

    Raises:
        ValueError: If there are several.
    """
    if len(paths) > 1:
        newest = max(paths, key=lambda p: os.path.exists(p) and os.path.getmtime(p))
        raise ValueError(
            f'`checkpoint` must be one file, got {paths}: name one (the newest is '
            f'{newest!r})'
        )
    return paths[0]


def enable_tta(cfg: Config) -> None:
    """Wrap the model for test-time augmentation.

    Raises:
        ValueError: If the config does not describe the augmentation, or the model
            predicts something else than classes, or more.
    """
    kind = cfg.model.get('type')
    if kind in ('MultitaskSegmentor', 'CENPix2Pix', 'CyclicPix2Pix'):
        raise ValueError(
            f'`model.type` must be of a model of classes alone for --tta, got {kind!r}:'
            f' leave it out'
        )
    missing = [key for key in ('tta_model', 'tta_pipeline') if cfg.get(key) is None]
    if missing:
        raise ValueError(
            f'the config must have tta_model and tta_pipeline for --tta, got no '
            f'{" and no ".join(missing)}: add them, or leave out --tta'
        )
    for dataset in innermost(cfg.test_dataloader.dataset):
        dataset['pipeline'] = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def require_segmentor(cfg: Config, option: str) -> None:
    """Refuse an option that needs a CENSegmentor.

    Raises:
        ValueError: If the model is of another type.
    """
    if not is_cen_segmentor(cfg.model):
        raise ValueError(
            f"`model.type` must be 'CENSegmentor' for {option}, got "
            f'{cfg.model.get("type")!r}: omit it'
        )


def leave_out(cfg: Config, absent: list[str]) -> None:
    """Test without some modalities.

    Raises:
        ValueError: If the model is not a CENSegmentor, or has no such modality.
    """
    require_segmentor(cfg, '--absent')
    check_absent(absent, names_of(cfg.model))
    cfg.model.test_cfg = {**(cfg.model.get('test_cfg') or {}), 'absent': absent}


def set_loop(cfg: Config, **loop: Any) -> None:
    """Test by another loop, in the precision of the config."""
    fp16 = (cfg.get('test_cfg') or {}).get('fp16', False)
    cfg.test_cfg = dict(fp16=fp16, **loop)


def add_hook(cfg: Config, **hook: str) -> None:
    """Let one more hook have the predictions."""
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), hook]


def save_predictions(cfg: Config, out_dir: str) -> None:
    """Let a hook write predicted images or classes.

    Raises:
        ValueError: If the model predicts neither the one nor the other.
    """
    model = cfg.model.get('type')
    tasks = cfg.model.get('tasks', ('segmentation',))
    if model == 'CyclicPix2Pix' or 'segmentation' not in tasks:
        raise ValueError(
            f'`--out` must be for a model of classes or of one target, got {model}: '
            f'take --show-dir for pictures of its predictions'
        )
    name = 'TranslationImagesHook' if is_translation(cfg) else 'PredictedClassesHook'
    add_hook(cfg, type=name, out_dir=out_dir)


def save_per_image(cfg: Config, path: str) -> None:
    """Let the metric write the areas of each image.

    Raises:
        ValueError: If no metric does so, or it measures nothing.
    """
    metrics = [m for m in metrics_of(cfg) if m.get('type') == StreamIoUMetric.__name__]
    if not metrics:
        raise ValueError(
            f'`test_evaluator` must have a StreamIoUMetric for --per-image, got '
            f'{[metric.get("type") for metric in metrics_of(cfg)]}: set it, or leave '
            f'out --per-image'
        )
    if metrics[0].get('format_only'):
        raise ValueError(
            '`test_evaluator` must measure for --per-image, got format_only=True of '
            'its StreamIoUMetric: set it to False, or leave out --per-image'
        )
    metrics[0]['per_image_file'] = path


def require_apart(out: str | None, show_dir: str | None) -> None:
    """Refuse one folder for predictions and pictures, which have the same names.

    Raises:
        ValueError: If both are the same folder.
    """
    if out and show_dir and os.path.realpath(out) == os.path.realpath(show_dir):
        raise ValueError(
            f'`--show-dir` must be another folder than `--out`, got {out!r} for both: '
            f'pictures would replace predictions, name two folders'
        )


@as_tool
def main() -> None:
    args = parse_args()
    args.checkpoint = only_checkpoint(args.checkpoint)
    require_file(args.checkpoint, 'checkpoint')
    require_apart(args.out, args.show_dir)
    cfg = load_config(
        args.config,
        options=args.cfg_options,
        work_dir=args.work_dir,
        launcher=args.launcher,
    )
    require_test(cfg)
    cfg.load_from = args.checkpoint
    cfg.resume = False  # as the copy of a resumed training's config may not say
    if args.show or args.show_dir:
        enable_pictures(cfg, args)
    if args.absent:
        leave_out(cfg, args.absent)
    if args.subsets:
        require_segmentor(cfg, '--subsets')
        set_loop(cfg, type='SubsetTestLoop')
    if args.protocol:
        require_segmentor(cfg, '--protocol')
        set_loop(cfg, **protocol_loop(args))
    if args.tta:
        enable_tta(cfg)
    if args.out:
        save_predictions(cfg, args.out)
    if args.format_muses:
        add_hook(cfg, type='MUSESFormatHook', out_dir=args.format_muses)
    if args.per_image:
        save_per_image(cfg, args.per_image)
    set_modes(cfg, args)
    if args.amp:
        test_in_mixed_precision(cfg, args.amp)
    start_cpu_processes(cfg)
    runner = build_runner(cfg, TestingRunner)
    check_checkpoint(runner.model, args.checkpoint, strict=True)
    saved = args.out or args.format_muses or args.show or args.show_dir
    predict_unlabeled(runner, bool(saved))
    if args.freeze:
        runner.load_or_resume()
        runner.model = freeze_within(runner.model)
    runner.test()
    end_cpu_processes(cfg)


if __name__ == '__main__':
    main()
