"""Pack the inputs and the targets of a sample, and batch them."""

from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS, TRANSFORMS
from torch.nn.functional import pad

from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.transforms import PackMultimodalInputs

from .targets import DEPTH, NORMALS


@TRANSFORMS.register_module()
class PackMultitaskInputs(PackMultimodalInputs):
    """Pack the modalities as the parent does, and the targets beside the labels.

    The sample has ``gt_depth_map``, (1, H, W), and ``gt_normals``, (3, H, W), if they
    are loaded.

    Args:
        **kwargs: Arguments of :class:`~mmseg_cen.transforms.PackMultimodalInputs`.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        targets = {key: results[key] for key in results.get('targets', ())}
        plain = {key: value for key, value in results.items() if key not in targets}
        packed = super().transform(plain)
        for key, image in targets.items():
            image = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
            data = torch.from_numpy(image.copy())
            packed['data_samples'].set_data({key: PixelData(data=data)})
        return packed


@MODELS.register_module()
class MultitaskPreprocessor(MultimodalPreprocessor):
    """Preprocess as the parent does; targets are invalid, 0, where images are padded.

    Args:
        *args: Passed to :class:`~mmseg_cen.models.MultimodalPreprocessor`.
        **kwargs: Passed to :class:`~mmseg_cen.models.MultimodalPreprocessor`.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Preprocess one batch."""
        data = super().forward(data, training)
        for sample in data['data_samples'] or []:
            margins = sample.get('padding_size')
            if not training or margins is None:
                continue
            if DEPTH in sample:  # which the toolbox pads with a label
                depth = sample.get(DEPTH).data
                height, width = sample.img_shape
                depth[..., height:, :] = 0
                depth[..., width:] = 0
            if NORMALS in sample:
                normals = pad(sample.get(NORMALS).data, margins)
                sample.set_data({NORMALS: PixelData(data=normals)})
        return data
