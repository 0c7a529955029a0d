"""A network for several tasks at once, whose streams exchange channels."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.models.streamed_segmentor import StreamedSegmentor
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.exchanges import ChannelExchange
from mmseg_cen.streams.groups import GroupedExchange
from mmseg_cen.streams.presence import (
    check_absent,
    current_presence,
    present_modalities,
)

from .multitask_head import MultitaskHead

#: Streams between which channels are exchanged.
Partners = Literal['all', 'same_task', 'same_modality']


@MODELS.register_module()
class MultitaskSegmentor(StreamedSegmentor):
    """Encoder-decoder with a stream for each task and modality.

    The K tasks are K streams of one input: the network sees the packed modalities K
    times, convolutions are shared, norms are private to each task and modality, and the
    exchange is between all streams. Each task has a head over its own streams, and an
    ensemble over the modalities; the loss is a weighted sum. It is our reading of "one
    network for several tasks" in the authors' later article (Wang et al., TPAMI 2023),
    which has no public code. With one task it is the network of a
    :class:`~mmseg_cen.models.CENSegmentor`.

    Each predicted sample has what the heads write, see
    :mod:`mmseg_cen.multitask.task_heads`. Whole and sliding inference are those of
    ``EncoderDecoder``.

    Args:
        backbone: Config of a CENResNet, a CENBackbone or the like; it learns its number
            of streams here.
        decode_head: Config of a :class:`MultitaskHead`.
        tasks: Names of the tasks, in the order of the streams. Other heads of the
            config are not built, so that a twin with one task names this task alone.
        modalities: Names of the modalities, in the order of the streams of each task.
        partners: Streams between which channels are exchanged: ``'all'``;
            ``'same_task'``, among the modalities of a task; or ``'same_modality'``,
            among the tasks.
        neck: Config of a neck.
        data_preprocessor: Config of a :class:`MultitaskPreprocessor`.
        **kwargs: Arguments of :class:`mmseg.models.EncoderDecoder`.

    Raises:
        ValueError: If the parts of the model disagree about the streams, or an argument
            is out of its range.
    """

    decode_head: MultitaskHead

    def __init__(
        self,
        backbone: dict[str, Any],
        decode_head: dict[str, Any],
        tasks: Sequence[str],
        modalities: Sequence[str] = ('rgb',),
        partners: Partners = 'all',
        neck: dict[str, Any] | None = None,
        data_preprocessor: Any = None,
        **kwargs: Any,
    ) -> None:
        self.tasks = _distinct('tasks', tasks)
        self.modalities = _distinct('modalities', modalities)
        if isinstance(data_preprocessor, dict) and 'modalities' in data_preprocessor:
            data_preprocessor = {'order': self.modalities, **data_preprocessor}
        if kwargs.get('auxiliary_head') is not None:
            raise ValueError(
                '`auxiliary_head` must be None with several tasks, whose samples it '
                f'does not tell apart, got {kwargs["auxiliary_head"]}: leave it out'
            )
        kind = decode_head.get('type')
        if kind not in ('MultitaskHead', MultitaskHead):
            raise ValueError(
                f'`decode_head` must be the config of a MultitaskHead, got {kind}: '
                f"write dict(type='MultitaskHead', heads=dict(...))"
            )
        names = dict(tasks=self.tasks, modalities=self.modalities)
        super().__init__(
            self._backbone_of_streams(backbone, partners),
            {**decode_head, **names},
            neck=neck,
            data_preprocessor=data_preprocessor,
            **kwargs,
        )
        streams = len(self.streams)
        if self.with_neck:
            to_multimodal(self.neck, streams)
        if getattr(self.backbone, 'out_streams', None) != streams:
            raise ValueError(
                f'`backbone` must be one over the {streams} streams {self.streams} '
                f'that keeps all of them, got {type(self.backbone).__name__}: take a '
                f'CENResNet or CENBackbone, without a fusion that merges'
            )
        known = tuple(getattr(self.data_preprocessor, 'modalities', self.modalities))
        if known != self.modalities:
            raise ValueError(
                f'`order` of the data_preprocessor must be the modalities of the '
                f'model, {self.modalities}, got {known}: leave it out'
            )
        check_absent(self.absent, self.modalities)

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of all streams: of the tasks, or ``'depth.rgb'`` if modalities vary."""
        if len(self.modalities) == 1:
            return self.tasks
        return tuple(
            f'{task}.{name}' for task in self.tasks for name in self.modalities
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """What the tasks predict, by the fields of a sample that have the truth."""
        return tuple(head.target for head in self.decode_head.heads.values())

    def _backbone_of_streams(
        self, backbone: dict[str, Any], partners: str
    ) -> dict[str, Any]:
        K, M = len(self.tasks), len(self.modalities)
        if partners not in get_args(Partners):
            raise ValueError(
                f'`partners` must be one of {get_args(Partners)}, got {partners!r}: '
                f'choose one of them'
            )
        if backbone.get('num_modalities', K * M) != K * M:
            raise ValueError(
                f'`num_modalities` of the backbone must be {K * M}, {K} tasks of {M} '
                f'modalities, got {backbone["num_modalities"]}: leave it out'
            )
        backbone = {**backbone, 'num_modalities': K * M}
        if partners == 'all':
            return backbone
        exchange = backbone.get('exchange') or {}
        several = isinstance(exchange, (list, tuple))
        kind = None if several else exchange.get('type', ChannelExchange)
        if kind not in ('ChannelExchange', ChannelExchange):
            raise ValueError(
                f"`partners` must be 'all' with another exchange than ChannelExchange, "
                f'got {partners!r} with {exchange}: leave one of them out'
            )
        grouped = dict(type=GroupedExchange, groups=groups_of_streams(K, M, partners))
        return {**backbone, 'exchange': {**exchange, **grouped}}

    def extract_feat(self, inputs: Tensor) -> Any:
        """Packed modalities (B, M*C, H, W) -> features of all streams, folded."""
        K = len(self.tasks)
        present = current_presence()
        repeated = None if present is None else present.repeat(1, K)
        with present_modalities(repeated):
            return super().extract_feat(inputs.repeat(1, K, 1, 1))

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list[Any] | None = None
    ) -> list[Any]:
        """The outputs of all tasks, side by side -> samples with predictions."""
        samples = super().postprocess_result(seg_logits, data_samples)
        for sample in samples:
            maps = sample.seg_logits.data
            del sample.seg_logits, sample.pred_sem_seg  # as of a single task
            absent = {*self.absent, *(sample.get('absent') or ())}
            heads = self.decode_head.heads
            sizes = [head.out_channels for head in heads.values()]
            for head, own in zip(heads.values(), maps.split(sizes), strict=True):
                head.write(sample, own, absent)
        return samples


def groups_of_streams(
    num_tasks: int, num_modalities: int, partners: str
) -> tuple[tuple[int, ...], ...]:
    """Numbers of the streams that exchange with each other, see :data:`Partners`.

    The stream of task k and modality m has the number k*M + m.
    """
    K, M = range(num_tasks), range(num_modalities)
    if partners == 'same_task':
        return tuple(tuple(k * len(M) + m for m in M) for k in K)
    if partners == 'same_modality':
        return tuple(tuple(k * len(M) + m for k in K) for m in M)
    return (tuple(range(len(K) * len(M))),)


def _distinct(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    found = () if isinstance(names, str) else tuple(names)
    if not found or len({*found}) < len(found):
        raise ValueError(
            f'`{argument}` must be distinct names in the order of the streams, got '
            f"{names!r}: give a tuple such as ('segmentation', 'depth')"
        )
    return found
