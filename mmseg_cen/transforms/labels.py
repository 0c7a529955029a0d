"""Labels: the integers that a file stores, then classes.

A label is the index of a class, so no value may be rounded, wrapped or rescaled on the
way: files are read as they are stored, checked, and only then cast.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets import transforms as mmseg_transforms
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .moving import require_loaded
from .replacing import replace_transform

IGNORED = 255  # the toolbox's word for pixels without a class

# Formats, and compressions within TIFF, that may store other values than were given.
LOSSY = {'JPEG', 'MPO', 'JPEG2000', 'WEBP', 'AVIF', 'jpeg', 'tiff_jpeg', 'webp'}

# Highest value of gray images of fewer bits, which PIL stretches to 0..255.
HIGHEST = {'L;2': 3, 'L;4': 15}

SAMPLE_FORMAT, SIGNED = 339, 2  # of a TIFF file


def decode_labels(
    content: bytes, path: str, backend: str = 'pillow'
) -> NDArray[np.integer]:
    """The integers (H, W) that a label file stores, of the type of the file.

    An image with a palette stores the indices of its colors.

    Args:
        content: The file: an image or ``.npy``.
        path: Its name, for the format and for error messages.
        backend: Decoder of images, see :func:`mmcv.imfrombytes`.

    Raises:
        ValueError: If the file is damaged, of a lossy format, or holds several pages,
            several channels or values that are no integers.
    """
    if path.lower().endswith('.npy'):
        with damage_named(content, path):
            labels = np.load(io.BytesIO(content), allow_pickle=False)
    elif backend == 'pillow':
        labels = _decode_image(content, path)
    else:
        with damage_named(content, path):
            labels = mmcv.imfrombytes(content, flag='unchanged', backend=backend)
            if labels is None:  # so says OpenCV
                raise ValueError('it cannot be decoded')
    if labels.ndim == 3 and 1 in {labels.shape[0], labels.shape[2]}:
        labels = labels.squeeze(2 if labels.shape[2] == 1 else 0)
    if labels.ndim != 2:
        raise ValueError(_several_channels(labels.shape[-1], path))
    if labels.dtype.kind not in 'bui':
        raise ValueError(
            f'labels must be integers, got {labels.dtype} in {path}: store the index '
            'of the class of each pixel'
        )
    return labels.astype(np.uint8) if labels.dtype == bool else labels


@contextmanager
def damage_named(content: bytes, path: str) -> Iterator[None]:
    """Name the file in the error of its decoder, whatever that is."""
    try:
        yield
    except Exception as error:  # damaged bytes lead to many
        what = f'a damaged one ({error})'
        if isinstance(error, UnidentifiedImageError):  # it names an address in memory
            what = 'one of an unknown format'
        raise ValueError(
            f'labels must be a complete file, got {what if content else "an empty one"}'
            f', {path}: replace it'
        ) from error


def _several_channels(number: int, path: str) -> str:
    return (
        f'labels must have one channel, the index of the class of each pixel, got '
        f'{number} channels in {path}: store one of them if all are alike, or convert '
        'colors to indices'
    )


def _decode_image(content: bytes, path: str) -> NDArray[Any]:
    with damage_named(content, path):
        image: Any = Image.open(io.BytesIO(content))
        if image.format == 'PNG':
            image.verify()  # the check sums, which decoding skips
            image = Image.open(io.BytesIO(content))
        pages = getattr(image, 'n_frames', 1)
    if lossy := {image.format, image.info.get('compression')} & LOSSY:
        raise ValueError(
            f'labels must be stored without loss, got {lossy.pop()} in {path}, which '
            'changes values: convert the original labels to PNG'
        )
    if pages > 1:
        raise ValueError(
            f'labels must be one image, got {pages} pages in {path}: store one'
        )
    if (number := len(image.getbands())) > 1:
        raise ValueError(_several_channels(number, path))
    highest = _highest_gray(image)
    with damage_named(content, path):
        image.load()  # NumPy would hide that a file is truncated
        labels = np.asarray(image)
    if image.format == 'TIFF':
        # PIL takes 8 bits for unsigned, and 32 bits for signed.
        signed = SIGNED in image.tag_v2.get(SAMPLE_FORMAT, (1,))
        types = {('L', True): np.int8, ('I', False): np.uint32}
        labels = labels.view(types.get((image.mode, signed), labels.dtype))
    if highest is not None:
        top = 255 if labels.dtype == np.uint8 else 65535
        labels = np.rint(labels * (highest / top)).astype(labels.dtype)
    return labels


def _highest_gray(image: Any) -> int | None:
    """The stored value that PIL stretches to white; None if it stretches nothing."""
    how = image.tile[0][3] or '' if image.tile else ''
    raw, *more = (how,) if isinstance(how, str) else how
    return more[0] if image.format == 'PPM' and more else HIGHEST.get(raw)


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

    Args: As the parent.

    Raises:
        ValueError: If there are no labels, the file is no map of labels, labels and
            modalities differ in size, or a label is neither a class nor ignored.
    """

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
                f'`reduce_zero_label` must be that of the data set, {reduces}, got '
                f'{self.reduce_zero_label}: leave it out of LoadAnnotations'
            )
        content = fileio.get(path, backend_args=self.backend_args)
        return to_classes(
            decode_labels(content, path, self.imdecode_backend),
            path,
            results.get('num_classes'),
            results.get('ignore_index', IGNORED),
            results.get('label_map'),
            reduces,
        )
