"""Pack the modalities of a sample for the network."""

from typing import Any

import numpy as np
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key

from .moving import require_loaded


@TRANSFORMS.register_module()
class PackMultimodalInputs(PackSegInputs):
    """Pack the modalities side by side on the channel axis, as float32.

    ``inputs`` is (C_1 + ... + C_M, H, W), in the order of ``results['modalities']``.
    The ``metainfo`` of the sample has the number of channels of each modality as
    ``modalities``, and its ``groups``, ``absent`` modalities, ``corruptions``, the name
    that seeds them (``drawn_as``) and ``sample_idx`` (number in the data set) if they
    are known.

    Args:
        **kwargs: Passed to :class:`mmseg.datasets.PackSegInputs`.

    Raises:
        ValueError: If the modalities are missing, or differ in size.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        if 'modalities' not in results:
            raise ValueError(
                'samples must have `modalities`, got the keys '
                f'{sorted(results)}: load them with MultimodalSegDataset, or pack them '
                'with PackSegInputs'
            )
        require_loaded(results)
        images = {
            name: np.atleast_3d(results[modality_key(results, name)])
            for name in results['modalities']
        }
        if len({image.shape[:2] for image in images.values()}) > 1:
            shapes = {name: image.shape[:2] for name, image in images.items()}
            raise ValueError(
                f'the modalities of a sample must have one size, got {shapes}: remove '
                'the transform that has moved some of them only'
            )
        packed = np.concatenate(list(images.values()), axis=-1, dtype=np.float32)
        outputs: dict[str, Any] = super().transform({**results, 'img': packed})
        channels = {name: image.shape[-1] for name, image in images.items()}
        outputs['data_samples'].set_metainfo(dict(modalities=channels))
        for key in ('groups', 'absent', 'corruptions', 'drawn_as', 'sample_idx'):
            if key in results:
                outputs['data_samples'].set_metainfo({key: results[key]})
        return outputs
