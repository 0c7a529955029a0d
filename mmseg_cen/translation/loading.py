"""Load the domains of a sample from files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import main_modality, modality_key
from mmseg_cen.once import warn_once
from mmseg_cen.plausibility import FEW
from mmseg_cen.transforms.depth import fill_invalid
from mmseg_cen.transforms.inspection import is_depth
from mmseg_cen.transforms.reading import Loaded, fit_sizes, read_modality

from .derived import RECIPES
from .domains import Domain

#: Share of the values of an image outside of their range, above which one is wrong.
MOST = 0.5


def load_domain(
    name: str, domain: Domain, path: str, backend_args: dict[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Load the physical image of one domain, and the mask (H, W) of its valid pixels.

    A gray image that is stored in three equal channels counts as one channel.

    Args:
        name: Name of the domain.
        domain: How it is stored.
        path: Its file.
        backend_args: Arguments of the file backend.

    Returns:
        Image (H, W) if it has one channel, else (H, W, C), float32; 'rgb' remains
        uint8, BGR.

    Raises:
        ValueError: If channels or type of the file are not as ``domain`` says.
    """
    wanted = domain.stored_channels or domain.channels
    stored = read_modality(
        name, domain, path, {wanted, 3} if wanted == 1 else {wanted}, backend_args
    )
    if stored.ndim == 3 and wanted == 1:
        if (stored != stored[..., :1]).any():
            raise ValueError(
                f'{name}: {path} must have 1 channel, got a picture in colors: '
                'convert the file or change `channels` of the domain'
            )
        stored = stored[..., 0]
    image, valid = (_read_rgb if name == 'rgb' else Domain.read)(domain, stored)
    warn_of_holes(name, domain, stored, valid, path)
    if not valid.any():
        warn_once(
            f'no valid pixel of {name}',
            f'{name}: {path} has no valid pixel: 0 everywhere',
        )
    return image, valid


def _read_rgb(domain: Domain, stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The image as it is stored, BGR, filled where invalid, and where it is valid."""
    valid = np.ones(stored.shape[:2], dtype=bool)
    if domain.nodata or domain.invalid or stored.dtype.kind == 'f':
        valid = domain.known(stored)
    if not valid.all():
        filled = fill_invalid(stored, valid, domain.fill)  # type: ignore[arg-type]
        stored = filled.astype(stored.dtype)
    return np.ascontiguousarray(stored[..., ::-1]), valid


def warn_of_range(name: str, domain: Domain, loaded: Loaded, path: str) -> None:
    """Warn of an image most of which is encoded as the ends of the domain's range.

    Of a wrong unit nothing is left but a constant, which is learned without an error.
    """
    if domain.vectors or not loaded.valid.any():
        return
    assert domain.range is not None
    low, high = domain.range
    slack = 1e-3 * (high - low)  # of rounding
    image = np.atleast_3d(loaded.image)
    if low - slack <= image.min() and image.max() <= high + slack:
        return
    beyond = (image < low - slack) | (image > high + slack)
    known = np.broadcast_to(loaded.valid[..., None], image.shape)
    share = np.count_nonzero(beyond & known) / np.count_nonzero(known)
    if share > MOST:
        values = image[known]
        warn_once(
            f'range of {name}',
            f'{name}: {share:.0%} of the values of {path}, {values.min():.4g} to '
            f'{values.max():.4g}, lie outside of range={domain.range} of the domain '
            'and become its ends: correct `range`, or `scale` and `offset`',
        )


def warn_of_holes(
    name: str, domain: Domain, stored: np.ndarray, valid: np.ndarray, path: str
) -> None:
    """Warn of zeros that count as depth or normals: nothing was measured there."""
    if domain.nodata or domain.invalid:
        return
    if not (domain.vectors or is_depth(name, domain)):
        return
    zeros = ~np.atleast_3d(stored).any(axis=-1) & valid
    if (share := np.count_nonzero(zeros) / zeros.size) > FEW:
        warn_once(
            f'holes of {name}',
            f'{name}: {share:.1%} of the pixels of {path} are stored as 0, and learned '
            'and measured as such: if that means not known, set nodata=0 of the domain',
        )


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

    - modalities (dict[str, Domain]): sources and, if there is one, the target
    - target (str)
    - file_domains (dict[str, Domain]): domains to load
    - modality_paths (dict[str, str])

    Added Keys:

    - img (np.ndarray): 'rgb', (H, W, 3), uint8, BGR; without it the first source
    - {name} (np.ndarray): every other domain, see :func:`load_domain`
    - loaded (dict[str, Loaded]): arrays of ``file_domains`` and masks of valid pixels
    - helpers (dict[str, np.ndarray]): everything loaded, to derive domains from
    - gt_valid (np.ndarray): (H, W), uint8, 1 where the target is known
    - img_shape (tuple[int, int])
    - ori_shape (tuple[int, int])

    Modified Keys:

    - seg_fields

    Args:
        backend_args: Arguments of the file backend, see :mod:`mmengine.fileio`.

    Raises:
        ValueError: If a file is not as its domain says, or the domains differ in size.
    """

    def __init__(self, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the files of ``modality_paths``."""
        paths = results['modality_paths']
        domains = results['file_domains']
        loaded = {
            name: Loaded(*load_domain(name, domain, paths[name], self.backend_args))
            for name, domain in domains.items()
        }
        for name, one in loaded.items():
            if name in results['modalities']:  # what only helps is not encoded
                warn_of_range(name, domains[name], one, paths[name])
        main = main_modality(list(domains))
        loaded = fit_sizes(loaded, domains, paths, main)
        images = {name: one.image for name, one in loaded.items()}
        target = results['modalities'].get(results['target'])
        if target is None:  # the data set has none
            set_domains(results, images)
        else:
            origin = RECIPES[target.derive] if target.derive else results['target']
            set_domains(results, images, loaded[origin].valid)
        results['helpers'] = images
        results['loaded'] = loaded
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'
