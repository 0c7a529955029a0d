"""Shared by the tests of the metrics: what a test has measured of some images."""

import numpy as np
import pytest

from mmseg_cen.metrics import PerImage

CLASSES = ('wall', 'floor', 'chair', 'lamp')


@pytest.fixture
def measured():
    """Areas of images of 200 pixels, which are right with some probability."""

    def measured(right, seed, num_images=30, labels=None, outputs=('ensemble',)):
        draws = np.random.default_rng(seed)
        if labels is None:
            labels = np.random.default_rng(9).integers(0, 3, (num_images, 200))
        areas = {}
        for output in outputs:
            wrong = draws.integers(0, 3, labels.shape)
            chosen = draws.random(labels.shape) < right
            areas[output] = areas_of(np.where(chosen, labels, wrong), labels)
        names = tuple(f'{i:03d}' for i in range(len(labels)))
        shares = {'oracle': np.stack([labels[:, 0], labels[:, 0] + 5], axis=1)}
        return PerImage(names, CLASSES, areas, shares)

    return measured


def areas_of(predictions, labels):
    """Intersection, prediction and label of each class, pixel by pixel."""
    return np.array(
        [
            [
                [((p == k) & (t == k)).sum() for k in range(len(CLASSES))],
                [(p == k).sum() for k in range(len(CLASSES))],
                [(t == k).sum() for k in range(len(CLASSES))],
            ]
            for p, t in zip(predictions, labels, strict=True)
        ]
    )
