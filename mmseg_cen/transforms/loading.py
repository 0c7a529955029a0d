"""Load the modalities of a sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality, main_modality, modality_key

from .decoded_cache import open_cache
from .inspection import depth_factors, inspect_depth, inspect_directions
from .reading import Loaded, fit_sizes, load, stays_as_stored


def blank(modality: Modality, shape: tuple[int, int]) -> np.ndarray:
    """Make an array for a modality without a file: its ``pad_value``.

    It is uint8 or float32, as arrays of files are, see
    :func:`~mmseg_cen.transforms.reading.load`; float32 if files may be of any type.
    """
    image = np.empty((*shape, modality.channels), np.float32)
    image[:] = modality.pad_value
    stored = np.dtype(modality.dtype or np.float32)
    if stored == np.uint8 and stays_as_stored(modality):
        image = image.clip(0, 255).astype(np.uint8)
    return image[..., 0] if modality.channels == 1 else image


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
    - {name} (np.ndarray): every other modality, see
      :func:`~mmseg_cen.transforms.reading.load`
    - loaded (dict[str, Loaded]): the same arrays and the masks of their valid pixels,
      by name of the modality
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Args:
        backend_args: Arguments of the file backend, see :mod:`mmengine.fileio`.
        cache: Folder that keeps decoded files, or arguments of
            :class:`~mmseg_cen.transforms.decoded_cache.DecodedCache`; ``None``: each
            file is decoded each time.

    Raises:
        ValueError: If a file is not as its modality says, the modalities differ in size
            and have no ``resize``, or the cache cannot be used.
    """

    def __init__(
        self,
        backend_args: dict[str, Any] | None = None,
        cache: str | Mapping[str, Any] | None = None,
    ) -> None:
        self.backend_args = backend_args
        self.cache = open_cache(cache, backend_args)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the files of ``modality_paths``."""
        paths = results['modality_paths']
        modalities = results['modalities']
        loaded = {
            name: load(name, modality, paths[name], self.backend_args, self.cache)
            for name, modality in modalities.items()
            if name not in results.get('absent', ())
        }
        main = main_modality(list(modalities))
        loaded = fit_sizes(loaded, modalities, paths, main)
        return self.put(results, loaded)

    def put(self, results: dict[str, Any], loaded: dict[str, Loaded]) -> dict[str, Any]:
        """Put arrays of one size into a sample, and blank ones for absent modalities.

        Args:
            results: The sample, with ``modalities``; changed in place.
            loaded: By name of the modality.
        """
        modalities = results['modalities']
        shape = next(iter(loaded.values())).image.shape[:2]
        for name, modality in modalities.items():
            if name not in loaded:
                image = blank(modality, shape)
                loaded[name] = Loaded(image, np.zeros(shape, bool))
            results[modality_key(results, name)] = loaded[name].image
        results['loaded'] = loaded
        results['img_shape'] = results['ori_shape'] = shape
        return results

    def inspect(
        self, samples: Sequence[dict[str, Any]], pipeline: Sequence[Any]
    ) -> None:
        """Load some samples before a run begins, and warn of what they cannot mean.

        Args:
            samples: Some samples of a data set.
            pipeline: The transforms, among them encodings of depth.
        """
        for sample in samples:
            self.transform(dict(sample))
        inspect_depth(samples, depth_factors(pipeline), self.backend_args)
        inspect_directions(samples[0]['modalities'], pipeline)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(backend_args={self.backend_args}, '
            f'cache={self.cache})'
        )
