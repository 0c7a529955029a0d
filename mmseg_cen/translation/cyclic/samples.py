"""Samples of which each domain is a source and a target."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key

from ..derived import RECIPES
from ..packing import META_KEYS, require_unmarked
from ..sample import TranslationDataSample

#: Prefix of the masks of known pixels among the fields of a sample in a pipeline.
KNOWN = 'known_'


@TRANSFORMS.register_module()
class MarkKnownPixels(BaseTransform):
    """Keep where each domain is known, as masks that are moved with the sample.

    Stands right behind :class:`LoadDomains`. Rendered domains are known everywhere.

    Required Keys:

    - modalities (dict[str, Domain])
    - loaded (dict[str, Loaded])

    Added Keys:

    - known_{name} (np.ndarray): (H, W), uint8, 1 where the domain is known

    Modified Keys:

    - seg_fields

    Raises:
        ValueError: If domains are not loaded, or changed since.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Keep the masks of one sample."""
        if 'loaded' not in results:
            raise ValueError(
                f'domains must be loaded before MarkKnownPixels, got '
                f'{sorted(results)}: put LoadDomains before it'
            )
        changed = [
            name
            for name, one in results['loaded'].items()
            if name in results['modalities']
            and results.get(modality_key(results, name)) is not one.image
        ]
        if changed:  # the masks would not fit where images were moved
            raise ValueError(
                f'MarkKnownPixels must be right behind LoadDomains, got {changed} '
                'changed in between: move it there'
            )
        for name, domain in results['modalities'].items():
            origin = RECIPES[domain.derive] if domain.derive else name
            valid = results['loaded'][origin].valid
            results[KNOWN + name] = valid.astype(np.uint8)
            results['seg_fields'].append(KNOWN + name)
        return results


@TRANSFORMS.register_module()
class PackCyclicInputs(BaseTransform):
    """Encode all domains in [-1, 1], and pack them side by side, in RGB order.

    ``inputs`` are sources and target of the data set, (C_1 + ... + C_D, H, W), float32.
    The metainfo of ``data_samples``, a
    :class:`~mmseg_cen.translation.TranslationDataSample`, has the number of channels of
    each as ``sources``; ``known``, (D, H, W), says where each is known, and is left out
    if all are everywhere.

    Required Keys:

    - modalities (dict[str, Domain])
    - their arrays
    - known_{name} (np.ndarray): of domains from files

    Raises:
        ValueError: If the domains or their masks are missing, or domains are marked or
            differ in size.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        require_unmarked(results)
        if 'loaded' in results and not any(key.startswith(KNOWN) for key in results):
            raise ValueError(
                'the known pixels of loaded domains must be marked, got no mask in '
                f'{sorted(results)}: put MarkKnownPixels right behind LoadDomains'
            )
        images = {}
        for name, domain in results['modalities'].items():
            image = results.get(modality_key(results, name))
            if image is None:
                raise ValueError(
                    f'the domain {name!r} must be loaded before it is packed, got '
                    f'{sorted(results)}: begin the pipeline with LoadDomains'
                )
            if name == 'rgb':
                image = image[..., ::-1]
            images[name] = np.atleast_3d(domain.encode(image)).transpose(2, 0, 1)
        if len(shapes := {image.shape[1:] for image in images.values()}) > 1:
            raise ValueError(
                f'the domains of a sample must have one size, got {sorted(shapes)}: '
                f'move all of them alike in the transforms before this one'
            )
        channels = {name: len(image) for name, image in images.items()}
        metainfo = {key: results[key] for key in META_KEYS if key in results}
        sample = TranslationDataSample(metainfo={**metainfo, 'sources': channels})
        full = np.ones(next(iter(shapes)), np.uint8)
        known = np.stack([results.get(KNOWN + name, full) for name in images]) == 1
        if not known.all():
            sample.known = PixelData(data=torch.from_numpy(known))
        inputs = np.concatenate([*images.values()])
        return dict(inputs=torch.from_numpy(inputs), data_samples=sample)


def direction(fields: Mapping[str, Any], target: str) -> TranslationDataSample:
    """A predicted sample as that of a translation into one of its domains.

    Args:
        fields: The sample as a dict, with the fields that :class:`CyclicPix2Pix`
            writes.
        target: Name of the domain.

    Returns:
        The sample that a :class:`~mmseg_cen.translation.CENPix2Pix` of the other
        domains would have predicted.
    """
    sources = {name: c for name, c in fields['sources'].items() if name != target}
    meta = {key: fields[key] for key in META_KEYS if key in fields}
    streams = {
        name: fields[f'pred_{target}_from'][name]
        for name in fields['sources']
        if name != target
    }
    sample = TranslationDataSample(
        metainfo={**meta, 'sources': sources, 'target': target},
        gt_image=PixelData(data=fields['gt_images'][target]),
        pred_image=PixelData(data=fields['pred_images'][target]),
        pred_streams=PixelData(**streams),
    )
    if 'known' in fields:
        index = [*fields['sources']].index(target)
        mask = fields['known']['data'][index : index + 1]
        sample.gt_valid = PixelData(data=mask)
    return sample
