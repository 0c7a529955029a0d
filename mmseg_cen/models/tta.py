"""Test-time augmentation that keeps every stream."""

from functools import reduce
from typing import Any

import torch
from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE

from .segmentor import CENSegmentor


@MODELS.register_module()
class CENTTAModel(SegTTAModel):
    """Average the probabilities of each stream and of the ensemble.

    For models other than :class:`CENSegmentor` it behaves like ``SegTTAModel``.
    """

    def merge_preds(self, data_samples_list: list[list[Any]]) -> list[Any]:
        """Merge the predictions of the augmented versions of each sample.

        Args:
            data_samples_list: For each sample, its predictions, at its original size.
        """
        if not isinstance(self.module, CENSegmentor):
            return super().merge_preds(data_samples_list)
        merged = []
        for augmented in data_samples_list:
            scores = {}
            # Not all have a prediction where a modality is absent.
            for name in (*augmented[0].stream_logits.keys(), ENSEMBLE):
                probabilities = (self._probabilities(s, name) for s in augmented)
                scores[name] = reduce(torch.add, probabilities) / len(augmented)
            self.module.set_predictions(augmented[0], scores)
            merged.append(augmented[0])
        return merged

    def _probabilities(self, sample: Any, name: str) -> Tensor:
        logits = (
            sample.seg_logits.data
            if name == ENSEMBLE
            else sample.stream_logits.get(name)
        )
        binary = self.module.decode_head.out_channels == 1
        return logits if binary else logits.softmax(dim=0)
