"""Bring packed modalities to the form a network takes."""

import logging
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from mmengine.logging import print_log
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.corruptions import corrupted, name_of_draws
from mmseg_cen.modality import check_modality_names

from .modalities import check_names

OPTIONS = ('mean', 'std', 'channels', 'bgr_to_rgb')


@MODELS.register_module()
class MultimodalPreprocessor(SegDataPreProcessor):
    """Order, repeat, normalize and pad the channels of every modality.

    Every stream gets the same number of channels, for the network is shared: a modality
    with fewer repeats them cyclically (paper, footnote 2). A modality that is
    ``absent``, as the metainfo of a sample says, is 0: its mean. What the metainfo has
    as ``corruptions`` is done behind the normalization, see
    :class:`~mmseg_cen.corruptions.Corruption`.

    The modalities of the data are matched by name, whatever their order: ``modalities``
    in the metainfo of a sample tells how its channels are packed. Batches are packed in
    the order of the streams, which ``streams`` in the metainfo then tells.

    Args:
        modalities: Under the name of each modality, a dict with ``mean`` and ``std``,
            one value per channel, in the order the network gets and in the units of
            the loaded arrays; ``channels``, which is needed without them; and
            ``bgr_to_rgb``, whether to reverse the 3 channels, by default of the
            modality named 'rgb' only.
        num_channels: Channels C of every stream; ``None``: the least common multiple
            of those of the modalities.
        order: Names of the modalities that the network takes, in the order of the
            streams; a CENSegmentor gives them. ``None``: all ``modalities``, in their
            order, which a config file that mmengine writes does not keep.
        **kwargs: Passed to :class:`mmseg.models.SegDataPreProcessor`. Padding happens
            after normalization, without ``size`` and ``size_divisor`` to the size of
            the largest sample of a training batch.

    Shape:
        - Input: ``inputs``, a list of B tensors (C_1 + ... + C_M, H, W).
        - Output: ``inputs``, packed modalities, (B, M*C, H, W).

    Raises:
        ValueError: If an option is out of its range, or the samples have other
            modalities.
    """

    def __init__(
        self,
        modalities: Mapping[str, Mapping[str, Any]],
        num_channels: int | None = None,
        order: Sequence[str] | None = None,
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
        if not isinstance(modalities, Mapping):
            raise ValueError(
                f'`modalities` of {type(self).__name__} must be a dict of the options '
                f'of each modality, got {modalities!r}: write '
                f'dict(rgb=dict(mean=[...], std=[...]), ...)'
            )
        check_modality_names(list(modalities))
        if order is None and len(modalities) > 1:
            print_log(
                f'`order` of {type(self).__name__} is not said: the streams are in the '
                f'order of `modalities`, {list(modalities)}, which the copy of the '
                f'config in a work directory does not keep. Set order='
                f'{tuple(modalities)}, or `modalities` of the CENSegmentor.',
                'current',
                logging.WARNING,
            )
        names = list(modalities if order is None else check_names(order))
        if unknown := [name for name in names if name not in modalities]:
            raise ValueError(
                f'`order` must hold names of `modalities`, {list(modalities)}, got '
                f'{unknown}: add their options to `modalities`'
            )
        self.modalities = {
            name: _num_channels(name, modalities[name]) for name in names
        }
        self.num_channels = num_channels or math.lcm(*self.modalities.values())
        if self.num_channels < max(self.modalities.values()):
            raise ValueError(
                f'`num_channels` must be at least the channels of each modality, '
                f'{self.modalities}, got {num_channels}: raise it, or leave it out'
            )

        index: list[int] = []
        mean: list[float] = []
        std: list[float] = []
        offset = 0
        for name, C in self.modalities.items():
            options = modalities[name]
            channels = range(offset, offset + C)
            if options.get('bgr_to_rgb', name == 'rgb'):
                channels = channels[::-1]
            for c in range(self.num_channels):
                index.append(channels[c % C])
                mean.append(options.get('mean', [0.0] * C)[c % C])
                std.append(options.get('std', [1.0] * C)[c % C])
            offset += C
        self._enable_normalize = True
        self._non_blocking = True  # from pinned memory; else copies wait all the same
        self.register_buffer('channel_index', torch.tensor(index), False)
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Preprocess one batch."""
        samples = data.get('data_samples') or [None] * len(data['inputs'])
        packed = [self._modalities_of(sample) for sample in samples]
        data = self.cast_data(data)
        inputs = [
            self._in_order_of_streams(sample, modalities)[self.channel_index]
            for sample, modalities in zip(data['inputs'], packed, strict=True)
        ]
        if not training:
            _require_one_size(inputs)
        data = super().forward({**data, 'inputs': inputs}, training)
        names = list(self.modalities)
        for b, sample in enumerate(data['data_samples'] or []):
            sample.set_metainfo(dict(streams=tuple(names)))
            if marks := sample.get('corruptions'):
                height, width = inputs[b].shape[-2:]  # without padding
                x = data['inputs'][b, :, :height, :width]
                name = name_of_draws(sample)
                x[:] = corrupted(x, marks, self.modalities, name)
            for name in sample.get('absent') or ():
                first = names.index(name) * self.num_channels
                data['inputs'][b, first : first + self.num_channels] = 0
        return data

    def _modalities_of(self, sample: Any) -> dict[str, int]:
        """Channels of each modality of a sample, in the order they are packed."""
        if sample is None:
            return self.modalities
        found = dict(sample.metainfo.get('modalities', self.modalities))
        if found != self.modalities:
            raise ValueError(
                f'the modalities of the data and their channels must be those of the '
                f'data preprocessor, {self.modalities}, got {found}: make `modalities` '
                f'of the dataset and of the model agree'
            )
        return found

    def _in_order_of_streams(self, x: Tensor, packed: dict[str, int]) -> Tensor:
        """Modalities of (C_1 + ... + C_M, H, W), side by side, in their own order."""
        sizes = list(packed.values())
        if len(x) != sum(sizes):
            raise ValueError(
                f'`inputs` must have the channels of the modalities {packed} side by '
                f'side, got shape {tuple(x.shape)}: pack them with PackMultimodalInputs'
            )
        if list(packed) == list(self.modalities):
            return x
        parts = dict(zip(packed, x.split(sizes), strict=True))
        return torch.cat([parts[name] for name in self.modalities])


def _require_one_size(inputs: Sequence[Tensor]) -> None:
    """Raise a ValueError unless images that are not padded can be a batch."""
    if len(sizes := {(x.shape[-2], x.shape[-1]) for x in inputs}) > 1:
        raise ValueError(
            f'the images of a batch must have one size in a test, got {sorted(sizes)}: '
            'set batch_size=1 of val_dataloader and test_dataloader, or resize the '
            'images in the pipeline'
        )


def _num_channels(name: str, options: Mapping[str, Any]) -> int:
    """Number of channels that the options of a modality agree upon."""
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ValueError(
            f'options of modality {name!r} must be out of {OPTIONS}, got {unknown}: '
            f'correct or remove them'
        )
    for key in ('mean', 'std'):
        if isinstance(value := options.get(key), Real):
            raise ValueError(
                f'`{key}` of modality {name!r} must be a list with a value for each '
                f'channel, got {value}: put it into a list'
            )
    if ('mean' in options) != ('std' in options):
        raise ValueError(
            f'modality {name!r} must have both `mean` and `std`, or none, got '
            f'{dict(options)}: add the other one'
        )
    counts = {len(options[key]) for key in ('mean', 'std') if key in options}
    counts |= {options['channels']} if 'channels' in options else set()
    if len(counts) != 1 or min(counts) < 1:
        raise ValueError(
            f'modality {name!r} must have one `mean` and `std` per channel, or '
            f'`channels`, got {dict(options)}: make their lengths agree'
        )
    if not all(value > 0 for value in options.get('std', [])):
        raise ValueError(
            f'`std` of modality {name!r} must be positive, got {options["std"]}: '
            f'measure it with tools/analysis/dataset_stats.py'
        )
    channels: int = counts.pop()
    if options.get('bgr_to_rgb', name == 'rgb') and channels != 3:
        raise ValueError(
            f'modality {name!r} must have 3 channels for `bgr_to_rgb`, got {channels}: '
            f'set bgr_to_rgb=False'
        )
    return channels
