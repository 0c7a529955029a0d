"""What the written config needs to know of the training images of own data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_cen.modality import build_modalities
from mmseg_cen.preparation import ClassStatistics, Folder, PixelStatistics
from mmseg_cen.preparation.statistics import DOMINANT
from mmseg_cen.transforms.reading import load

SAMPLES = 200


def measure(
    out: Path, meta: Mapping[str, Any], name: str, options: Mapping[str, Any]
) -> dict[str, list[float]]:
    """Mean and standard deviation of each channel, in physical units.

    Args:
        out: The prepared folder; up to 200 of its training images are measured.
        meta: Its `meta.json`.
        name: The modality.
        options: Its options, as of :class:`Modality`.
    """
    folder = Folder(**meta['folders'][name])
    modality = build_modalities({name: options})[name]
    stems = [s['stem'] for s in meta['samples'] if s['split'] == 'train']
    sums: PixelStatistics | None = None
    for stem in stems[:: max(len(stems) // SAMPLES, 1)]:
        path = out / name / f'{stem}{folder.suffix}'
        loaded = load(name, modality, str(path))
        here = PixelStatistics.of(loaded.image, loaded.valid)
        sums = here if sums is None else sums + here
    found = sums.summary() if sums is not None else dict(mean=None)
    if found['mean'] is None:
        return dict(mean=[0.0] * folder.channels, std=[1.0] * folder.channels)
    if name == 'depth':
        mean, std = found['mean'][0], max(found['std'][0], 1e-3)
        return dict(mean=[round(mean, 3)], std=[round(std, 3)])
    # The network gets red, green, blue, which are loaded the other way round.
    order = slice(None, None, -1 if name == 'rgb' else 1)
    mean = [float(f'{value:.4g}') for value in found['mean'][order]]
    spread = [value if value > 0 else 1.0 for value in found['std'][order]]
    return dict(mean=mean, std=[float(f'{value:.4g}') for value in spread])


def class_weights(meta: Mapping[str, Any]) -> list[float] | None:
    """Weights of the classes in the loss, if one class has nearly all of the pixels.

    They are 1 / log(1.02 + frequency) (ENet, 2016) in the training images.

    Args:
        meta: The `meta.json` of a prepared folder with labels.
    """
    num_classes = len(meta['classes'])
    counts = np.zeros(num_classes, np.int64)
    for sample in meta['samples']:
        if sample['split'] == 'train':
            for label, count in sample['stats']['label'].items():
                if int(label) < num_classes:
                    counts[int(label)] += count
    if counts.max() < DOMINANT * counts.sum():
        return None
    summary = ClassStatistics(int(counts.sum()), counts, counts).summary()
    return [round(weight, 3) for weight in summary['log_weight']]
