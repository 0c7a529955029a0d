"""Bring packed modalities to the form a network takes."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS

from mmseg_cen.modality import check_modality_names

OPTIONS = ('mean', 'std', 'channels', 'bgr_to_rgb')


@MODELS.register_module()
class MultimodalPreprocessor(SegDataPreProcessor):
    """Order, repeat, normalize and pad the channels of every modality.

    Every stream gets the same number of channels, for the network is shared: a modality
    with fewer repeats them cyclically (paper, footnote 2). A modality that is
    ``absent``, as the metainfo of a sample says, is 0: its mean.

    Args:
        modalities: Under the name of each modality, in the order of the streams, a dict
            with ``mean`` and ``std``, one value per channel, in the order the network
            gets and in the units of the loaded arrays; ``channels``, which is needed
            without them; and ``bgr_to_rgb``, whether to reverse its 3 channels, which
            is by default done for the name 'rgb' only.
        num_channels: Channels C of every stream; ``None``: the least common multiple
            of those of the modalities.
        **kwargs: Passed to :class:`mmseg.models.SegDataPreProcessor`. Padding happens
            after normalization, without ``size`` and ``size_divisor`` to the size of
            the largest sample of a training batch.

    Shape:
        - Input: ``inputs``, a list of B tensors (C_1 + ... + C_M, H, W).
        - Output: ``inputs``, packed modalities, (B, M*C, H, W).

    Raises:
        ValueError: If an option has no meaning, or the samples have other modalities.
    """

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Any]],
        num_channels: int | None = None,
        **kwargs: Any,
    ) -> None:
        if misplaced := sorted(
            {'mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr'} & set(kwargs)
        ):
            raise ValueError(
                f'{misplaced} must be given for each modality, in `modalities`, got '
                'them for all'
            )
        if kwargs.get('size') is None and kwargs.get('size_divisor') is None:
            kwargs['size_divisor'] = 1  # to the largest sample of the batch
        super().__init__(**kwargs)
        check_modality_names(list(modalities))
        self.modalities = {
            name: _num_channels(name, options) for name, options in modalities.items()
        }
        self.num_channels = num_channels or math.lcm(*self.modalities.values())
        if self.num_channels < max(self.modalities.values()):
            raise ValueError(
                'no modality may have more channels than `num_channels`, got '
                f'num_channels={num_channels} and {self.modalities}'
            )

        index: list[int] = []
        mean: list[float] = []
        std: list[float] = []
        offset = 0
        for name, options in modalities.items():
            C = self.modalities[name]
            order = range(offset, offset + C)
            if options.get('bgr_to_rgb', name == 'rgb'):
                order = order[::-1]
            for c in range(self.num_channels):
                index.append(order[c % C])
                mean.append(options.get('mean', [0.0] * C)[c % C])
                std.append(options.get('std', [1.0] * C)[c % C])
            offset += C
        self._enable_normalize = True
        self.register_buffer('channel_index', torch.tensor(index), False)
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Preprocess one batch."""
        self._check(data)
        data = self.cast_data(data)
        inputs = [sample[self.channel_index] for sample in data['inputs']]
        data = super().forward({**data, 'inputs': inputs}, training)
        names = list(self.modalities)
        for b, sample in enumerate(data['data_samples'] or []):
            for name in sample.get('absent') or ():
                first = names.index(name) * self.num_channels
                data['inputs'][b, first : first + self.num_channels] = 0
        return data

    def _check(self, data: Mapping[str, Any]) -> None:
        for sample in data.get('data_samples') or []:
            found = sample.metainfo.get('modalities', self.modalities)
            if list(found.items()) != list(self.modalities.items()):
                raise ValueError(
                    'the modalities of the data, their order and channels must be '
                    f'those of the data preprocessor, {self.modalities}, got {found}'
                )
        for sample in data['inputs']:
            if len(sample) != sum(self.modalities.values()):
                raise ValueError(
                    'inputs must have the channels of the modalities '
                    f'{self.modalities} side by side, got shape {tuple(sample.shape)}'
                )


def _num_channels(name: str, options: Mapping[str, Any]) -> int:
    """Number of channels that the options of a modality agree upon."""
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ValueError(
            f'unknown options {unknown} of modality {name!r}: allowed are {OPTIONS}'
        )
    if ('mean' in options) != ('std' in options):
        raise ValueError(f'modality {name!r} must have both `mean` and `std`, or none')
    counts = {len(options[key]) for key in ('mean', 'std') if key in options}
    counts |= {options['channels']} if 'channels' in options else set()
    if len(counts) != 1 or min(counts) < 1:
        raise ValueError(
            f'modality {name!r} must have one `mean` and `std` per channel, or '
            f'`channels`, got {dict(options)}'
        )
    if not all(value > 0 for value in options.get('std', [])):
        raise ValueError(
            f'`std` of modality {name!r} must be positive, got {options["std"]}'
        )
    channels: int = counts.pop()
    if options.get('bgr_to_rgb', name == 'rgb') and channels != 3:
        raise ValueError(
            f'`bgr_to_rgb` of modality {name!r} needs 3 channels, got {channels}: '
            'set it to False'
        )
    return channels
