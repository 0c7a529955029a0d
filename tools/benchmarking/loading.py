"""What a sample costs before it reaches the network: files, transforms, workers."""

import time
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from mmseg_cen.transforms.loading import LoadModalities
from mmseg_cen.transforms.reading import load


def time_transforms(dataset: Any, samples: int) -> dict[str, list[float]]:
    """Seconds for each sample in each transform of a data set.

    The file of each modality is read once more by itself.

    Args:
        dataset: A data set with a ``pipeline``.
        samples: Number of samples, the first ones; of a smaller data set, all.
    """
    seconds: dict[str, list[float]] = {}
    for index in range(min(samples, len(dataset))):
        results = dataset.get_data_info(index)
        for place, transform in enumerate(dataset.pipeline.transforms):
            name = f'{place + 1}. {type(transform).__name__}'
            given = dict(results)
            start = time.perf_counter()
            results = transform(results)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            if isinstance(transform, LoadModalities):
                _time_files(name, transform, given, seconds)
            if results is None:
                break
    return seconds


def _time_files(
    name: str,
    transform: LoadModalities,
    sample: dict[str, Any],
    seconds: dict[str, list[float]],
) -> None:
    for modality, description in sample['modalities'].items():
        if modality not in sample.get('absent', ()):
            path = sample['modality_paths'][modality]
            start = time.perf_counter()
            load(modality, description, path, transform.backend_args)
            taken = time.perf_counter() - start
            seconds.setdefault(f'{name}, {modality} alone', []).append(taken)


def time_batches(loader: Any, batches: int) -> list[float]:
    """Seconds that a training which takes no time would wait for each batch."""
    seconds = []
    source = iter(loader)
    next(source)  # workers start
    for _ in range(batches):
        start = time.perf_counter()
        if next(source, None) is None:
            break
        seconds.append(time.perf_counter() - start)
    return seconds


def time_loading(cfg: Config, samples: int) -> dict[str, list[float]]:
    """Seconds by what is done: transforms, all of them, and batches of the loader.

    Args:
        cfg: A config with a ``train_dataloader``.
        samples: Number of samples and of batches.

    Raises:
        ValueError: If the data set is put together from others.
    """
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    if not hasattr(dataset, 'get_data_info') or not hasattr(dataset, 'pipeline'):
        raise ValueError(
            f'`train_dataloader.dataset` must have a pipeline of its own to be timed, '
            f'got {type(dataset).__name__}: name one of its data sets with '
            f'--cfg-options train_dataloader.dataset'
        )
    dataset.full_init()
    seconds = time_transforms(dataset, samples)
    steps = [v for name, v in seconds.items() if not name.endswith(' alone')]
    seconds['all transforms'] = [
        sum(of_sample) for of_sample in zip(*steps, strict=True)
    ]
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    batches = time_batches(loader, samples)
    if batches:
        name = f'a batch of {loader.batch_size} with {loader.num_workers} workers'
        seconds[name] = batches
    return seconds
