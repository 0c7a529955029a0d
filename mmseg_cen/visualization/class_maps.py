"""Predicted classes as PNG files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_cen.disk import write_picture


def write_classes(path: Path, sample: Mapping[str, Any], num_classes: int) -> None:
    """Write the predicted classes of a sample as integers of 8 bits, or of 16.

    As in the toolbox, classes count from 1 for data sets with ``reduce_zero_label``,
    whose label files count from 1.

    Args:
        path: The file, ending with ``.png``.
        sample: With ``pred_sem_seg``, (1, H, W), as a dict.
        num_classes: Of all samples; more than 255 need 16 bits.

    Raises:
        OSError: If the file cannot be written.
    """
    first = int(bool(sample.get('reduce_zero_label', False)))
    labels = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy().astype(np.int64)
    dtype = np.uint8 if num_classes + first <= 256 else np.uint16
    write_picture(path, (labels + first).astype(dtype))
