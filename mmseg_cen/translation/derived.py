"""Domains that are derived from others: normals, shade, edges and texture."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from numpy.typing import NDArray

from mmseg_cen.modality import modality_key
from mmseg_cen.once import warn_once
from mmseg_cen.transforms.surface import Camera, build_camera

from .depth_maps import (
    Image,
    depth_edges,
    normals_from_depth,
    shade_normals,
    smooth_depth,
)

#: The domain that each derived domain is computed from.
RECIPES = {'normal': 'depth', 'shade': 'depth', 'edge': 'depth', 'texture': 'rgb'}

#: Options of each derived domain, see :class:`~mmseg_cen.translation.Domain`.
DERIVED: dict[str, dict[str, Any]] = dict(
    normal=dict(channels=3, vectors=True, interpolation='bilinear'),
    shade=dict(range=(0.0, 1.0), interpolation='bilinear'),
    edge=dict(range=(0.0, 0.25), interpolation='bilinear'),
    texture=dict(range=(0.0, 0.25), interpolation='bilinear'),
)

#: Options of their files, as tools/dataset_converters/derive_domains.py writes them.
DERIVED_FILES: dict[str, dict[str, Any]] = dict(
    normal=DERIVED['normal'] | dict(dtype='uint8', scale=2 / 255, offset=-1.0),
    shade=DERIVED['shade'] | dict(dtype='uint8', scale=1 / 255),
    edge=DERIVED['edge'] | dict(dtype='uint16', scale=1 / 65535),
    texture=DERIVED['texture'] | dict(dtype='uint16', scale=1 / 65535),
)


def texture_edges(rgb: NDArray[Any], width: float = 1.0) -> Image:
    """Soft edges of an image: the gradient of its blurred colors, by Sobel's operator.

    Like the edges of Taskonomy, the first half of Canny's detector (PAMI 1986): neither
    thinning nor thresholds. Of several colors, the largest gradient counts.

    Args:
        rgb: (H, W, 3) or (H, W), uint8, in any order of the channels.
        width: Standard deviation of the blur, pixels.

    Returns:
        (H, W), change per pixel in units of the full brightness.
    """
    image = np.atleast_3d(rgb).astype(np.float32) / 255
    if width > 0:
        image = np.atleast_3d(cv2.GaussianBlur(image, (0, 0), width))
    across, up = (
        np.atleast_3d(cv2.Sobel(image, cv2.CV_32F, *order, ksize=3, scale=1 / 8))
        for order in ((1, 0), (0, 1))
    )
    return np.hypot(across, up).max(axis=-1)


@dataclass(frozen=True)
class Derivation:
    """Computes domains from a depth map or an image, with these settings.

    Args:
        camera: Camera of the images, in any size; needed for 'normal' and 'shade'.
        smoothing: Width of :func:`smooth_depth`, pixels; 0 leaves the depth as it is.
        step: Step of :func:`smooth_depth`, 1/meters.
        reach: See :func:`normals_from_depth`.
        tolerance: See :func:`normals_from_depth`.
        light: See :func:`shade_normals`.
        blur: Width of the blur in :func:`texture_edges`, pixels.

    Raises:
        ValueError: If a width is negative, or ``reach`` or a tolerance not positive.
    """

    camera: Camera | None = None
    smoothing: float = 0.0
    step: float = 0.02
    reach: int = 1
    tolerance: float = 2e-3
    light: Sequence[float] | None = None
    blur: float = 1.0

    def __post_init__(self) -> None:
        if min(self.smoothing, self.blur) < 0 or min(self.step, self.tolerance) <= 0:
            raise ValueError(
                '`smoothing` and `blur` must not be negative, `step` and `tolerance` '
                f'must be positive, got {self}: choose others'
            )
        if not isinstance(self.reach, int) or self.reach < 1:
            raise ValueError(
                f'`reach` must be a positive integer, got {self.reach!r}: take 1 or '
                'more pixels'
            )

    def __call__(
        self,
        names: Collection[str],
        rgb: NDArray[Any] | None = None,
        depth: Image | None = None,
    ) -> dict[str, Image]:
        """Compute the domains ``names``, keys of :data:`RECIPES`.

        Args:
            names: Domains to compute.
            rgb: (H, W, 3), uint8.
            depth: (H, W), meters; needs to be positive and finite.

        Raises:
            ValueError: If a name is unknown, or the camera or an image that a domain
                needs is missing, or the image has another type, or the depth holes.
        """
        if unknown := sorted(set(names) - set(RECIPES)):
            raise ValueError(
                f'derived domains must be some of {sorted(RECIPES)}, got {unknown}: '
                'leave them out'
            )
        derived: dict[str, Image] = {}
        if 'texture' in names:
            if rgb is None:
                raise ValueError(
                    "`rgb` must be given to derive 'texture', got None: add 'rgb' to "
                    'the domains'
                )
            if rgb.dtype != np.uint8:
                raise ValueError(
                    f"`rgb` must be uint8 to derive 'texture', got {rgb.dtype}: store "
                    'the images so'
                )
            derived['texture'] = texture_edges(rgb, self.blur)
        if not set(names) - {'texture'}:
            return derived
        if depth is None:
            raise ValueError(
                f'`depth` must be given to derive {sorted(set(names) - {"texture"})}, '
                "got None: add 'depth' to the domains"
            )
        if wrong := int((~(np.isfinite(depth) & (depth > 0))).sum()):
            raise ValueError(
                f'depth must be positive and finite, got {wrong} of {depth.size} '
                'pixels that are not: fill the invalid pixels, which `nodata` of the '
                'domain names, or leave out a sample without any valid one'
            )
        if self.smoothing > 0:
            depth = smooth_depth(depth, self.smoothing, self.step)
        if 'edge' in names:
            derived['edge'] = depth_edges(depth)
        if {'normal', 'shade'} & set(names):
            if self.camera is None:
                raise ValueError(
                    "`camera` must be given to derive 'normal' and 'shade', got None: "
                    'set the camera of the images'
                )
            warn_of_ratio(self.camera, *depth.shape)
            camera = self.camera.resized(*depth.shape)
            normals = normals_from_depth(depth, camera, self.reach, self.tolerance)
            if 'normal' in names:
                derived['normal'] = normals
            if 'shade' in names:
                derived['shade'] = shade_normals(normals, camera, self.light)
        return derived


def warn_of_ratio(camera: Camera, height: int, width: int) -> None:
    """Warn of an image that is no resized one of the camera, as it may be cropped."""
    difference = abs(height * camera.width - width * camera.height)
    if difference > max(camera.width, camera.height):  # a row or column by rounding
        warn_once(
            'ratio of the camera',
            f'depth of {width}x{height} pixels is taken for the whole image of a '
            f'camera of {camera.width}x{camera.height}, stretched: if it was cropped, '
            'give the camera of the cropped image, or normals and shade are wrong',
        )


@TRANSFORMS.register_module()
class DeriveDomains(BaseTransform):
    """Compute the domains that have ``derive``, right after the others are loaded.

    Required Keys:

    - modalities (dict[str, Domain])
    - helpers (dict[str, np.ndarray]): 'depth' in meters and 'rgb', as they are needed

    Added Keys:

    - {name} (np.ndarray): every domain with ``derive``, float32

    Args:
        camera: The camera of the depth maps: 'nyudv2', or a dict with the options of
            :class:`~mmseg_cen.transforms.surface.Camera`, for images of any size.
        **kwargs: Options of :class:`Derivation`.

    Raises:
        ValueError: If the camera is unknown or an option is out of its range.
    """

    def __init__(
        self, camera: str | Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        self.derivation = Derivation(
            camera=None if camera is None else build_camera(camera), **kwargs
        )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Derive the domains that have no files."""
        wanted = {
            name: domain.derive
            for name, domain in results['modalities'].items()
            if domain.derive
        }
        helpers = results['helpers']
        try:
            images = self.derivation(
                set(wanted.values()), rgb=helpers.get('rgb'), depth=helpers.get('depth')
            )
        except ValueError as error:
            paths = results.get('modality_paths', {})
            path = paths.get('depth', results.get('img_path'))
            raise ValueError(f'{path}: {error}') from error
        for name, derive in wanted.items():
            results[modality_key(results, name)] = images[derive]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.derivation})'
