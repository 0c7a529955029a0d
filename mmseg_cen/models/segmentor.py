"""Segmentor that predicts every stream and the ensemble in one pass."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

from mmengine.structures import PixelData
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.streams.presence import check_absent

from .ensemble_head import EnsembleHead
from .extended import registered_type
from .given import with_given_samples
from .modalities import check_agreement, hand_down
from .multimodal_backbone import MultimodalBackbone
from .preprocessor import MultimodalPreprocessor
from .streamed_segmentor import StreamedSegmentor, classify
from .subset_distillation import SubsetDistillation, build_distillation


@MODELS.register_module()
class CENSegmentor(StreamedSegmentor):
    """Encoder-decoder whose ``decode_head`` is an :class:`EnsembleHead`.

    The neck, if there is one, runs over folded features, with norm layers that are
    private to each modality. A ``CascadeEncoderDecoder`` becomes one of these, with the
    list of its heads in the EnsembleHead.

    The names of the modalities are said once, here. The backbone, the heads and the
    preprocessor learn number, names and order, unless their configs say them, too. A
    head behind a fusion that merges all streams sees one, named ``'fused'``.

    A plain ``EncoderDecoder`` runs the same network and returns the ensemble; this one
    returns all streams. Whole and sliding inference, flipping and resizing are those of
    ``EncoderDecoder``, done for all streams side by side on the channel axis.

    Each predicted sample has, besides ``pred_sem_seg`` and ``seg_logits`` of the
    ensemble, ``pred_streams`` and ``stream_logits``, with one field per modality:
    ``sample.pred_streams.rgb`` is of shape (1, H, W).

    A modality may be missing in a sample whose metainfo names it in ``absent``, or in
    all predictions, with ``test_cfg=dict(absent=('depth',), ...)``. The stream of a
    missing modality has no influence on the others and the ensemble, no loss, and no
    field in ``pred_streams``.

    ``init_model`` of mmseg builds it from a config and a checkpoint;
    ``inference_model(model, dict(rgb=..., depth=...))`` takes files or arrays then.

    Args:
        backbone: Config of a CENResNet, a CENBackbone or the like.
        decode_head: Config of an :class:`EnsembleHead`.
        neck: Config of a neck.
        auxiliary_head: Config of an :class:`EnsembleHead`, or several.
        modalities: Names of the modalities, in the order of the streams; ``None``: the
            names that the decode head has, or else ``('rgb', 'depth')``, see
            :func:`~mmseg_cen.models.modalities.names_of`.
        data_preprocessor: Config of a :class:`MultimodalPreprocessor`.
        subset_distillation: Arguments of a :class:`SubsetDistillation`, which trains
            the network for subsets of its modalities. ``None``: no such training.
        num_stages: That of a ``CascadeEncoderDecoder``, which a config may inherit.
        **kwargs: Arguments of :class:`mmseg.models.EncoderDecoder`.

    Raises:
        ValueError: If the parts of the model disagree about the modalities, there are
            no subsets of them to distil into, or not ``num_stages`` heads.
    """

    decode_head: EnsembleHead

    def __init__(
        self,
        backbone: dict[str, Any],
        decode_head: dict[str, Any],
        neck: dict[str, Any] | None = None,
        auxiliary_head: Any = None,
        *,
        modalities: Sequence[str] | None = None,
        data_preprocessor: Any = None,
        subset_distillation: dict[str, Any] | None = None,
        num_stages: int | None = None,
        **kwargs: Any,
    ) -> None:
        parts = dict(
            backbone=backbone,
            decode_head=decode_head,
            auxiliary_head=auxiliary_head,
            data_preprocessor=data_preprocessor,
        )
        super().__init__(neck=neck, **hand_down(modalities, parts), **kwargs)
        if self.with_neck:
            to_multimodal(self.neck, len(self.modalities))
        self._check_modalities(modalities)
        if num_stages not in (None, heads := len(self.decode_head.heads)):
            raise ValueError(
                f'`num_stages` must be the number of heads of the cascade, {heads}, '
                f'got {num_stages}: leave it out'
            )
        check_absent(self.absent, self.inputs)
        self.subset_distillation: SubsetDistillation | None = None
        if subset_distillation is not None:
            self.subset_distillation = build_distillation(
                subset_distillation, self.modalities
            )

    def _check_modalities(self, modalities: Sequence[str] | None) -> None:
        num_modalities = getattr(self.backbone, 'num_modalities', None)
        out_streams = getattr(self.backbone, 'out_streams', num_modalities)
        if num_modalities is None and len(self.modalities) > 1:
            name = type(self.backbone).__name__
            raise ValueError(
                f'`backbone` of a CENSegmentor must be one over the streams '
                f'{self.modalities}, got {name}, which has no num_modalities: wrap it, '
                f"dict(type='CENBackbone', backbone=dict(type={name!r}, ...)), or give "
                f'one that folds streams itself an attribute num_modalities'
            )
        preprocessor = self.data_preprocessor
        auxiliary = getattr(self, 'auxiliary_head', None)
        several = auxiliary if isinstance(auxiliary, nn.ModuleList) else [auxiliary]
        check_agreement(
            {
                'CENSegmentor': None if modalities is None else tuple(modalities),
                'data_preprocessor': tuple(preprocessor.modalities)
                if isinstance(preprocessor, MultimodalPreprocessor)
                else None,
                'decode_head': self.modalities,
                **{
                    f'{i}. auxiliary_head': head.modalities
                    for i, head in enumerate(several)
                    if isinstance(head, EnsembleHead)
                },
            },
            num_modalities,
            merges=out_streams != num_modalities,
        )
        if isinstance(self.backbone, MultimodalBackbone):
            self._check_channels(self.backbone)

    def _check_channels(self, backbone: MultimodalBackbone) -> None:
        preprocessor, packed = self.data_preprocessor, backbone.packed_channels
        if isinstance(preprocessor, MultimodalPreprocessor):
            backbone.check_channels(len(preprocessor.mean))
        elif isinstance(preprocessor, SegDataPreProcessor):
            means = len(getattr(preprocessor, 'mean', ())) or 1  # one is for all
            if means not in (1, packed):
                raise ValueError(
                    f'`data_preprocessor` must normalize the {packed} packed channels '
                    f'of {self.inputs}, got a {type(preprocessor).__name__} with a '
                    f'mean of {means}: take a MultimodalPreprocessor, which has mean '
                    f'and std of each modality'
                )

    @property
    def cfg(self) -> Any:
        """The config that mmseg's ``init_model`` has set, for ``inference_model``."""
        return copy.deepcopy(self._cfg)  # inference_model changes it

    @cfg.setter
    def cfg(self, cfg: Any) -> None:
        self._cfg = with_given_samples(cfg, self.inputs)

    def _init_decode_head(self, decode_head: dict[str, Any]) -> None:
        super()._init_decode_head(decode_head)
        if not isinstance(self.decode_head, EnsembleHead):
            raise ValueError(
                f'`decode_head` of a CENSegmentor must be an EnsembleHead, got '
                f'{type(self.decode_head).__name__}: wrap it, '
                f"dict(type='EnsembleHead', head=dict(...))"
            )
        if self.decode_head.output != ENSEMBLE:
            raise ValueError(
                f'`output` of the EnsembleHead must be left out in a CENSegmentor, '
                f'which predicts all streams and the ensemble, got '
                f'{self.decode_head.output!r}: read `pred_streams` of the samples'
            )
        # What `slide_inference` allocates: all streams and the ensemble.
        self.out_channels = (len(self.modalities) + 1) * self.decode_head.out_channels

    def _init_auxiliary_head(self, auxiliary_head: Any) -> None:
        super()._init_auxiliary_head(auxiliary_head)
        if auxiliary_head is None:
            return
        several = isinstance(self.auxiliary_head, nn.ModuleList)
        for head in self.auxiliary_head if several else [self.auxiliary_head]:
            if not isinstance(head, EnsembleHead):
                raise ValueError(
                    f'`auxiliary_head` of a CENSegmentor must be an EnsembleHead, got '
                    f"{type(head).__name__}: wrap it, dict(type='EnsembleHead', "
                    f'head=dict(...))'
                )

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the streams, in order."""
        return self.decode_head.modalities

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """The losses of the heads; with ``subset_distillation``, its losses, too."""
        if self.subset_distillation is None:
            return super().loss(inputs, data_samples)
        return self.subset_distillation.losses(self, inputs, data_samples)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits of all streams and the ensemble side by side, (B, (M+1)*K, H, W)."""
        return self.decode_head.predict_streams(
            self.extract_feat(inputs), batch_img_metas, self.test_cfg
        )

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list | None = None
    ) -> list:
        samples = super().postprocess_result(seg_logits, data_samples)
        for sample in samples:
            parts = sample.seg_logits.data.chunk(len(self.modalities) + 1)
            if self.decode_head.out_channels == 1:
                # As `EncoderDecoder` does, which sees more than one channel here.
                parts = [part.sigmoid() for part in parts]
            self.set_predictions(
                sample, dict(zip([*self.modalities, ENSEMBLE], parts, strict=True))
            )
        return samples

    def set_predictions(self, sample: Any, scores: dict[str, Tensor]) -> None:
        """Write ``scores`` and the classes they predict into ``sample``.

        Streams whose modality is absent are left out.

        Args:
            sample: A ``SegDataSample``, changed in place.
            scores: Logits or probabilities (K, H, W) of each stream and the ensemble;
                of a binary model, probabilities (1, H, W).
        """
        absent = {*self.absent, *(sample.get('absent') or ())}
        present = [name for name in self.modalities if name not in absent]
        classes = {
            m: classify(scores[m], self.decode_head) for m in [*present, ENSEMBLE]
        }
        sample.set_data(
            dict(
                seg_logits=PixelData(data=scores[ENSEMBLE]),
                pred_sem_seg=PixelData(data=classes[ENSEMBLE]),
                stream_logits=PixelData(**{m: scores[m] for m in present}),
                pred_streams=PixelData(**{m: classes[m] for m in present}),
            )
        )


def is_cen_segmentor(model: Any) -> bool:
    """Whether a model's config is of a :class:`CENSegmentor`, or a class made of it."""
    kind: Any = registered_type(model) if model else None
    return inspect.isclass(kind) and issubclass(kind, CENSegmentor)
