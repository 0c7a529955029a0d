"""Samples of the test of a config, to begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.config import Config
from mmseg.registry import DATASETS, TRANSFORMS
from numpy.typing import NDArray

from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.inference.samples import Given
from mmseg_cen.modality import modality_key
from mmseg_cen.visualization.panels import Picture, color_modality


@dataclass(frozen=True)
class Sample:
    """A sample with its labels.

    Args:
        given: Its files, or arrays of a rendered room.
        picture: Of its main modality, (H, W, 3), RGB.
        truth: (H, W) indices of classes; None if it has no labels.
        ignored: Index of pixels without a label.
    """

    given: Given
    picture: Picture
    truth: NDArray[np.integer] | None = None
    ignored: int = 255


def samples_of(cfg: Config | None, names: Sequence[str], count: int) -> list[Sample]:
    """The first samples of the data set of a test.

    Args:
        cfg: Of a trained network; an exported one has none, nor samples.
        names: Names of the modalities of the network.
        count: Of samples, at most.

    Raises:
        ValueError: If the data set is not there, or not as described.
        FileNotFoundError: If its files are not there.
    """
    settings = ((cfg or {}).get('test_dataloader') or {}).get('dataset')
    if settings is None:
        return []
    settings = next(innermost(settings))
    dataset = DATASETS.build({**settings, 'indices': None})
    found = []
    loading = [one for one in settings['pipeline'] if one['type'].startswith('Load')]
    transforms = [TRANSFORMS.build(one) for one in loading]
    for index in range(min(count, len(dataset))):
        info = dataset.get_data_info(index)
        results: Any = dict(info)
        for transform in transforms:
            results = transform(results)
        paths = results.get('modality_paths') or {}
        items = {n: paths.get(n, results.get(modality_key(results, n))) for n in names}
        name = str(info['img_path']).rpartition('/')[2].rpartition('.')[0]
        given = Given(name, {n: one for n, one in items.items() if one is not None})
        truth = results.get('gt_seg_map')
        image = np.atleast_3d(results['img']).transpose(2, 0, 1)
        picture, _ = color_modality(image)
        found.append(Sample(given, picture, truth, dataset.ignore_index))
    return found
