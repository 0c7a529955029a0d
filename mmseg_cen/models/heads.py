"""Decode heads over folded features: which are taken, and how streams are split."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE, map_tensors
from mmseg_cen.streams.presence import current_presence

from .extended import extended_type, registered_type

#: Heads whose output is no map of logits, whatever their methods look like.
REFUSED = {
    'IterativeDecodeHead': 'it classifies masks (K-Net)',
    'MaskFormerHead': 'it classifies masks',
    'Mask2FormerHead': 'it classifies masks',
    'SideAdapterCLIPHead': 'it classifies masks (SAN)',
    'VPDDepthHead': 'it estimates depth',
}

#: Outputs (B*M, ...) of a head -> outputs (B, ...) by name of the stream; the flag asks
#: for the ensemble, too.
ByStream = Callable[[Any, bool], dict[str, Any]]

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


class StreamedHead(BaseDecodeHead):
    """Mixin for a decode head that runs once, over the folded features of all streams.

    The head computes its losses and its prediction by methods of its own. Streams are
    told apart where heads hand over their outputs: in ``loss_by_feat``, which is called
    for each stream and the ensemble, and in ``predict_by_feat``, which leaves the
    logits folded.

    Attributes:
        by_stream: Splits outputs of the head, see :data:`ByStream`.
        compiled_methods: See :func:`~mmseg_cen.modes.compile_network`.
    """

    by_stream: ByStream
    compiled_methods = ('forward',)

    def loss_by_feat(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The losses of each stream, over the samples that have its modality.

        A stream whose modality no sample of the batch has gets losses of 0.
        """
        *outputs, samples = args
        if (record := _RECORD.get()) is not None:
            record.extend(outputs)
        # A head that samples points hands over their places beside the output: other
        # places in each stream, and no ensemble.
        streams = self.by_stream(outputs, len(outputs) == 1)
        losses: dict[str, Tensor] = {}
        present = current_presence()
        for m, (name, of_stream) in enumerate(streams.items()):
            if present is None or name == ENSEMBLE:
                own = super().loss_by_feat(*of_stream, samples, **kwargs)
            else:
                own = self._loss_of_present(of_stream, samples, present[:, m], **kwargs)
            losses.update(add_prefix(own, name))
        return losses

    def _loss_of_present(
        self, outputs: Any, samples: list[Any], present: Tensor, **kwargs: Any
    ) -> dict[str, Tensor]:
        chosen = present.nonzero().flatten()
        if not len(chosen):
            # Processes that train together need the same losses, of all parameters.
            losses = super().loss_by_feat(*outputs, samples, **kwargs)
            return {name: 0 * value for name, value in losses.items()}
        outputs = map_tensors(lambda output: output[chosen], outputs)
        samples = [samples[b] for b in chosen.tolist()]
        return super().loss_by_feat(*outputs, samples, **kwargs)

    def predict_by_feat(
        self, seg_logits: Tensor, batch_img_metas: list[dict[str, Any]]
    ) -> Tensor:
        """Return the logits as they are, folded and at the head's own size."""
        return seg_logits

    def resize_to_input(self, logits: Tensor, metas: list[dict[str, Any]]) -> Tensor:
        """What ``predict_by_feat`` of the head does: logits at the input's size."""
        return super().predict_by_feat(logits, metas)


def build_head(cfg: dict[str, Any], by_stream: ByStream) -> StreamedHead:
    """Build a head, as a :class:`StreamedHead`.

    Args:
        cfg: Config of the unimodal head.
        by_stream: See :class:`StreamedHead`.

    Raises:
        ValueError: If the head does not hand over maps of logits as ``BaseDecodeHead``
            does.
    """
    head_type = registered_type(cfg)
    if head_type is None:
        return MODELS.build(cfg)  # says which types there are
    if reason := why_refused(head_type):
        raise ValueError(
            f'`head` of EnsembleHead must hand over maps of logits as BaseDecodeHead '
            f'does, got {head_type.__name__}: {reason}; choose another, such as '
            f'PSPHead, UPerHead or RefineNetHead'
        )
    streamed = extended_type(StreamedHead, head_type, 'Streamed')
    head: StreamedHead = MODELS.build({**cfg, 'type': streamed})
    head.by_stream = by_stream
    return head


def why_refused(head_type: Any) -> str | None:
    """Why :class:`EnsembleHead` cannot take heads of a type, or None."""
    for base in head_type.__mro__:
        if base.__name__ in REFUSED:
            return REFUSED[base.__name__]
    if not issubclass(head_type, BaseDecodeHead):
        return 'it is no BaseDecodeHead'
    if head_type.predict_by_feat is not BaseDecodeHead.predict_by_feat:
        return 'it has its own predict_by_feat'
    for step in ('loss', 'predict'):
        method = inspect.unwrap(getattr(head_type, step))
        if f'{step}_by_feat' not in method.__code__.co_names:
            return f'its own {step} does not call {step}_by_feat'
    return None
