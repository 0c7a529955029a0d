"""What a sample of an image translation holds."""

from mmengine.structures import BaseDataElement, PixelData


class TranslationDataSample(BaseDataElement):
    """The target of a sample, what was predicted for it, and where it comes from.

    Images are float32 in [-1, 1], channels first, in the order RGB or x, y, z.

    Attributes:
        gt_image: The target, ``data`` (C_t, H, W).
        gt_valid: Where the target is known, ``data`` (1, H, W), bool; absent if it is
            known everywhere.
        pred_image: The ensemble's prediction, ``data`` (C_t, H, W).
        pred_streams: The prediction of every stream, (C_t, H, W) under the name of its
            source.

    The ``metainfo`` has ``sources``, the number of channels of each source under its
    name, in the order of the streams; ``target``, the name of the target; and
    ``img_path``, which names the sample.
    """

    @property
    def gt_image(self) -> PixelData:
        """The target."""
        return self._gt_image

    @gt_image.setter
    def gt_image(self, value: PixelData) -> None:
        self.set_field(value, '_gt_image', dtype=PixelData)

    @gt_image.deleter
    def gt_image(self) -> None:
        del self._gt_image

    @property
    def gt_valid(self) -> PixelData:
        """Where the target is known."""
        return self._gt_valid

    @gt_valid.setter
    def gt_valid(self, value: PixelData) -> None:
        self.set_field(value, '_gt_valid', dtype=PixelData)

    @gt_valid.deleter
    def gt_valid(self) -> None:
        del self._gt_valid

    @property
    def pred_image(self) -> PixelData:
        """Prediction of the ensemble."""
        return self._pred_image

    @pred_image.setter
    def pred_image(self, value: PixelData) -> None:
        self.set_field(value, '_pred_image', dtype=PixelData)

    @pred_image.deleter
    def pred_image(self) -> None:
        del self._pred_image

    @property
    def pred_streams(self) -> PixelData:
        """Prediction of every stream."""
        return self._pred_streams

    @pred_streams.setter
    def pred_streams(self, value: PixelData) -> None:
        self.set_field(value, '_pred_streams', dtype=PixelData)

    @pred_streams.deleter
    def pred_streams(self) -> None:
        del self._pred_streams
