"""Names of samples, where names of files do not tell them apart."""

import os
from collections.abc import Sequence
from typing import Any


def name_draws(samples: Sequence[dict[str, Any]], data_root: str | None) -> None:
    """Name samples for random draws, where images in several folders have one name.

    Draws are seeded by the name of an image, so that data may be moved. Of images such
    as ``scene_1/rgb.png`` and ``scene_2/rgb.png``, ``drawn_as`` of each sample is the
    path below the data set, as one name.

    Args:
        samples: All samples of a data set, with ``img_path``; changed in place.
        data_root: Folder of the data set.
    """
    paths = {sample['img_path'] for sample in samples}
    if len({os.path.basename(path) for path in paths}) == len(paths):
        return
    for sample in samples:
        path = os.path.relpath(sample['img_path'], data_root or None)
        sample['drawn_as'] = path.replace(os.sep, '|')
