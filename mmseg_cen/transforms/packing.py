"""Pack the modalities of a sample for the network."""

from typing import Any

import numpy as np
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import modality_key


@TRANSFORMS.register_module()
class PackMultimodalInputs(PackSegInputs):
    """Pack the modalities side by side on the channel axis, as float32.

    ``inputs`` is (C_1 + ... + C_M, H, W), in the order of ``results['modalities']``;
    the sample tells the number of channels of each as ``modalities`` in its
    ``metainfo``, and its ``groups``, if its data set has any, and what is ``absent``.

    Args:
        **kwargs: Passed to :class:`mmseg.datasets.PackSegInputs`.

    Raises:
        ValueError: If the modalities are missing, or differ in size.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        if 'modalities' not in results:
            raise ValueError(
                "a sample must have `modalities`, as those of 'MultimodalSegDataset' "
                f'have, got {sorted(results)}: use PackSegInputs for others'
            )
        images = {
            name: np.atleast_3d(results[modality_key(results, name)])
            for name in results['modalities']
        }
        if len({image.shape[:2] for image in images.values()}) > 1:
            shapes = {name: image.shape[:2] for name, image in images.items()}
            raise ValueError(
                f'the modalities of a sample must have one size, got {shapes}: a '
                'transform before this one has moved some of them only'
            )
        packed = np.concatenate(list(images.values()), axis=-1, dtype=np.float32)
        outputs: dict[str, Any] = super().transform({**results, 'img': packed})
        channels = {name: image.shape[-1] for name, image in images.items()}
        outputs['data_samples'].set_metainfo(dict(modalities=channels))
        for key in ('groups', 'absent'):
            if key in results:
                outputs['data_samples'].set_metainfo({key: results[key]})
        return outputs
