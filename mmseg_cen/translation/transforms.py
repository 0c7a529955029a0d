"""Load, derive and pack the domains of a sample."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key
from mmseg_cen.transforms.loading import check_sizes, read_modality
from mmseg_cen.transforms.surface import build_camera

from .derived import RECIPES, Derivation
from .domains import Domain
from .sample import TranslationDataSample

META_KEYS = (
    'img_path', 'ori_shape', 'img_shape', 'pad_shape', 'scale_factor', 'flip',
    'flip_direction', 'groups',
)  # fmt: skip


def load_domain(
    name: str, domain: Domain, path: str, backend_args: dict[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Load the physical image of one domain, and the mask (H, W) of its valid pixels.

    A grey image that is stored in three equal channels counts as one of one channel.

    Args:
        name: Name of the domain.
        domain: How it is stored.
        path: Its file.
        backend_args: Arguments of the file backend.

    Returns:
        Image (H, W) if it has one channel, else (H, W, C), float32; 'rgb' remains
        uint8, BGR.

    Raises:
        ValueError: If the file does not hold what ``domain`` says.
    """
    wanted = domain.stored_channels or domain.channels
    stored = read_modality(
        name, domain, path, {wanted, 3} if wanted == 1 else {wanted}, backend_args
    )
    if name == 'rgb':
        return stored, np.ones(stored.shape[:2], dtype=bool)
    if stored.ndim == 3 and wanted == 1:
        if (stored != stored[..., :1]).any():
            raise ValueError(
                f'{name}: {path} must have 1 channel, got a picture in colours: '
                'convert the file or change `channels` of the domain'
            )
        stored = stored[..., 0]
    if stored.ndim == 3 and not path.lower().endswith(('.npy', '.npz')):
        # Images are decoded to BGR or BGRA.
        stored = stored[..., [2, 1, 0, *range(3, stored.shape[2])]]
    image, valid = domain.read(stored)
    if not valid.any():
        warnings.warn(f'{name}: {path} has no valid pixel: 0 everywhere', stacklevel=2)
    return image, valid


def set_domains(
    results: dict[str, Any],
    images: Mapping[str, np.ndarray],
    valid: np.ndarray | None = None,
) -> None:
    """Put physical images where the transforms expect them, with the target's mask."""
    for name, image in images.items():
        if name in results['modalities']:
            results[modality_key(results, name)] = image
    shape = next(iter(images.values())).shape[:2]
    results['img_shape'] = results['ori_shape'] = shape
    if valid is None:
        valid = np.ones(shape, dtype=bool)
    # Moved like a label; what is padded gets another value than 1.
    results['gt_valid'] = valid.astype(np.uint8)
    results['seg_fields'].append('gt_valid')


@TRANSFORMS.register_module()
class LoadDomains(BaseTransform):
    """Load the domains of a sample, each as an array of its own, in physical units.

    Required Keys:

    - modalities (dict[str, Domain]): sources and target
    - target (str)
    - file_domains (dict[str, Domain]): what to load
    - modality_paths (dict[str, str])

    Added Keys:

    - img (np.ndarray): 'rgb', (H, W, 3), uint8, BGR; without it the first source
    - {name} (np.ndarray): every other domain, see :func:`load_domain`
    - helpers (dict[str, np.ndarray]): what others are to be derived from
    - gt_valid (np.ndarray): (H, W), uint8, 1 where the target is known
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Modified Keys:

    - seg_fields

    Args:
        backend_args: Arguments of the file backend, see :mod:`mmengine.fileio`.

    Raises:
        ValueError: If a file does not hold what its domain says, or the domains differ
            in size.
    """

    def __init__(self, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the files of ``modality_paths``."""
        paths = results['modality_paths']
        images, masks = {}, {}
        for name, domain in results['file_domains'].items():
            images[name], masks[name] = load_domain(
                name, domain, paths[name], self.backend_args
            )
        check_sizes(images, paths)
        target = results['modalities'][results['target']]
        origin = RECIPES[target.derive] if target.derive else results['target']
        set_domains(results, images, masks[origin])
        results['helpers'] = images
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'


@TRANSFORMS.register_module()
class DeriveDomains(BaseTransform):
    """Compute the domains that have ``derive``, right after the others are loaded.

    Required Keys:

    - modalities (dict[str, Domain])
    - helpers (dict[str, np.ndarray]): 'depth' in metres and 'rgb', as they are needed

    Added Keys:

    - {name} (np.ndarray): every domain with ``derive``, float32

    Args:
        camera: The camera of the depth maps: 'nyudv2', or a dict with the options of
            :class:`~mmseg_cen.transforms.surface.Camera`, for images of any size.
        **kwargs: Options of :class:`~mmseg_cen.translation.derived.Derivation`.

    Raises:
        ValueError: If an option has no meaning.
    """

    def __init__(
        self, camera: str | Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        self.derivation = Derivation(
            camera=None if camera is None else build_camera(camera), **kwargs
        )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Derive what is missing."""
        wanted = {
            name: domain.derive
            for name, domain in results['modalities'].items()
            if domain.derive
        }
        helpers = results['helpers']
        images = self.derivation(
            set(wanted.values()), rgb=helpers.get('rgb'), depth=helpers.get('depth')
        )
        for name, derive in wanted.items():
            results[modality_key(results, name)] = images[derive]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.derivation})'


@TRANSFORMS.register_module()
class PackTranslationInputs(BaseTransform):
    """Encode all domains in [-1, 1], and pack them for the network, in RGB order.

    ``inputs`` are the sources side by side, (C_1 + ... + C_M, H, W), float32;
    ``data_samples`` is a :class:`~mmseg_cen.translation.TranslationDataSample` with the
    target.

    Required Keys:

    - modalities (dict[str, Domain])
    - sources (tuple[str, ...])
    - target (str)
    - their arrays
    - gt_valid (np.ndarray): (H, W), 1 where the target is known

    Args:
        meta_keys: What the sample keeps of the results, if they have it.

    Raises:
        ValueError: If the domains are missing, or differ in size.
    """

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        images = {}
        for name, domain in results['modalities'].items():
            image = results.get(modality_key(results, name))
            # Other transforms that load leave offsets and unknown pixels out.
            if image is None or 'gt_valid' not in results:
                raise ValueError(
                    f'the domain {name!r} has not been loaded: the pipeline must begin '
                    'with LoadDomains, followed by DeriveDomains if it has `derive`'
                )
            if name == 'rgb':
                image = image[..., ::-1]
            images[name] = np.atleast_3d(domain.encode(image)).transpose(2, 0, 1)
        if len({image.shape[1:] for image in images.values()}) > 1:
            shapes = {name: image.shape[1:] for name, image in images.items()}
            raise ValueError(
                f'the domains of a sample must have one size, got {shapes}: a '
                'transform before this one has moved some of them only'
            )
        sources = results['sources']
        target = np.ascontiguousarray(images[results['target']])
        sample = TranslationDataSample(
            gt_image=PixelData(data=torch.from_numpy(target)),
            metainfo={key: results[key] for key in self.meta_keys if key in results}
            | dict(
                sources={name: len(images[name]) for name in sources},
                target=results['target'],
            ),
        )
        valid = results['gt_valid'] == 1
        if not valid.all():
            mask = torch.from_numpy(np.ascontiguousarray(valid))[None]
            sample.gt_valid = PixelData(data=mask)
        inputs = np.concatenate([images[name] for name in sources])
        return dict(inputs=torch.from_numpy(inputs), data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'
