"""The head of a task: any decode head, over the streams of the task.

There is a stream for each modality; their average is that of an
:class:`~mmseg_cen.models.EnsembleHead`. With one modality, the only stream is the
prediction.
"""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.models import EnsembleHead
from mmseg_cen.streams.fold import ENSEMBLE


class TaskHead(BaseModule):
    """Base of the heads of one task.

    Args:
        head: Config of a decode head, as for the unimodal model.
        modalities: Names of the streams of the task; the segmentor gives them.
        **kwargs: Arguments of :class:`EnsembleHead`.

    Shape:
        - Input: folded features of the task's streams, (B*M, C_i, H_i, W_i).

    Raises:
        ValueError: If the decode head is refused, see :class:`EnsembleHead`.
    """

    #: Whether the loss is that of a classification, see :class:`UncertaintyWeights`.
    classifies = False
    #: Field of a sample that has the target.
    target: str

    def __init__(
        self, head: dict[str, Any], modalities: Sequence[str] = ('rgb',), **kwargs: Any
    ) -> None:
        super().__init__()
        self.streams = EnsembleHead(head, modalities, **kwargs)
        if len(self.modalities) == 1 and self.streams.concat is None:
            self.streams.alpha_logits.requires_grad_(False)  # always 1

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the streams, in order."""
        return self.streams.modalities

    @property
    def out_channels(self) -> int:
        """Channels of the outputs of all streams and the ensemble, side by side."""
        return (len(self.modalities) + 1) * self.streams.out_channels

    def loss(self, feats: Any, samples: list[Any], train_cfg: Any) -> dict[str, Tensor]:
        """The losses of each stream and, of several, of the ensemble."""
        for sample in samples:
            if self.target not in sample:
                raise ValueError(
                    f'samples must have `{self.target}` for {type(self).__name__}, got '
                    f'none in {sample.get("img_path") or "a sample"}: load it in the '
                    f'`pipeline`, and pack it by PackMultitaskInputs'
                )
        losses = self.losses_of_outputs(feats, samples, train_cfg)
        if len(self.modalities) > 1:
            return losses
        return {k: v for k, v in losses.items() if not k.startswith(f'{ENSEMBLE}.')}

    def losses_of_outputs(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The losses of each stream and of the ensemble, ``'rgb.loss_...'``."""
        raise NotImplementedError

    def predict(self, feats: Any, metas: list[dict[str, Any]], test_cfg: Any) -> Tensor:
        """Outputs at the size of the input, (B, :attr:`out_channels`, H, W)."""
        return self.streams.predict_streams(feats, metas, test_cfg)

    def write(self, sample: Any, maps: Tensor, absent: Sequence[str]) -> None:
        """Write the predictions into a sample.

        Args:
            sample: A ``SegDataSample``, changed in place.
            maps: What :meth:`predict` returns, as the sample is seen,
                (:attr:`out_channels`, H, W).
            absent: Names of the modalities that the sample lacks.
        """
        names = [*self.modalities, ENSEMBLE]
        parts = dict(zip(names, maps.chunk(len(names)), strict=True))
        shown = [name for name in self.modalities if name not in absent]
        self.put(sample, parts[ENSEMBLE], {name: parts[name] for name in shown})

    def put(self, sample: Any, ensemble: Tensor, streams: dict[str, Tensor]) -> None:
        """Write the outputs (C, H, W) of the ensemble and the streams into a sample."""
        raise NotImplementedError


@MODELS.register_module()
class SegmentationHead(TaskHead):
    """Classes, by any decode head that an :class:`EnsembleHead` takes.

    Predicted samples have ``seg_logits`` and ``pred_sem_seg``; with several modalities
    also ``pred_streams``, with one field per modality.

    Args: As of :class:`TaskHead`.
    """

    classifies = True
    target = 'gt_sem_seg'

    def losses_of_outputs(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        return self.streams.loss(feats, samples, train_cfg)

    def put(self, sample: Any, ensemble: Tensor, streams: dict[str, Tensor]) -> None:
        def classes(logits: Tensor) -> Tensor:
            if len(logits) > 1:
                return logits.argmax(dim=0, keepdim=True)
            return (logits.sigmoid() > (self.streams.threshold or 0)).to(logits)

        binary = len(ensemble) == 1  # probabilities, as those of a CENSegmentor
        scores = ensemble.sigmoid() if binary else ensemble
        sample.seg_logits = PixelData(data=scores)
        sample.pred_sem_seg = PixelData(data=classes(ensemble))
        if len(self.modalities) > 1:
            fields = {name: classes(logits) for name, logits in streams.items()}
            sample.pred_streams = PixelData(**fields)
