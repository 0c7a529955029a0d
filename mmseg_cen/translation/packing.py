"""Encode the domains of a sample, and pack them for the network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key

from .sample import TranslationDataSample

META_KEYS = (
    'img_path', 'ori_shape', 'img_shape', 'pad_shape', 'scale_factor', 'flip',
    'flip_direction', 'groups', 'sample_idx',
)  # fmt: skip


def require_unmarked(results: Mapping[str, Any]) -> None:
    """Refuse marks that the networks of a translation do not carry out.

    Raises:
        ValueError: If a domain is absent, or to be corrupted.
    """
    if marks := {k: results[k] for k in ('absent', 'corruptions') if results.get(k)}:
        raise ValueError(
            f'samples of a translation must have no marks, got {marks}: leave out '
            'RandomModalityDropout and CorruptModalities, and `copy` and `noise` of '
            'ReplaceModality, which segmentors carry out'
        )


@TRANSFORMS.register_module()
class PackTranslationInputs(BaseTransform):
    """Encode all domains in [-1, 1], and pack them for the network, in RGB order.

    ``inputs`` are the sources side by side, (C_1 + ... + C_M, H, W), float32;
    ``data_samples`` is a :class:`~mmseg_cen.translation.TranslationDataSample` with the
    target, if there is one.

    Required Keys:

    - modalities (dict[str, Domain])
    - sources (tuple[str, ...])
    - target (str)
    - their arrays
    - gt_valid (np.ndarray): (H, W), 1 where the target is known

    Args:
        meta_keys: Keys of the results that the sample keeps as its metainfo.

    Raises:
        ValueError: If the domains are missing, marked, or differ in size.
    """

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        require_unmarked(results)
        images = {}
        for name, domain in results['modalities'].items():
            image = results.get(modality_key(results, name))
            # The toolbox's own loading ignores offsets and unknown pixels.
            if image is None or 'gt_valid' not in results:
                raise ValueError(
                    f'the domain {name!r} must be loaded before it is packed, got '
                    f'{sorted(results)}: begin the pipeline with LoadDomains, followed '
                    'by DeriveDomains if the domain has `derive`'
                )
            if name == 'rgb':
                image = image[..., ::-1]
            images[name] = np.atleast_3d(domain.encode(image)).transpose(2, 0, 1)
        if len({image.shape[1:] for image in images.values()}) > 1:
            shapes = {name: image.shape[1:] for name, image in images.items()}
            raise ValueError(
                f'the domains of a sample must have one size, got {shapes}: move all '
                'of them alike in the transforms before this one'
            )
        sources = results['sources']
        sample = TranslationDataSample(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
            | dict(
                sources={name: len(images[name]) for name in sources},
                target=results['target'],
            ),
        )
        if results['target'] in images:
            target = np.ascontiguousarray(images[results['target']])
            sample.gt_image = PixelData(data=torch.from_numpy(target))
            valid = results['gt_valid'] == 1
            if not valid.all():
                mask = torch.from_numpy(np.ascontiguousarray(valid))[None]
                sample.gt_valid = PixelData(data=mask)
        inputs = np.concatenate([images[name] for name in sources])
        return dict(inputs=torch.from_numpy(inputs), data_samples=sample)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'
