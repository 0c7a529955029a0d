"""The targets of a sample beside its labels: depth and normals.

A target is moved as the modalities are: ``targets`` of a sample, like ``modalities``,
says how. Pixels without a target are 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality, modality_key
from mmseg_cen.rooms import furnish, render_view
from mmseg_cen.transforms.surface import Camera, build_camera, surface_normals

DEPTH = 'gt_depth_map'
NORMALS = 'gt_normals'


@dataclass(frozen=True)
class Directions(Modality):
    """A modality of vectors: x to the right of the image, y up, z toward the camera.

    They turn with the image: a horizontal flip changes the sign of x.
    """

    channels: int = 3

    def reorient(self, image: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Turn vectors as the image has been turned: the y of an image points down."""
        upwards = np.diag([1.0, -1.0])
        matrix = np.eye(3)
        matrix[:2, :2] = upwards @ turn @ upwards
        return (image @ matrix.T).astype(image.dtype)


#: How the targets are moved: by the nearest pixel, which invents no value at the edges
#: of objects, and invalid outside of the image.
TARGETS: dict[str, Modality] = {DEPTH: Modality(), NORMALS: Directions()}


def set_targets(
    results: dict[str, Any], depth: np.ndarray, normals: np.ndarray
) -> None:
    """Put targets into a sample.

    Args:
        results: The sample, changed in place.
        depth: (H, W), meters; 0 where it is not known.
        normals: Unit vectors (H, W, 3); 0 where they are not known.
    """
    results[DEPTH] = np.ascontiguousarray(depth, np.float32)
    results[NORMALS] = np.ascontiguousarray(normals, np.float32)
    results['targets'] = dict(TARGETS)


@TRANSFORMS.register_module()
class LoadRoomTargets(BaseTransform):
    """Render the exact depth and normals of a room.

    Stands behind :class:`~mmseg_cen.transforms.LoadSyntheticRoom`.

    Required Keys:

    - room (tuple[int, int]): seed and index
    - image_size (tuple[int, int]): height and width

    Added Keys:

    - gt_depth_map (np.ndarray): (H, W), float32, meters, without the noise of a sensor
    - gt_normals (np.ndarray): (H, W, 3), float32
    - targets (dict[str, Modality])

    Args:
        solid: As of :class:`~mmseg_cen.transforms.LoadSyntheticRoom`.
        cache: Whether to keep rendered targets, 16 bytes a pixel, for the next epoch.
    """

    def __init__(self, solid: bool = False, cache: bool = True) -> None:
        self.solid = solid
        self.cache = cache
        self._rooms: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Render the targets of one room."""
        if 'room' not in results:
            raise ValueError(
                f'samples must be rooms for LoadRoomTargets, got '
                f'{results.get("img_path")}: take a SyntheticRGBDDataset, or '
                f'DeriveTargets for measured depth'
            )
        key = (*results['room'], *results['image_size'])
        targets = self._rooms.get(key) or self._render(*key)
        if self.cache:
            self._rooms[key] = targets
        # Copies, because transforms may write into arrays.
        set_targets(results, *(array.copy() for array in targets))
        return results

    def _render(
        self, seed: int, index: int, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        scene = furnish(np.random.default_rng([seed, index]), solid=self.solid)
        view = render_view(scene, height, width)
        return view.depth, view.normal

    def __repr__(self) -> str:
        return f'{type(self).__name__}(solid={self.solid}, cache={self.cache})'


@TRANSFORMS.register_module()
class DeriveTargets(BaseTransform):
    """Targets from measured depth: the depth itself, and the normals of its surface.

    Stands behind :class:`~mmseg_cen.transforms.LoadModalities`, before anything is
    moved. Pixels that the sensor has not measured have no target, whatever ``fill`` of
    the modality says. Normals are those of
    :func:`~mmseg_cen.transforms.surface.surface_normals`: estimates, which lie between
    those of both sides where the window looks across an edge.

    Required Keys:

    - modalities (dict[str, Modality])
    - loaded (dict[str, Loaded])

    Added Keys:

    - gt_depth_map (np.ndarray): (H, W), float32, meters
    - gt_normals (np.ndarray): (H, W, 3), float32
    - targets (dict[str, Modality])

    Modified Keys:

    - modalities, absent: without the depth, unless ``keep``

    Args:
        camera: ``'nyudv2'``, or options of
            :class:`~mmseg_cen.transforms.surface.Camera`; it is resized to the depth.
        depth: Name of the modality of depth.
        keep: Whether the depth stays an input of the network, too.
        radius: Of the windows of the normals, pixels.

    Raises:
        ValueError: If the camera or the radius is wrong, or a sample has no measured
            depth of this name.
    """

    def __init__(
        self,
        camera: str | Mapping[str, Any] | Camera = 'nyudv2',
        depth: str = 'depth',
        keep: bool = False,
        radius: int = 3,
    ) -> None:
        self.camera = build_camera(camera)
        self.depth = depth
        self.keep = keep
        if radius < 1:
            raise ValueError(f'`radius` must be positive, got {radius}: raise it')
        self.radius = radius

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Derive the targets of one sample."""
        name, modalities = self.depth, results.get('modalities', {})
        if name not in results.get('loaded', {}) or name in results.get('absent', ()):
            raise ValueError(
                f'samples must have the modality {name!r} for DeriveTargets, got '
                f'{list(modalities)} of {results.get("img_path")}: add it to '
                f'`modalities` of the data set, behind LoadModalities'
            )
        if list(modalities) == [name] and not self.keep:
            raise ValueError(
                f'samples must have an input beside the target {name!r}, got it alone '
                f'of {results.get("img_path")}: add a modality, or set keep=True'
            )
        image, valid, *_ = results['loaded'][name]
        depth = np.where(valid & (image > 0), image, 0)
        camera = self.camera.resized(*depth.shape)
        normals = surface_normals(depth, camera, self.radius, depth > 0)
        # From y down and z forwards to y up and z toward the camera.
        normals = normals * [1, -1, -1] * (depth > 0)[..., None]
        if not self.keep:
            del results[modality_key(results, name)]
            results['modalities'] = {k: m for k, m in modalities.items() if k != name}
        set_targets(results, depth, normals)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(camera={self.camera}, depth={self.depth!r}, '
            f'keep={self.keep}, radius={self.radius})'
        )


@TRANSFORMS.register_module()
class ZoomTargets(BaseTransform):
    r"""Take an enlarged image as one taken from nearer, not by a longer lens.

    Stands behind ``RandomResize``. The network does not know the focal length: a scene
    that is enlarged by s looks like one that is s times nearer. Depth is divided by s,
    and normals become those of the surface that is compressed along the view,
    :math:`(n_x, n_y, s n_z)` of length 1 ("Predicting Depth, Surface Normals and
    Semantic Labels with a Common Multi-Scale Convolutional Architecture", Eigen and
    Fergus, ICCV 2015, Sec. 4.2). Without this transform, targets keep their values, and
    scales differ by the lens.

    Required Keys:

    - scale_factor (tuple[float, float]), of width and height
    - gt_depth_map, gt_normals

    Modified Keys:

    - gt_depth_map, gt_normals
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the targets of one sample."""
        if 'scale_factor' not in results or DEPTH not in results:
            raise ValueError(
                f'samples must be resized and have targets for ZoomTargets, got '
                f'{sorted(results)}: put it behind RandomResize and DeriveTargets'
            )
        width, height = results['scale_factor']
        zoom = np.float32((width * height) ** 0.5)
        normals = results[NORMALS] * np.array([1, 1, zoom], np.float32)
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        results[DEPTH] = results[DEPTH] / zoom
        results[NORMALS] = normals / np.where(length > 0, length, 1)
        return results
