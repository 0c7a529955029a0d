"""Image translation without files: rendered rooms, exact in every domain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_cen.rooms import (
    FOCAL_LENGTH,
    HORIZON,
    furnish,
    render_view,
    sense_depth,
)
from mmseg_cen.transforms.surface import Camera

from .dataset import TranslationDataset
from .depth_maps import depth_edges, shade_normals
from .derived import DERIVED, texture_edges
from .loading import set_domains

DOMAINS: dict[str, dict[str, Any]] = dict(
    rgb={},
    albedo=dict(channels=3, range=(0.0, 1.0), interpolation='bilinear'),
    depth=dict(range=(1.0, 6.0)),
    **DERIVED,
)


@DATASETS.register_module()
class SyntheticTranslationDataset(TranslationDataset):
    """Rooms with things and pictures of things, drawn at random and ray cast.

    The rooms are those of :class:`mmseg_cen.datasets.SyntheticRGBDDataset`; each domain
    shows a part of them:

    =======  ===========================================================================
    domain   what it shows
    =======  ===========================================================================
    rgb      the image, with painted things as if they were solid
    albedo   colors of the image without light and shadow
    texture  soft edges of the image: patterns and outlines, painted ones too; neither
             colors nor depth
    depth    z-depth of the solid surfaces, meters
    normal   normals of these surfaces: x to the right, y up, z toward the camera
    shade    their brightness under a lamp at the camera, without color
    edge     their relative steps of depth
    =======  ===========================================================================

    A sample depends on ``seed`` and its index alone. Load it with
    :class:`LoadSyntheticDomains`.

    Args:
        sources: Names of the sources, in the order of the streams.
        target: Name of the target.
        num_samples: Number of rooms.
        image_size: Height and width, pixels.
        seed: Data sets with different seeds have no room in common.
        domains: Options of some domains that replace the defaults, such as ``range``.
        **kwargs: Passed to :class:`mmengine.dataset.BaseDataset`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        sources: Sequence[str],
        target: str,
        num_samples: int = 1000,
        image_size: tuple[int, int] = (128, 128),
        seed: int = 0,
        domains: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        if num_samples < 1 or seed < 0:
            raise ValueError(
                '`num_samples` must be at least 1 and `seed` at least 0, got '
                f'{num_samples} and {seed}: give larger numbers'
            )
        if len(image_size) != 2 or min(image_size) < 2:
            raise ValueError(
                '`image_size` must be (height, width), at least 2 each, got '
                f'{image_size}: give two such numbers'
            )
        if unknown := sorted(set(domains or {}) - set(DOMAINS)):
            raise ValueError(
                f'`domains` must be some of {sorted(DOMAINS)}, got {unknown}: remove '
                'them'
            )
        self.num_samples = num_samples
        self.image_size = tuple(image_size)
        self.seed = seed
        own = domains or {}
        merged = {name: DOMAINS[name] | dict(own.get(name, {})) for name in DOMAINS}
        super().__init__(merged, sources, target, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Name the rooms: they are drawn when they are loaded."""
        return [
            self.sample_info(
                # A name for its results, no file.
                img_path=f'room_{self.seed}_{index:06d}.png',
                room=(self.seed, index),
                image_size=self.image_size,
            )
            for index in range(self.num_samples)
        ]


@TRANSFORMS.register_module()
class LoadSyntheticDomains(BaseTransform):
    """Render the domains of a sample of :class:`SyntheticTranslationDataset`.

    Takes the place of :class:`LoadDomains` and :class:`DeriveDomains`.

    Required Keys:

    - room (tuple[int, int]): seed and index
    - image_size (tuple[int, int]): height and width
    - modalities (dict[str, Domain])

    Added Keys:

    - img (np.ndarray): 'rgb', (H, W, 3), uint8, BGR; without it the first source
    - {name} (np.ndarray): every other domain, float32
    - gt_valid (np.ndarray): (H, W), uint8, 1 everywhere
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Modified Keys:

    - seg_fields

    Args:
        painted: Whether half of the things are painted on the surface behind them; if
            not, all are solid, and depth, normal, shade and edge show every thing.
        texture_of: Domain of which 'texture' shows the edges: 'rgb', or 'albedo', which
            has no edges where only the light changes.
        blur: Width of the blur of 'texture', pixels.
        noise: Factor on the noise of 'depth', see
            :func:`mmseg_cen.rooms.sense_depth`; the other domains are exact.
        cache: Whether to keep the rendered rooms for the next epoch.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        painted: bool = True,
        texture_of: str = 'rgb',
        blur: float = 1.0,
        noise: float = 0.0,
        cache: bool = True,
    ) -> None:
        if texture_of not in {'rgb', 'albedo'}:
            raise ValueError(
                f"`texture_of` must be 'rgb' or 'albedo', got {texture_of!r}: choose "
                'one of them'
            )
        if blur < 0 or noise < 0:
            raise ValueError(
                f'`blur` and `noise` must not be negative, got {blur} and {noise}: set '
                '0 for none'
            )
        self.painted = painted
        self.texture_of = texture_of
        self.blur = blur
        self.noise = noise
        self.cache = cache
        self._rooms: dict[tuple[Any, ...], dict[str, np.ndarray]] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Render one room."""
        names = tuple(results['modalities'])
        key = (*results['room'], *results['image_size'], names)
        room = self._rooms.get(key)
        if room is None:
            everything = self._render(*results['room'], *results['image_size'])
            room = {name: everything[name] for name in names}
        if self.cache:
            self._rooms[key] = room
        # Copies: transforms may write into their inputs.
        set_domains(results, {name: image.copy() for name, image in room.items()})
        return results

    def _render(
        self, seed: int, index: int, height: int, width: int
    ) -> dict[str, np.ndarray]:
        scene = furnish(np.random.default_rng([seed, index]))
        if not self.painted:
            things = [replace(thing, solid=True) for thing in scene.things]
            scene = replace(scene, things=things)
        view = render_view(scene, height, width)
        depth = view.depth
        if self.noise > 0:
            sensor = np.random.default_rng([seed, index, 1])
            depth = sense_depth(depth, sensor, self.noise)
        seen = view.rgb if self.texture_of == 'rgb' else 255 * view.albedo
        return dict(
            rgb=np.ascontiguousarray(view.rgb[..., ::-1]),
            albedo=view.albedo,
            depth=depth,
            normal=view.normal,
            shade=shade_normals(view.normal, room_camera(height, width)),
            edge=depth_edges(view.depth),
            texture=texture_edges(seen, self.blur),
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(painted={self.painted}, '
            f'texture_of={self.texture_of!r}, blur={self.blur}, noise={self.noise}, '
            f'cache={self.cache})'
        )


def room_camera(height: int, width: int) -> Camera:
    """The camera that sees the rooms."""
    focal_length = FOCAL_LENGTH * width
    return Camera(
        fx=focal_length,
        fy=focal_length,
        cx=(width - 1) / 2,
        cy=HORIZON * height - 0.5,
        width=width,
        height=height,
    )
