"""A transform that renders rooms instead of loading files."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key
from mmseg_cen.rooms import furnish, render, sense_depth

from .depth import fill_invalid, valid_pixels


@TRANSFORMS.register_module()
class LoadSyntheticRoom(BaseTransform):
    """Render a sample of :class:`mmseg_cen.datasets.SyntheticRGBDDataset`.

    Takes the place of :class:`LoadModalities` and of ``LoadAnnotations``.

    Required Keys:

    - room (tuple[int, int]): seed and index
    - image_size (tuple[int, int]): height and width
    - modalities (dict[str, Modality])
    - label_map (dict[int, int], optional)

    Added Keys:

    - img (np.ndarray): 'rgb', (H, W, 3), uint8, BGR; without 'rgb' the depth
    - depth (np.ndarray): (H, W), float32, meters; 0 where invalid, unless the modality
      has a ``fill``
    - gt_seg_map (np.ndarray): (H, W), uint8, int32 with a ``label_map``
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Modified Keys:

    - seg_fields

    Args:
        noise: Factor on the noise of the depth, see
            :func:`mmseg_cen.rooms.sense_depth`.
        hole_rate: Probability that the depth of a pixel is invalid.
        solid: Whether every thing is solid, so that its material alone tells its class.
            Otherwise half of the things are painted on what is behind them.
        cache: Whether to keep rendered rooms, 8 bytes a pixel, for the next epoch.
        images: Whether to load the modalities.
        labels: Whether to load the labels. Test-time augmentation resizes the images
            alone, and loads the labels afterwards.

    Raises:
        ValueError: If ``noise`` or ``hole_rate`` is out of its range.
    """

    def __init__(
        self,
        noise: float = 1.0,
        hole_rate: float = 0.0,
        solid: bool = False,
        cache: bool = True,
        images: bool = True,
        labels: bool = True,
    ) -> None:
        if noise < 0 or not 0 <= hole_rate <= 1:
            raise ValueError(
                '`noise` must be at least 0 and `hole_rate` in [0, 1], got '
                f'{noise} and {hole_rate}: correct them'
            )
        self.noise = noise
        self.hole_rate = hole_rate
        self.solid = solid
        self.cache = cache
        self.images = images
        self.labels = labels
        self._rooms: dict[tuple[int, ...], tuple[np.ndarray, ...]] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Render one room."""
        key = (*results['room'], *results['image_size'])
        room = self._rooms.get(key) or self._render(*key)
        if self.cache:
            self._rooms[key] = room
        # Copies, because transforms may write into arrays.
        rgb, depth, label = (array.copy() for array in room)
        if self.images:
            self._set_images(results, rgb=rgb[..., ::-1], depth=depth)
        if self.labels:
            if results.get('label_map'):
                label = np.vectorize(results['label_map'].get, otypes=[np.int32])(label)
            results['gt_seg_map'] = label
            results['seg_fields'].append('gt_seg_map')
        return results

    def _set_images(self, results: dict[str, Any], **images: np.ndarray) -> None:
        for name, modality in results['modalities'].items():
            image = np.ascontiguousarray(images[name])
            if modality.fill is not None:
                image = fill_invalid(image, valid_pixels(image), modality.fill)
            results[modality_key(results, name)] = image
        results['img_shape'] = results['ori_shape'] = images['depth'].shape

    def _render(
        self, seed: int, index: int, height: int, width: int
    ) -> tuple[np.ndarray, ...]:
        scene = furnish(np.random.default_rng([seed, index]), solid=self.solid)
        rgb, depth, label = render(scene, height, width)
        sensor = np.random.default_rng([seed, index, 1])
        return rgb, sense_depth(depth, sensor, self.noise, self.hole_rate), label

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(noise={self.noise}, hole_rate={self.hole_rate}, '
            f'solid={self.solid}, cache={self.cache}, images={self.images}, '
            f'labels={self.labels})'
        )
