"""What a report counts of the predictions of each sample."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmseg_cen.metrics.samples import streams_of
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.translation.outputs import named_outputs, target_and_validity
from mmseg_cen.translation.visualization import draw_translation
from mmseg_cen.visualization.panels import Picture, default_palette
from mmseg_cen.visualization.samples import draw_sample

from .predictions import BINS, confidence_bins, confusion_of, mean_iou


class ClassCounts:
    """What is counted of labeled samples."""

    metric = 'mIoU'

    def __init__(self, metainfo: dict[str, Any]) -> None:
        self.classes = list(metainfo['classes'])
        self.ignore_index = metainfo.get('ignore_index')
        self.palette = metainfo.get('palette') or default_palette(len(self.classes))
        self.outputs: list[str] = []
        self.scores: list[float] = []
        self._sums: dict[str, list[NDArray]] = {}

    def add(self, sample: Any) -> None:
        fields = sample.to_dict()
        true = fields['gt_sem_seg']['data'].squeeze().cpu().numpy()
        num_classes = len(self.classes)
        known = (true >= 0) & (true < num_classes) & (true != self.ignore_index)
        predicted = {
            name: (labels, fields.get('stream_logits', {}).get(name))
            for name, labels in streams_of(fields).items()
        }
        predicted[ENSEMBLE] = (
            fields['pred_sem_seg']['data'].squeeze().long(),
            fields.get('seg_logits', {}).get('data'),
        )
        for name, (labels, scores) in predicted.items():
            classes = labels.cpu().numpy()[known]
            confusion = confusion_of(classes, true[known], num_classes)
            bins = np.zeros((BINS, 3))
            if scores is not None:
                confidence = _confidence(scores, labels).cpu().numpy()[known]
                bins = confidence_bins(confidence, classes == true[known])
            sums = self._sums.setdefault(name, [0 * confusion, 0 * bins])
            sums[0] += confusion
            sums[1] += bins
            if name == ENSEMBLE:
                self.scores.append(mean_iou(confusion))
        streams = [name for name in self._sums if name != ENSEMBLE]
        self.outputs = [*streams, ENSEMBLE]

    @property
    def confusion(self) -> NDArray[np.int64]:
        return np.stack([self._sums[name][0] for name in self.outputs])

    @property
    def calibration(self) -> NDArray[np.float64]:
        return np.stack([self._sums[name][1] for name in self.outputs])

    @staticmethod
    def draw(inputs: NDArray, sample: Any, metainfo: dict[str, Any]) -> Picture:
        return draw_sample(inputs, sample, metainfo)


class TranslationCounts:
    """What is counted of translated samples."""

    metric = 'MAE'
    classes: list[str] = []
    palette: list[list[int]] = []

    def __init__(self, metainfo: dict[str, Any]) -> None:
        self.outputs: list[str] = []
        self.scores: list[float] = []
        self.confusion = np.zeros((0, 0, 0), np.int64)
        self.calibration = np.zeros((0, BINS, 3))

    def add(self, sample: Any) -> None:
        fields = sample.to_dict()
        outputs = named_outputs(fields)
        self.outputs = list(outputs)
        target, valid = target_and_validity(fields)
        image = outputs[ENSEMBLE].to(target.device)
        errors = (image - target)[valid.expand_as(target)]
        self.scores.append(float(errors.abs().mean()))

    @staticmethod
    def draw(inputs: NDArray, sample: Any, metainfo: dict[str, Any]) -> Picture:
        return draw_translation(inputs, sample)


def _confidence(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Probability of the predicted class, (H, W)."""
    if len(scores) == 1:  # a binary model's, which are probabilities
        return torch.where(labels > 0, scores[0], 1 - scores[0])
    return scores.float().softmax(0).amax(0)
