"""What segmentors over streams have in common: absent modalities, losses of fusions."""

from collections.abc import Sequence
from typing import Any

from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from mmseg_cen.fusion.losses import FusedFeatures, pop_losses
from mmseg_cen.logged_losses import MeanOfProcesses
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.presence import presence_of, present_modalities

from .feature_streams import batch_size
from .multimodal_backbone import MultimodalBackbone


class StreamedSegmentor(MeanOfProcesses, EncoderDecoder):
    """Encoder-decoder whose backbone and heads run over streams.

    A modality may be missing in a sample whose metainfo names it in ``absent``, or in
    all predictions, with ``test_cfg=dict(absent=('depth',), ...)``. A subclass has the
    names of the ``modalities``, in the order of the streams.
    """

    modalities: Any

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the modalities of samples, of which a fusion may merge some."""
        return tuple(getattr(self.data_preprocessor, 'modalities', self.modalities))

    @property
    def absent(self) -> Sequence[str]:
        """Names of the modalities that are missing in all predictions."""
        absent: Sequence[str] = (self.test_cfg or {}).get('absent') or ()
        return absent

    def init_weights(self) -> None:
        """Initialize; a backbone refuses weights of its streams in another order."""
        if isinstance(self.backbone, MultimodalBackbone):
            self.backbone.stream_names = self.inputs
        super().init_weights()

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[Any] | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Run with the modalities that the samples have; else as the parent."""
        absent = () if mode == 'loss' else self.absent
        samples = data_samples or [{}] * len(inputs)
        present = presence_of(samples, self.inputs, absent, inputs.device)
        with present_modalities(present):
            return super().forward(inputs, data_samples, mode)

    def extract_feat(self, inputs: Tensor) -> Any:
        """Packed modalities (B, M*C, H, W) -> features of all streams, folded."""
        feats = self.backbone(inputs)
        if not self.with_neck:
            return feats
        with streams_on_batch(self.neck, batch_size(feats)):
            outputs = self.neck(feats)
        # A neck does not hand on the losses that travel with the features.
        return FusedFeatures(outputs, pop_losses(feats))


def classify(scores: Tensor, head: Any) -> Tensor:
    """The classes (1, H, W) that scores predict.

    Args:
        scores: Logits or probabilities (K, H, W); of a binary head, probabilities
            (1, H, W).
        head: The decode head, which has the threshold of a binary prediction.
    """
    if head.out_channels == 1:
        return (scores > (head.threshold or 0)).to(scores)
    return scores.argmax(dim=0, keepdim=True)
