"""Run the checkpoint of a training over its validation data, once."""

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch.utils.data import Subset

from mmseg_cen.checkpoints import latest_checkpoint
from mmseg_cen.hooks.visualization import unaugmented_inputs
from mmseg_cen.launch import check_checkpoint, pin_for_gpus_only, say_order
from mmseg_cen.metrics.per_image import names_of_images
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.visualization.panels import Picture

from .counting import ClassCounts, TranslationCounts
from .predictions import (
    Predictions,
    read_predictions,
    write_predictions,
)
from .reading import Run

#: How many of the best and of the worst samples are shown.
SHOWN = 3
#: Pixels of the longer side of their pictures.
LONGEST = 1100


def choose_checkpoint(run: Run) -> Path | None:
    """The best checkpoint of a run, by the names that mmengine gives; or its last."""
    best = [path for path in run.folder.glob('best_*.pth') if run.is_own(path)]
    if best:
        return max(best, key=lambda path: path.stat().st_mtime)
    last = latest_checkpoint(str(run.folder))
    return Path(last) if last is not None and run.is_own(Path(last)) else None


def predictions_of(
    run: Run, checkpoint: Path, limit: int | None, again: bool = False
) -> Predictions:
    """Predict, or take what was predicted before with the same checkpoint.

    Args:
        run: The training.
        checkpoint: Its network.
        limit: How many samples, evenly spread over the data; None for all.
        again: Whether to predict in any case.

    Raises:
        ValueError: If the run has no config, no data to validate on, or the checkpoint
            is of another network.
        OSError: If data cannot be read.
    """
    stamp = _stamp(run, checkpoint, limit)
    kept = None if again else read_predictions(run.folder)
    if kept is not None and kept.facts['stamp'] == stamp:
        return kept
    found = _predict(run, checkpoint, limit)
    found.facts['stamp'] = stamp
    write_predictions(run.folder, found)
    return found


def _stamp(run: Run, checkpoint: Path, limit: int | None) -> str:
    facts = checkpoint.stat()
    text = run.config.pretty_text if run.config else ''
    parts = (checkpoint.name, facts.st_size, facts.st_mtime_ns, limit, text)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _predict(run: Run, checkpoint: Path, limit: int | None) -> Predictions:
    config = _config_of(run)
    loader = config.get('val_dataloader') or config.get('test_dataloader')
    if loader is None:
        raise ValueError(
            f'`val_dataloader` must be in the config, got none in {run.folder}: set '
            'it, or give --predict 0'
        )
    init_default_scope(config.get('default_scope', 'mmseg'))
    require_one_prediction(config)
    dataset = DATASETS.build(loader.pop('dataset'))
    total = len(dataset)
    chosen = [*range(total)]
    if limit is not None and limit < total:
        chosen = [int(k) for k in np.linspace(0, total - 1, limit).round()]
    model = _model_of(config, checkpoint)
    kind = TranslationCounts if run.is_translation else ClassCounts
    count: Any = kind(dataset.metainfo)
    loader = in_order(loader)
    batches = Runner.build_dataloader(
        {**loader, 'dataset': Subset(dataset, chosen)}, seed=0
    )
    paths = []
    for _, sample in _predicted(model, batches, f'{run.name}: predicting'):
        paths.append(str(sample.get('img_path', len(paths))))
        count.add(sample)
    facts = dict(
        checkpoint=checkpoint.name,
        samples=len(chosen),
        of=total,
        metric=count.metric,
        outputs=count.outputs,
        classes=count.classes,
        palette=[list(map(int, color)) for color in count.palette],
    )
    scores = np.array(count.scores, float)
    found = Predictions(
        facts, [*names_of_images(paths)], scores, count.confusion, count.calibration
    )
    for kind, number in _extremes(scores, higher_is_better=count.metric != 'MAE'):
        one = Runner.build_dataloader(
            {**loader, 'dataset': Subset(dataset, [chosen[number]])}, seed=0
        )
        for inputs, sample in _predicted(model, one):
            picture = count.draw(inputs, sample, dataset.metainfo)
            found.panels.append((kind, number, _jpeg(picture)))
    return found


def in_order(loader: Any) -> dict[str, Any]:
    """The config of a dataloader, of which all samples come in their order.

    By it a score belongs to a sample; a validation may shuffle them, or leave some out.
    """
    left_out = ('batch_sampler', 'num_batch_per_epoch')
    kept = {key: value for key, value in loader.items() if key not in left_out}
    sampler = dict(type='DefaultSampler', shuffle=False)
    return {**kept, 'sampler': sampler, 'drop_last': False}


def _config_of(run: Run) -> Config:
    if run.config is None:
        raise ValueError(
            f'the work directory must hold the config of the training, got '
            f'{str(run.folder)!r} without one: copy it there, or give --predict 0'
        )
    config = run.config.copy()
    say_order(config)
    pin_for_gpus_only(config)
    return config


def _model_of(config: Config, checkpoint: Path) -> torch.nn.Module:
    settings = config.model
    if config.get('data_preprocessor') is not None:
        settings.setdefault('data_preprocessor', config.data_preprocessor)
    model = MODELS.build(without_starts(settings))
    check_checkpoint(model, str(checkpoint), strict=True)
    device = get_device()
    if device == 'cpu':
        model = revert_sync_batchnorm(model)
    return model.to(device).eval()


@torch.no_grad()
def _predicted(
    model: Any, batches: Any, words: str = ''
) -> Iterator[tuple[NDArray[np.floating], Any]]:
    """Inputs and predicted sample, one after the other."""
    steps = batches
    if words:
        steps = track(batches, words, console=Console(file=sys.stderr))
    for batch in steps:
        for index, sample in enumerate(model.val_step(batch)):
            yield unaugmented_inputs(batch, index), sample


def require_one_prediction(config: Config) -> None:
    """Refuse a network that predicts neither classes nor one translated image.

    Raises:
        ValueError: If it translates in circles, or has several tasks without classes.
    """
    model = config.model
    tasks = model.get('tasks') or ()
    kinds = [model.decode_head.heads[task].type for task in tasks]
    without_classes = bool(kinds) and 'SegmentationHead' not in kinds
    if model.type == 'CyclicPix2Pix' or without_classes:
        raise ValueError(
            'the model must predict classes or one target for a report of its '
            f'predictions, got a {model.type}: give --predict 0, and draw them by '
            'tools/test.py --show-dir'
        )


def _extremes(
    scores: NDArray[np.floating], higher_is_better: bool
) -> list[tuple[str, int]]:
    """Numbers of the best and of the worst samples, in turns."""
    known = np.flatnonzero(np.isfinite(scores))
    order = known[np.argsort(scores[known], kind='stable')]
    if higher_is_better:
        order = order[::-1]
    shown = min(SHOWN, len(order) // 2)
    best, worst = order[:shown], order[::-1][:shown]
    return [
        (kind, int(number))
        for pair in zip(best, worst, strict=True)
        for kind, number in zip(('best', 'worst'), pair, strict=True)
    ]


def _jpeg(picture: Picture) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.save(content, 'JPEG', quality=85)
    return content.getvalue()
