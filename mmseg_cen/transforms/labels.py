"""Labels: the integers that a file stores, then classes.

A label is the index of a class, so no value may be rounded, wrapped or rescaled on the
way: files are read as they are stored, checked, and only then cast.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine import fileio
from mmseg.datasets import transforms as mmseg_transforms
from numpy.typing import NDArray

from mmseg_cen.once import warn_once

from .decoded_cache import fetch, open_cache
from .decoded_entry import Decoded
from .decoding import orientation_of
from .label_files import decode_labels
from .moving import require_loaded
from .orientation import TURNS, UPRIGHT
from .replacing import replace_transform

IGNORED = 255  # the toolbox's word for pixels without a class


def to_classes(
    labels: NDArray[np.integer],
    path: str,
    num_classes: int | None = None,
    ignore_index: int = IGNORED,
    label_map: Mapping[int, int] | None = None,
    reduce_zero_label: bool = False,
) -> NDArray[np.integer]:
    """Turn stored labels (H, W) into classes 0..K-1 and ``ignore_index``.

    Args:
        labels: Stored integers, of any type.
        path: Name of the file, for error messages.
        num_classes: K; ``None``: any classes.
        ignore_index: Label of pixels without a class, in the file and in the result.
        label_map: Class, or ``ignore_index``, of each stored integer.
        reduce_zero_label: Whether classes count from 1 in the file, and 0 is ignored.

    Returns:
        uint8 if that holds all classes and ``ignore_index``, else int32.

    Raises:
        ValueError: If a label is neither a class nor ignored.
    """
    highest = max(num_classes or int(labels.max(initial=0)) + 1, ignore_index + 1)
    dtype = np.uint8 if highest <= 256 and ignore_index >= 0 else np.int32
    if not labels.dtype == dtype == np.uint8:
        labels = labels.astype(np.int64)  # until they are checked
    if reduce_zero_label:
        void = (labels == 0) | (labels == ignore_index)
        labels = np.where(void, labels.dtype.type(ignore_index), labels - 1)
    if label_map:
        labels = _mapped(labels, label_map, ignore_index, path)
    last = np.iinfo(dtype).max if num_classes is None else num_classes - 1
    wrong = (labels != ignore_index) & ((labels < 0) | (labels > last))
    if wrong.any():
        raise ValueError(
            f'labels must be 0..{last} or {ignore_index} (ignored), got '
            f'{_shown(labels[wrong])} in {path}: check `classes`, map other labels by '
            '`label_map`, name the label of void as `ignore_index`, or set '
            'reduce_zero_label=True if 0 stands for void'
        )
    return labels.astype(dtype)


def _mapped(
    labels: NDArray[np.integer],
    label_map: Mapping[int, int],
    ignore_index: int,
    path: str,
) -> NDArray[np.integer]:
    # What is ignored stays so, unless the map names it.
    pairs = {ignore_index: ignore_index, **label_map}
    stored = np.array(sorted(pairs))
    classes = np.array([pairs[label] for label in stored.tolist()])
    places = np.searchsorted(stored, labels).clip(max=len(stored) - 1)
    unknown = stored[places] != labels
    if unknown.any():
        raise ValueError(
            f'labels must be among {_shown(stored)}, which `label_map` maps, got '
            f'{_shown(labels[unknown])} in {path}: add them to `label_map`, as a class '
            f'or as {ignore_index} (ignored)'
        )
    return classes[places]


def _shown(labels: NDArray[np.integer], most: int = 8) -> str:
    """The distinct values, as text."""
    values = np.unique(labels).tolist()
    more = ', ...' if len(values) > most else ''
    return ', '.join(map(str, values[:most])) + more


@replace_transform
class LoadAnnotations(mmseg_transforms.LoadAnnotations):
    """Load the labels of a sample, as classes; other samples as the toolbox does.

    Labels are read as the integers that are stored, of 1 to 64 bits, and checked:
    a crop would hide that labels and modalities differ in size and are shifted against
    each other; and a label beyond the classes would be an index out of bounds in the
    loss.

    Required Keys:

    - seg_map_path (str): an image or ``.npy`` file
    - num_classes (int, optional), ignore_index (int), label_map (dict[int, int]),
      reduce_zero_label (bool): see :func:`to_classes`

    Added Keys:

    - gt_seg_map (np.ndarray): (H, W), uint8 or int32, see :func:`to_classes`

    Args: As the parent, and

        cache: As that of :class:`LoadModalities`.

    Raises:
        ValueError: If there are no labels, the file is no map of labels, labels and
            modalities differ in size, a label is neither a class nor ignored, or the
            cache cannot be used.
    """

    def __init__(
        self,
        *args: Any,
        cache: str | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.cache = open_cache(cache, self.backend_args)

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        if 'modalities' not in results:
            super()._load_seg_map(results)
            return
        require_loaded(results)
        labels = self.read(results)
        if labels.shape != results['ori_shape']:
            raise ValueError(
                'labels and modalities must have one size, got labels '
                f'{labels.shape} ({results["seg_map_path"]}) and modalities '
                f'{results["ori_shape"]} ({results["img_path"]}): resize the files'
            )
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')

    def read(self, results: Mapping[str, Any]) -> NDArray[np.integer]:
        """Read the labels of a sample of a multimodal data set, as classes."""
        path = results.get('seg_map_path')
        if path is None:
            raise ValueError(
                f'a sample must have a label file, got none for {results["img_path"]}: '
                'add the column of labels to the list, name their folder as '
                "data_prefix=dict(seg_map_path='...'), or leave out LoadAnnotations"
            )
        reduces = results.get('reduce_zero_label', False)
        if self.reduce_zero_label not in (None, reduces):
            raise ValueError(
                '`reduce_zero_label` of LoadAnnotations must be that of the data set, '
                f'{reduces}, got {self.reduce_zero_label}: say it of the data set only'
            )

        def decoded() -> Decoded:
            content = fileio.get(path, backend_args=self.backend_args)
            labels = decode_labels(content, path, self.imdecode_backend)
            suffix = os.path.splitext(path)[1].lower()
            return Decoded(labels, orientation_of(content, suffix))

        options = ('labels', self.imdecode_backend)
        labels, orientation = fetch(self.cache, path, options, decoded)
        if orientation != UPRIGHT:
            warn_once(
                'orientation of labels',
                f'{path} has an orientation tag (EXIF), by which viewers show it '
                f'{TURNS[orientation]}. Labels are read as they are stored: store them '
                'as the images are read, without a tag',
            )
        return to_classes(
            labels,
            path,
            results.get('num_classes'),
            results.get('ignore_index', IGNORED),
            results.get('label_map'),
            reduces,
        )
