"""A decode head that runs once, over folded features, and trains stream by stream."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils import add_prefix
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE, map_tensors
from mmseg_cen.streams.presence import current_presence

from .ensembles import weighted_mean

#: Outputs (B*M, ...) of a head -> outputs (B, ...) by name of the stream; the flag asks
#: for the ensemble, too.
ByStream = Callable[[Any, bool], dict[str, Any]]

#: Outputs (B, ...) of a stream, and what its losses need of each sample -> losses.
StreamLoss = Callable[[Any, Sequence[Any]], dict[str, Tensor]]

_RECORD: ContextVar[list[Any] | None] = ContextVar('record', default=None)


@contextmanager
def recorded_outputs() -> Iterator[list[Any]]:
    """Context that collects what heads predict while they compute their losses."""
    record: list[Any] = []
    token = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(token)


def record_outputs(*outputs: Any) -> None:
    """Add folded outputs of a head to the innermost :func:`recorded_outputs`."""
    if (record := _RECORD.get()) is not None:
        record.extend(outputs)


def losses_of_streams(
    streams: dict[str, Any], samples: Sequence[Any], loss: StreamLoss
) -> dict[str, Tensor]:
    """The losses of each stream, over the samples that have its modality.

    A stream whose modality no sample of the batch has gets losses of 0.

    Args:
        streams: Outputs (B, ...) of a head, by name of the stream; the names of the
            modalities come first, in their order.
        samples: What the losses need of each of the B samples.
        loss: The losses of one stream.

    Returns:
        Losses by name of the stream and of the loss, ``'rgb.loss_ce'``.
    """
    losses: dict[str, Tensor] = {}
    present = current_presence()
    for m, (name, outputs) in enumerate(streams.items()):
        if present is None or name == ENSEMBLE:
            own = loss(outputs, samples)
        else:
            own = _loss_of_present(outputs, samples, present[:, m], loss)
        losses.update(add_prefix(own, name))
    return losses


def _loss_of_present(
    outputs: Any, samples: Sequence[Any], present: Tensor, loss: StreamLoss
) -> dict[str, Tensor]:
    chosen = present.nonzero().flatten()
    if not len(chosen):
        # Processes that train together need the same losses, of all parameters.
        return {name: 0 * value for name, value in loss(outputs, samples).items()}
    outputs = map_tensors(lambda output: output[chosen], outputs)
    return loss(outputs, [samples[b] for b in chosen.tolist()])


class StreamedHead(BaseDecodeHead):
    """Mixin for a decode head that runs once, over the folded features of all streams.

    The head computes its losses and its prediction by methods of its own. Streams are
    told apart where heads hand over their outputs: in ``loss_by_feat``, which is called
    for each stream and the ensemble, and in ``predict_by_feat``, which leaves the
    logits folded.

    Attributes:
        by_stream: Splits outputs of the head, see :data:`ByStream`.
        average: What the ensemble with weights is, of the logits of the streams.
        compiled_methods: See :func:`~mmseg_cen.modes.compile_network`.
    """

    by_stream: ByStream
    average = staticmethod(weighted_mean)
    compiled_methods = ('forward',)

    def loss_by_feat(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The losses of each stream, see :func:`losses_of_streams`."""
        *outputs, samples = args
        record_outputs(*outputs)
        own_loss = super().loss_by_feat

        def loss(of_stream: Any, of_samples: Sequence[Any]) -> dict[str, Tensor]:
            return own_loss(*of_stream, of_samples, **kwargs)

        # A head that samples points hands over their places beside the output: other
        # places in each stream, and no ensemble.
        streams = self.by_stream(outputs, len(outputs) == 1)
        return losses_of_streams(streams, samples, loss)

    def predict_by_feat(
        self, seg_logits: Tensor, batch_img_metas: list[dict[str, Any]]
    ) -> Tensor:
        """Return the logits as they are, folded and at the head's own size."""
        return seg_logits

    def resize_to_input(self, logits: Tensor, metas: list[dict[str, Any]]) -> Tensor:
        """What ``predict_by_feat`` of the head does: logits at the input's size."""
        return super().predict_by_feat(logits, metas)
