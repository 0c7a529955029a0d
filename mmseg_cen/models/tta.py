"""Test-time augmentation that keeps every stream."""

from functools import reduce
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder, SegTTAModel
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.streams.fold import ENSEMBLE

from .extended import registered_type
from .preprocessor import MultimodalPreprocessor
from .segmentor import CENSegmentor
from .streamed_segmentor import classify


@MODELS.register_module(name=['CENTTAModel', 'SegTTAModel'], force=True)
class CENTTAModel(SegTTAModel):
    """Average the probabilities of each stream and of the ensemble.

    It takes the place of the toolbox's ``SegTTAModel``, which existing configs name:
    that one would average the ensemble alone, hand on the streams of one augmented
    version, and take the sigmoid of probabilities of a binary model. Predictions have
    the averages as ``seg_logits``. For models of one image it is ``SegTTAModel``.

    Args:
        module: The model, or its config.
        data_preprocessor: Of a model without one. mmengine hands over the variable of
            this name that configs of the toolbox have, for single images, and would
            let it replace a :class:`MultimodalPreprocessor`.
    """

    def __init__(self, module: Any, data_preprocessor: Any = None) -> None:
        own = module.get('data_preprocessor') if isinstance(module, dict) else None
        kind = registered_type(own) if isinstance(own, dict) else None
        if isinstance(kind, type) and issubclass(kind, MultimodalPreprocessor):
            data_preprocessor = None
        super().__init__(module, data_preprocessor)

    def merge_preds(self, data_samples_list: list[list[Any]]) -> list[Any]:
        """Merge the predictions of the augmented versions of each sample.

        Args:
            data_samples_list: For each sample, its predictions, at its original size.
        """
        model = self.module
        if not isinstance(model, CENSegmentor) and not (
            isinstance(model, EncoderDecoder)
            and isinstance(model.data_preprocessor, MultimodalPreprocessor)
        ):
            return super().merge_preds(data_samples_list)
        return [self._merged(augmented) for augmented in data_samples_list]

    def _merged(self, augmented: list[Any]) -> Any:
        first = augmented[0]
        # Not all streams have a prediction where a modality is absent.
        streams = first.stream_logits.keys() if 'stream_logits' in first else ()
        scores = {}
        for name in (*streams, ENSEMBLE):
            probabilities = (self._probabilities(s, name) for s in augmented)
            scores[name] = reduce(torch.add, probabilities) / len(augmented)
        if isinstance(self.module, CENSegmentor):
            self.module.set_predictions(first, scores)
        else:
            classes = classify(scores[ENSEMBLE], self._head)
            first.set_data(
                dict(
                    seg_logits=PixelData(data=scores[ENSEMBLE]),
                    pred_sem_seg=PixelData(data=classes),
                )
            )
        return first

    @property
    def _head(self) -> Any:
        """The head that predicts, the last one of a cascade."""
        head = self.module.decode_head
        return head[-1] if isinstance(head, nn.ModuleList) else head

    def _probabilities(self, sample: Any, name: str) -> Tensor:
        logits = (
            sample.seg_logits.data
            if name == ENSEMBLE
            else sample.stream_logits.get(name)
        )
        return logits if self._head.out_channels == 1 else logits.softmax(dim=0)
