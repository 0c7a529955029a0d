"""The features that a head sees, compared with the samples they are of."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmseg_cen.streams.presence import current_presence


def batch_size(feats: Any) -> int:
    """Batch size of features: a map, several, or maps with a class token each."""
    while not isinstance(feats, Tensor):
        feats = feats[0]
    return feats.shape[0]


def check_streams(
    feats: Any, samples: Sequence[Any], modalities: tuple[str, ...]
) -> None:
    """Refuse features that are not of the streams of the samples.

    Args:
        feats: Folded features of a backbone, (B*M, C_i, H_i, W_i).
        samples: The B samples, or their metainfo.
        modalities: Names of the M streams, in order.

    Raises:
        ValueError: If number or order of the streams differ, or a modality is absent
            without the backbone's knowledge.
    """
    M, num_samples = len(modalities), len(samples)
    if batch_size(feats) != num_samples * M:
        raise ValueError(
            f'features must be of {num_samples * M} streams, {num_samples} samples in '
            f'the modalities {modalities}, got {batch_size(feats)}: make '
            f'`num_modalities` of the backbone agree'
        )
    packed = samples[0].get('streams', modalities) if samples else ()
    if len(packed) == M and tuple(packed) != modalities:
        raise ValueError(
            f'`modalities` of the EnsembleHead must have the order of the streams, '
            f'{packed}, got {modalities}: set `order` of the data_preprocessor, or '
            f'take a CENSegmentor, which does so'
        )
    if current_presence() is None and any(s.get('absent') for s in samples):
        raise ValueError(
            'samples must have all modalities, got one with `absent`: set the type of '
            "the model to 'CENSegmentor', which tells the backbone"
        )
