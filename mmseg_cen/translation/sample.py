"""The sample of an image translation."""

from typing import Any

from mmengine.structures import BaseDataElement, PixelData


class TranslationDataSample(BaseDataElement):
    """Target of a sample, what a model predicted, and where the sample comes from.

    Images are float32 in [-1, 1], channels first, in the order RGB or x, y, z.

    Attributes:
        gt_image: The target, ``data`` (C_t, H, W); absent if there is none.
        gt_valid: Where the target is known, ``data`` (1, H, W), bool; absent if it is
            known everywhere.
        pred_image: The ensemble's prediction, ``data`` (C_t, H, W).
        pred_streams: The prediction of every stream, (C_t, H, W) under the name of its
            source.

    The ``metainfo`` has ``sources``, the number of channels of each source under its
    name, in the order of the streams; ``target``, the name of the target; and
    ``img_path``, which names the sample.
    """

    gt_image: PixelData
    gt_valid: PixelData
    pred_image: PixelData
    pred_streams: PixelData

    def set_field(
        self, value: Any, name: str, dtype: Any = None, field_type: str = 'data'
    ) -> None:
        """Set a field; a bare tensor, which has ``data`` too, is refused for images."""
        if name in TranslationDataSample.__annotations__:
            dtype = PixelData
        super().set_field(value, name, dtype, field_type)
