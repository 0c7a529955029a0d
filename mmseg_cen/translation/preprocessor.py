"""Give the sources of a translation a common number of channels, and batch them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmseg.registry import MODELS

from mmseg_cen.modality import check_modality_names
from mmseg_cen.streams.precision import at_least_float32


@MODELS.register_module()
class TranslationPreprocessor(BaseDataPreprocessor):
    """Repeat the channels of every source to a common number, and batch the samples.

    The streams share their convolutions and therefore have the same number of channels:
    a source with fewer channels repeats them cyclically (paper, footnote 2). Values
    stay in [-1, 1].

    Args:
        sources: Names of the sources in the order of the streams; or a dict, the number
            of channels under each name, which is then checked too. :class:`CENPix2Pix`
            hands its own ``sources`` on and brings a dict into their order.
        num_channels: Channels C of every stream; ``None``: the least common multiple
            of the channels of all sources.
        **kwargs: Passed to :class:`mmengine.model.BaseDataPreprocessor`.

    Shape:
        - Input: ``inputs``, B tensors (C_1 + ... + C_M, H, W), as a list or stacked.
        - Output: ``inputs``, packed sources, (B, M*C, H, W).

    Raises:
        ValueError: If an argument is out of its range, or the samples have other
            sources, other channels or different sizes.
    """

    def __init__(
        self,
        sources: Sequence[str] | Mapping[str, int],
        num_channels: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(sources, str):
            raise ValueError(
                f'`sources` must be a list of names, got {sources!r}: put it in a list'
            )
        self.sources = tuple(sources)
        check_modality_names(self.sources)
        if len(set(self.sources)) < len(self.sources):
            raise ValueError(
                f'`sources` must differ, got {self.sources}: name each once'
            )
        self.channels = dict(sources) if isinstance(sources, Mapping) else None
        counts = [*(self.channels or {}).values(), num_channels or 1]
        if not all(isinstance(count, int) and count > 0 for count in counts):
            raise ValueError(
                'numbers of channels must be positive integers, got '
                f'sources={sources} and num_channels={num_channels}: correct them'
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
                    f'side, got shape {tuple(image.shape)}: pack them with '
                    'PackTranslationInputs'
                )
        if len(sizes := {tuple(image.shape[1:]) for image in images}) > 1:
            raise ValueError(
                f'the images of a batch must have one size, got {sorted(sizes)}: '
                'resize or crop them in the pipeline, or set batch_size=1'
            )
        index = self.channel_index(channels)
        batch = at_least_float32(
            torch.stack([self.cast_data(image) for image in images])
        )
        return {
            **data,
            'inputs': batch[:, torch.tensor(index, device=batch.device)],
            'data_samples': self.cast_data(samples),
        }

    def _channels(self, samples: Sequence[Any]) -> dict[str, int]:
        """Channels of the sources, on which all samples must agree."""
        channels = self.channels
        for sample in samples:
            found = dict(sample.metainfo['sources'])
            if channels is None and tuple(found) == self.sources:
                channels = found
            if found != channels or tuple(found) != self.sources:
                raise ValueError(
                    '`sources` of the data set must be the sources of the data '
                    'preprocessor, in their order and with their channels, '
                    f'{channels or self.sources}, got {found}: make them agree'
                )
        if channels is None:
            raise ValueError(
                'without `data_samples`, `sources` must be a dict with the number of '
                f'channels of each source, got {self.sources}: write '
                'sources=dict(depth=1, ...)'
            )
        return channels

    def _stream_channels(self, channels: Mapping[str, int]) -> int:
        """Channels C of every stream."""
        C = self.num_channels or math.lcm(*channels.values())
        if max(channels.values()) > C:
            raise ValueError(
                '`num_channels` must be at least the channels of every source, got '
                f'num_channels={self.num_channels} and {dict(channels)}: give more, or '
                'leave it out'
            )
        return C

    def channel_index(self, channels: Mapping[str, int]) -> list[int]:
        """Number of the input channel that each of the M*C channels repeats.

        Args:
            channels: Channels of each source, in the order of the streams.
        """
        C = self._stream_channels(channels)
        index: list[int] = []
        offset = 0
        for count in channels.values():
            index.extend(offset + c % count for c in range(C))
            offset += count
        return index


def with_sources(data_preprocessor: Any, sources: Sequence[str]) -> Any:
    """Complete the config of a data preprocessor by the sources of the model.

    ``sources`` decide the order, too: a dict in the config may have been sorted by its
    keys, as mmengine does when it writes a config to a file.

    Args:
        data_preprocessor: Config; returned as it is unless its type is a
            :class:`TranslationPreprocessor`.
        sources: Names of the sources, in the order of the streams.
    """
    if not isinstance(data_preprocessor, Mapping):
        return data_preprocessor
    found = data_preprocessor.get('type')
    found = MODELS.get(found) if isinstance(found, str) else found
    if not (isinstance(found, type) and issubclass(found, TranslationPreprocessor)):
        return data_preprocessor
    named = sources if isinstance(sources, str) else tuple(sources)
    own = data_preprocessor.get('sources', named)  # a word is refused
    if isinstance(own, Mapping) and {*own} == {*sources}:
        own = {name: own[name] for name in sources}
    return {**data_preprocessor, 'sources': own}
