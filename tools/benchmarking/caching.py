"""What files of a training cost: decoded, and from a cache of decoded files."""

import time
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_cen.transforms import LoadAnnotations, LoadModalities
from mmseg_cen.transforms.decoded_cache import DecodedCache
from mmseg_cen.transforms.randomness import random_state, set_random_state
from mmseg_cen.transforms.reading import load

from .rounds import ratio, take_turns

DECODED, CACHED = 'decoded', 'cached'


def time_cache(cfg: Config, samples: int) -> list[dict[str, Any]]:
    """Processor seconds of files and of samples, decoded and from a cache, in turn.

    Each is read once before it counts, so that entries and files are in the memory of
    the system. The cache lies in a temporary folder.

    Args:
        cfg: A config with a ``train_dataloader``.
        samples: Number of samples, the first ones; of a smaller data set, all.

    Returns:
        A row for each kind of file and one for samples, with seconds of each sample.

    Raises:
        ValueError: If the data set reads no files of modalities.
    """
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
    loaders = [t for t in transforms if isinstance(t, LoadModalities | LoadAnnotations)]
    if not any(isinstance(t, LoadModalities) for t in loaders):
        raise ValueError(
            '`train_dataloader.dataset` must have a pipeline with LoadModalities for '
            f'--what cache, got {type(dataset).__name__}: leave it out'
        )
    dataset.full_init()
    seconds: dict[str, dict[str, list[float]]] = {}
    with TemporaryDirectory() as folder:
        caches = {DECODED: None, CACHED: DecodedCache(folder)}
        for index in range(min(samples, len(dataset))):
            steps = {
                (name, kind): step
                for kind, cache in caches.items()
                for name, step in _steps(dataset, index, loaders, cache).items()
            }
            for (name, kind), values in take_turns(
                steps, 1, warmup=1, clock=time.process_time
            ).items():
                both = seconds.setdefault(name, {DECODED: [], CACHED: []})
                both[kind] += values
    return [
        dict(name=name, ratio=ratio(both[CACHED], both[DECODED]), **both)
        for name, both in seconds.items()
    ]


def _steps(
    dataset: Any, index: int, loaders: list[Any], cache: DecodedCache | None
) -> dict[str, Any]:
    """What is timed of one sample, by its name."""
    info = dataset.get_data_info(index)
    draws = random_state()
    steps: dict[str, Any] = {}

    def sample() -> None:
        for loader in loaders:
            loader.cache = cache
        set_random_state(draws)
        dataset.prepare_data(index)

    def labels(loader: LoadAnnotations) -> None:
        loader.cache = cache
        loader.read(info)

    for loader in loaders:
        if isinstance(loader, LoadAnnotations):
            steps['labels'] = partial(labels, loader)
            continue
        for name, modality in info['modalities'].items():
            if name not in info.get('absent', ()):
                path = info['modality_paths'][name]
                steps[name] = partial(
                    load, name, modality, path, loader.backend_args, cache
                )
    steps['a sample, all transforms'] = sample
    return steps
