"""Load the modalities of a sample."""

import io
import warnings
import zipfile
from collections.abc import Collection, Mapping
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality, modality_key

from .depth import fill_invalid, valid_pixels

# Orientation tags are ignored, as for the labels, lest they turn one modality only.
COLOR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


def decode(
    content: bytes, suffix: str, color: bool = False, key: str | None = None
) -> np.ndarray:
    """Decode an image, ``.npy`` or ``.npz`` file to an array (H, W) or (H, W, C).

    Args:
        content: The file.
        suffix: End of its name in lower case; all but ``.npy`` and ``.npz`` are images.
        color: Whether to decode images to three channels, BGR, instead of their own.
        key: Name of the array in a ``.npz`` file that holds several.

    Raises:
        ValueError: If the file cannot be decoded; says why.
    """
    if suffix not in {'.npy', '.npz'}:
        try:
            image = cv2.imdecode(
                np.frombuffer(content, np.uint8),
                COLOR if color else cv2.IMREAD_UNCHANGED,
            )
        except cv2.error:  # an empty file
            image = None
        if image is None:
            raise ValueError(
                'the file must be an image, got none or a damaged one: replace it'
            )
        return image
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if suffix == '.npy':
            return loaded
        names = list(loaded.files)
        if key is None and len(names) == 1:
            key = names[0]
        if key not in names:
            raise ValueError(
                f'`key` must be one of the arrays {names}, got {key!r}: choose one'
            )
        return loaded[key]
    except (EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'the file must hold an array, got a damaged one: replace it ({error})'
        ) from error


def read_modality(
    name: str,
    modality: Modality,
    path: str,
    channels: Collection[int],
    backend_args: dict | None = None,
) -> np.ndarray:
    """Read the stored values of one modality.

    Args:
        name: Name of the modality; images of 'rgb' are decoded to BGR.
        modality: Describes the file.
        path: Path of the file.
        channels: Allowed numbers of channels of the file.
        backend_args: Arguments of the file backend.

    Returns:
        Array (H, W) of one channel, else (H, W, C).

    Raises:
        ValueError: If the file is not as ``modality`` says.
    """
    what = f'{name}: {path}'
    content = fileio.get(path, backend_args=backend_args)
    suffix = '.' + path.rpartition('.')[2].lower()
    try:
        image = decode(content, suffix, color=name == 'rgb', key=modality.key)
    except ValueError as error:
        raise ValueError(f'{what}: {error}') from error
    if modality.dtype is not None and image.dtype != modality.dtype:
        raise ValueError(
            f'{what} must hold {modality.dtype}, got {image.dtype}: convert the file '
            'or change `dtype` of the modality'
        )
    found = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in {2, 3} or found not in channels:
        raise ValueError(
            f'{what} must have {modality.channels} channel(s), got an array of shape '
            f'{image.shape}: convert the file or change `channels` of the modality'
        )
    return image.reshape(image.shape[:2]) if found == 1 else image


def load_modality(
    name: str, modality: Modality, path: str, backend_args: dict | None = None
) -> np.ndarray:
    """Load the array of one modality.

    Args:
        name: Name of the modality; images of 'rgb' are decoded to BGR.
        modality: Describes the file.
        path: Path of the file.
        backend_args: Arguments of the file backend.

    Returns:
        Array (H, W) of one channel, else (H, W, C): uint8 in [0, 255] if the file holds
        uint8 and the modality has neither ``scale`` nor ``fill``, else float32 in
        physical units.

    Raises:
        ValueError: If the file is not as ``modality`` says.
    """
    what = f'{name}: {path}'
    image = read_modality(name, modality, path, {modality.channels}, backend_args)
    if image.dtype != np.uint8 or modality.scale or modality.fill is not None:
        image = image.astype(np.float32) * np.float32(modality.scale or 1)
    if modality.fill is not None:
        valid = valid_pixels(image)
        if not valid.any():
            warnings.warn(f'{what} has no valid pixel: 0 everywhere', stacklevel=2)
        image = fill_invalid(image, valid, modality.fill)
    elif not np.isfinite(image).all():
        raise ValueError(
            f'{what} must be finite, got NaN or infinite values: set `fill` of the '
            "modality, e.g. to 'nearest'"
        )
    return image


def blank(modality: Modality, shape: tuple[int, int]) -> np.ndarray:
    """Make an array for a modality without a file: its ``pad_value``, float32."""
    image = np.empty((*shape, modality.channels), np.float32)
    image[:] = modality.pad_value
    return image[..., 0] if modality.channels == 1 else image


def check_sizes(images: Mapping[str, np.ndarray], paths: Mapping[str, str]) -> None:
    """Raise a ValueError unless the images of a sample have one size."""
    first, *others = images
    shape = images[first].shape[:2]
    for name in others:
        if images[name].shape[:2] != shape:
            raise ValueError(
                'the modalities of a sample must have one size, got '
                f'{first} {shape} ({paths[first]}) and '
                f'{name} {images[name].shape[:2]} ({paths[name]}): '
                'register and resize the files'
            )


@TRANSFORMS.register_module()
class LoadModalities(BaseTransform):
    """Load all modalities of a sample, each into its own array.

    Required Keys:

    - modalities (dict[str, Modality])
    - modality_paths (dict[str, str])
    - absent (tuple[str, ...], optional): names of modalities without a file; their
      arrays are ``pad_value`` everywhere

    Added Keys:

    - img (np.ndarray): 'rgb', (H, W, 3), uint8, BGR; without 'rgb' the first modality
    - {name} (np.ndarray): every other modality, see :func:`load_modality`
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Args:
        backend_args: Arguments of the file backend, see :mod:`mmengine.fileio`.

    Raises:
        ValueError: If a file is not as its modality says, or the modalities differ in
            size.
    """

    def __init__(self, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the files of ``modality_paths``."""
        paths = results['modality_paths']
        images = {
            name: load_modality(name, modality, paths[name], self.backend_args)
            for name, modality in results['modalities'].items()
            if name not in results.get('absent', ())
        }
        check_sizes(images, paths)
        shape = next(iter(images.values())).shape[:2]
        for name, modality in results['modalities'].items():
            image = images[name] if name in images else blank(modality, shape)
            results[modality_key(results, name)] = image
        results['img_shape'] = results['ori_shape'] = shape
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'
