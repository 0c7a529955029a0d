"""FID and KID of every stream and of the ensemble."""

import logging
import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, cast

import torch
from mmengine.device import get_device
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS, MODELS
from prettytable import PrettyTable
from torch import Tensor, nn

from mmseg_cen.streams.fold import ENSEMBLE

from ..outputs import (
    check_shape,
    named_outputs,
    target_and_validity,
    to_three_channels,
    to_uint8,
)
from .distances import frechet_distance, kernel_distances
from .released import released_picture

Extractor = Callable[[Tensor], Tensor]

_KEYS = ('FID', 'KID', 'KID_std')
_TARGET = '/target'  # no name of a modality has a slash

# Resizing to the network, number and size of the subsets of KID.
_PROTOCOLS: dict[str, tuple[str, int, int]] = {
    'standard': ('tensorflow', 100, 1000),
    'released': ('pytorch', 50, 1000),
}


@METRICS.register_module()
class GenerativeMetric(BaseMetric):
    """FID and KID of each stream and of the ensemble, in one pass.

    Keys are ``FID``, ``KID`` and ``KID_std`` for the ensemble; the keys of a stream
    begin with its source, ``depth/FID``. KID is given times 100, as in the paper: mean
    and standard deviation over random subsets. With fewer images than features (500 to
    2048 in the paper) FID is biased upwards; KID is not. Of an output with a pixel that
    is not finite, both are NaN.

    FID and KID need a network with weights. If the weights or the library are missing,
    the metric warns **when it is built**, before the first iteration, and says which
    file to place where. Its values are then NaN; other metrics and the training go on.
    With ``required`` it raises an error instead; set it with ``save_best='FID'``.

    Protocols:

    - ``'standard'``: images as they are, with 256 levels; TensorFlow's resizing.
    - ``'released'``: the evaluation of the paper's released code, to compare with its
      figures: every image stretched to its own minimum and maximum and drawn by
      matplotlib (:func:`~.released.released_picture`), PyTorch's resizing without
      antialias, 50 subsets of min(1000, N) images for KID: with up to 1000 images all
      are the same, and the standard deviation is 0. Keys begin with ``released/``.
      (That code also leaves the dropout on: ``test_protocol`` of the model.)

    Args:
        protocol: ``'standard'`` or ``'released'``.
        extractor: Network of the features: a config of ``MODELS``, or a callable. By
            default :class:`InceptionFeatures`.
        weights: Weights of the default extractor, see :class:`InceptionFeatures`.
        required: Raise an error instead of a warning if the network is missing.
        num_subsets: Random subsets of KID; ``None``: as many as the protocol has.
        subset_size: Images of a subset; ``None``: as many as the protocol has. If there
            are no more images, half of them: else all subsets would be the same.
        seed: Seed of the subsets.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Shape of the extractor:
        (B, 3, H, W) uint8, RGB → (B, D). Images of one channel are tiled. Pixels
        without a valid target are black in the target and in the prediction.

    Raises:
        ValueError: If the protocol is unknown or the extractor's output is not (B, D).
        ImportError: If the library is missing and ``required`` is set.
        OSError: If the weights are missing and ``required`` is set.
    """

    def __init__(
        self,
        protocol: str = 'standard',
        extractor: dict[str, Any] | Extractor | None = None,
        weights: str | None = None,
        required: bool = False,
        num_subsets: int | None = None,
        subset_size: int | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if protocol not in _PROTOCOLS:
            raise ValueError(
                f'`protocol` must be one of {tuple(_PROTOCOLS)}, got {protocol!r}: '
                'choose one of them'
            )
        if protocol == 'released':
            kwargs.setdefault('prefix', 'released')
        super().__init__(**kwargs)
        self.protocol = protocol
        resize, default_subsets, default_size = _PROTOCOLS[protocol]
        self.num_subsets = default_subsets if num_subsets is None else num_subsets
        self.subset_size = default_size if subset_size is None else subset_size
        if self.num_subsets < 1 or self.subset_size < 2:
            raise ValueError(
                '`num_subsets` must be at least 1 and `subset_size` at least 2, got '
                f'{num_subsets} and {subset_size}: give larger numbers'
            )
        self.seed = seed
        if extractor is None:
            extractor = dict(type='InceptionFeatures', weights=weights, resize=resize)
        elif weights is not None:
            raise ValueError(
                '`weights` must be None unless the extractor is the default one, got '
                f'{weights!r}: load them in the extractor'
            )
        self.extractor = self._build(extractor, required)

    def _build(
        self, extractor: dict[str, Any] | Extractor, required: bool
    ) -> Extractor | None:
        built = extractor
        if isinstance(extractor, dict):
            try:
                built = MODELS.build(extractor)
            except (ImportError, OSError) as error:
                if required:
                    raise
                print_log(
                    f'FID and KID are not computed and will be NaN: {error}',
                    MMLogger.get_current_instance(),
                    level=logging.WARNING,
                )
                return None
        if isinstance(built, nn.Module):
            built.eval().to(get_device())
        return cast(Extractor, built)

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        pictures: list[Tensor] = []
        is_finite: list[bool] = []  # which pictures do not show
        names: list[list[str]] = []
        for sample in data_samples:
            target, valid = target_and_validity(sample)
            outputs = named_outputs(sample)
            names.append(list(outputs))
            if self.extractor is None:
                continue
            for name, image in outputs.items():
                check_shape(name, image, target)
            for image in (*outputs.values(), target):
                known = image.to(target.device).where(valid, -1)
                is_finite.append(bool(known.isfinite().all()))
                pictures.append(self._picture(known))
        features = (
            found if finite else torch.full_like(found, math.nan)
            for found, finite in zip(self._extract(pictures), is_finite, strict=True)
        )
        for outputs_of_sample in names:
            if self.extractor is None:
                self.results.append(dict.fromkeys(outputs_of_sample))
                continue
            result = {name: next(features) for name in outputs_of_sample}
            self.results.append({**result, _TARGET: next(features)})

    def _picture(self, image: Tensor) -> Tensor:
        if self.protocol == 'released':
            return released_picture(image)
        return to_three_channels(to_uint8(image))

    def _extract(self, pictures: list[Tensor]) -> list[Tensor]:
        """Features, (D,) float32 on the CPU, of pictures of any sizes."""
        features: list[Tensor] = []
        for _, group in groupby(pictures, key=lambda picture: picture.shape):
            batch = torch.stack(list(group)).to(get_device())
            found = self.extractor(batch)  # type: ignore[misc]
            if found.ndim != 2 or len(found) != len(batch):
                raise ValueError(
                    'the extractor must return (B, D) features, got '
                    f'{tuple(found.shape)} for images {tuple(batch.shape)}: correct '
                    '`extractor`'
                )
            features += found.detach().float().cpu()
        return features

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        outputs = [name for name in results[0] if name != _TARGET]
        logger = MMLogger.get_current_instance()
        if self.extractor is not None and len(results) < 2:
            print_log(
                f'FID and KID must have 2 images or more, got {len(results)}: they '
                'are NaN, test on more',
                logger,
                level=logging.WARNING,
            )
        metrics: dict[str, float] = {}
        table = PrettyTable(['Output', *_KEYS])
        for output in outputs:
            values = self._distances(results, output)
            table.add_row([output, *(f'{value:.4g}' for value in values)])
            prefix = '' if output == ENSEMBLE else f'{output}/'
            metrics |= {
                prefix + key: value for key, value in zip(_KEYS, values, strict=True)
            }
        title = f'{self.protocol} FID and KID (x100) of {len(results)} images'
        print_log(f'{title}:\n{table}', logger)
        return metrics

    def _distances(
        self, results: list[dict[str, Tensor]], output: str
    ) -> tuple[float, float, float]:
        if self.extractor is None or len(results) < 2:
            return math.nan, math.nan, math.nan
        predicted = torch.stack([result[output] for result in results])
        real = torch.stack([result[_TARGET] for result in results])
        kid = 100 * kernel_distances(
            predicted, real, self.num_subsets, self._size(len(results)), self.seed
        )
        deviation = float(kid.std(correction=0))
        return frechet_distance(predicted, real), float(kid.mean()), deviation

    def _size(self, num_images: int) -> int:
        """Number of images in each subset of KID."""
        if self.protocol == 'released':
            return min(self.subset_size, num_images)
        if self.subset_size < num_images:
            return self.subset_size
        size = max(num_images // 2, 2)
        print_log(
            f'KID: subsets of {self.subset_size} among {num_images} images would all '
            f'be the same; they have {size} (subset_size={size} says so).',
            MMLogger.get_current_instance(),
            level=logging.WARNING,
        )
        return size
