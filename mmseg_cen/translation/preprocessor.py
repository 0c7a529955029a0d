"""Bring the packed sources of a translation to the form a network takes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmseg.registry import MODELS

from mmseg_cen.modality import check_modality_names

from .losses import at_least_float32


@MODELS.register_module()
class TranslationPreprocessor(BaseDataPreprocessor):
    """Repeat the channels of every source to a common number, and batch the samples.

    The streams share their convolutions, so they get the same number of channels: a
    source with fewer repeats them cyclically (paper, footnote 2). Sources come in
    [-1, 1] and stay there.

    Args:
        sources: Names of the sources in the order of the streams, with their numbers of
            channels if these are to be checked too.
        num_channels: Channels C of every stream; ``None``: the least common multiple
            of those of the sources.
        **kwargs: Passed to :class:`mmengine.model.BaseDataPreprocessor`.

    Shape:
        - Input: ``inputs``, B tensors (C_1 + ... + C_M, H, W), as a list or stacked.
        - Output: ``inputs``, packed sources, (B, M*C, H, W).

    Raises:
        ValueError: If an argument has no meaning, or the samples have other sources,
            other channels or different sizes.
    """

    def __init__(
        self,
        sources: Sequence[str] | Mapping[str, int],
        num_channels: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(sources, str):
            raise ValueError(f'`sources` must be a list of names, got {sources!r}')
        self.sources = tuple(sources)
        check_modality_names(self.sources)
        if len(set(self.sources)) < len(self.sources):
            raise ValueError(f'`sources` must differ, got {self.sources}')
        self.channels = dict(sources) if isinstance(sources, Mapping) else None
        counts = [*(self.channels or {}).values(), num_channels or 1]
        if not all(isinstance(count, int) and count > 0 for count in counts):
            raise ValueError(
                'numbers of channels must be positive integers, got '
                f'sources={sources} and num_channels={num_channels}'
            )
        self.num_channels = num_channels
        if self.channels is not None:
            self._stream_channels(self.channels)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Preprocess one batch."""
        samples = data.get('data_samples')
        channels = self._channels(samples or [])
        images = list(data['inputs'])
        for image in images:
            if image.ndim != 3 or len(image) != sum(channels.values()):
                raise ValueError(
                    f'inputs must have the channels of the sources {channels} side by '
                    f'side, got shape {tuple(image.shape)}'
                )
        if len(sizes := {tuple(image.shape[1:]) for image in images}) > 1:
            raise ValueError(
                f'the images of a batch must have one size, got {sorted(sizes)}: '
                'resize or crop them in the pipeline, or set batch_size=1'
            )
        index = self._channel_index(channels)
        batch = at_least_float32(
            torch.stack([self.cast_data(image) for image in images])
        )
        return {
            **data,
            'inputs': batch[:, torch.tensor(index, device=batch.device)],
            'data_samples': self.cast_data(samples),
        }

    def _channels(self, samples: Sequence[Any]) -> dict[str, int]:
        """Channels of the sources, which must be those of every sample."""
        channels = self.channels
        for sample in samples:
            found = dict(sample.metainfo['sources'])
            if channels is None and tuple(found) == self.sources:
                channels = found
            if found != channels or tuple(found) != self.sources:
                raise ValueError(
                    'the sources of the data, their order and channels must be those '
                    f'of the data preprocessor, {channels or self.sources}, got {found}'
                )
        if channels is None:
            raise ValueError(
                'without `data_samples`, the number of channels of each source must be '
                f'in the config, got {self.sources}: write sources=dict(depth=1, ...)'
            )
        return channels

    def _stream_channels(self, channels: Mapping[str, int]) -> int:
        """Channels C of every stream."""
        C = self.num_channels or math.lcm(*channels.values())
        if max(channels.values()) > C:
            raise ValueError(
                'no source may have more channels than `num_channels`, got '
                f'num_channels={self.num_channels} and {dict(channels)}'
            )
        return C

    def _channel_index(self, channels: Mapping[str, int]) -> list[int]:
        """For each of the M*C channels, that of the input which it repeats."""
        C = self._stream_channels(channels)
        index: list[int] = []
        offset = 0
        for count in channels.values():
            index.extend(offset + c % count for c in range(C))
            offset += count
        return index
