"""What damages a modality, or stands in for it, in the units that a network gets.

A :class:`Corruption` is a mark on a sample, as ``absent`` is: transforms and test loops
set it, and the data preprocessor does what it says, behind the normalization. There,
every modality has zero mean and unit variance, whatever it measures, and zeros stand
for its mean.

Draws depend on the seed of the mark and on the sample, not on its place: a sample is
corrupted alike in any batch, order and process, and on any machine.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Corruption:
    r"""What is done to the input (C, H, W) of one modality of a sample.

    =====================  =============================================================
    how                    what becomes of the input
    =====================  =============================================================
    ``'zero'``             elements (of each channel by itself) are 0, each with the
                           probability ``amount``; with 1, all are
    ``'salt_and_pepper'``  :math:`\lceil amount \cdot CHW / 2 \rceil` elements, drawn
                           with replacement, are the input's maximum, then as many its
                           minimum
    ``'gaussian'``         noise of standard deviation ``amount`` is added
    ``'noise'``            noise of standard deviation ``amount`` takes its place: with
                           1, of mean and deviation of the modality
    ``'copy'``             the input of the modality ``source`` takes its place
    =====================  =============================================================

    'zero', 'salt_and_pepper' and 'gaussian' are those of the robustness benchmark of
    Liao et al., 2025 (arXiv 2503.18445), by its scripts.

    Args:
        modality: Name of the modality.
        how: See the table.
        amount: Share of the elements, or standard deviation in normalized units.
        source: Name of the modality that is copied.
        seed: Seed of the draws.

    Raises:
        ValueError: If an argument is out of its range.
    """

    modality: str
    how: str
    amount: float = 1.0
    source: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise ValueError(
                f'`how` must be one of {HOWS}, got {self.how!r}: choose one'
            )
        is_share = self.how in ('zero', 'salt_and_pepper')
        if not 0 <= self.amount <= (1 if is_share else math.inf):
            wanted = 'a share in [0, 1]' if is_share else 'at least 0'
            raise ValueError(
                f'`amount` must be {wanted} for {self.how!r}, got {self.amount}: '
                'correct it'
            )
        if self.seed < 0:
            raise ValueError(
                f'`seed` must be at least 0, got {self.seed}: give another'
            )
        if (self.how == 'copy') != (self.source is not None):
            raise ValueError(
                "`source` must name the modality that is copied with how='copy', and "
                f'nothing else, got {self.source!r} with {self.how!r}: correct it'
            )
        if self.source == self.modality:
            raise ValueError(
                f'`source` must be another modality, got {self.source!r} twice: name '
                'the one to copy'
            )


def name_of_draws(sample: Any) -> str:
    """What tells the draws of a sample from those of others.

    Args:
        sample: A sample, or its results, with ``img_path``, or ``drawn_as`` where names
            of images do not tell them apart.
    """
    return str(sample.get('drawn_as') or sample.get('img_path', ''))


def random_numbers(corruption: Corruption, sample: str) -> np.random.Generator:
    """The draws of a corruption of one sample.

    Args:
        corruption: The corruption.
        sample: Path of the sample's image; its folders do not count, so that data may
            be moved. See :func:`name_of_draws`.
    """
    names = (PurePath(sample).name, corruption.modality, corruption.how)
    keys = [zlib.crc32(name.encode()) for name in names]
    return np.random.default_rng([corruption.seed, *keys])


def corrupted(
    x: Tensor, corruptions: Iterable[Corruption], streams: Mapping[str, int], path: str
) -> Tensor:
    """Corrupt the normalized input of one sample, by one corruption after another.

    Args:
        x: Packed modalities, (M*C, H, W).
        corruptions: What is done.
        streams: Channels of each modality before they are repeated to C, by its name,
            in the order of the streams. 'noise' is repeated as its modality is.
        path: Path of the sample's image, which seeds the draws.

    Raises:
        ValueError: If a corruption is of a modality that there is not.
    """
    names = list(streams)
    parts = dict(zip(names, x.unflatten(0, (len(names), -1)), strict=True))
    for corruption in corruptions:
        name, source = corruption.modality, corruption.source
        if unknown := sorted({name, source or name} - {*names}):
            raise ValueError(
                f'a modality to corrupt must be one of the network, {names}, got '
                f'{unknown}: correct `modality` or `source` of the transform'
            )
        if source is not None:
            parts[name] = parts[source]
            continue
        rng = random_numbers(corruption, path)
        if corruption.how == 'noise':
            noise = _normal(parts[name][: streams[name]], corruption.amount, rng)
            channels = np.arange(len(parts[name])) % streams[name]
            parts[name] = noise[channels]
        else:
            parts[name] = DAMAGES[corruption.how](parts[name], corruption.amount, rng)
    return torch.cat([parts[name] for name in names])


def zero_elements(x: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Elements of ``x`` are 0, each with the probability ``share``."""
    if share == 1:
        return torch.zeros_like(x)
    lost = rng.random(x.shape, dtype=np.float32) < share
    return x.masked_fill(torch.from_numpy(lost).to(x.device), 0)


def salt_and_pepper(x: Tensor, density: float, rng: np.random.Generator) -> Tensor:
    """Half of a share of the elements are the maximum of ``x``, half its minimum."""
    count = math.ceil(density * x.numel() * 0.5)
    flat = x.flatten().clone()
    for extreme in (x.max(), x.min()):
        places = torch.from_numpy(rng.integers(x.numel(), size=count))
        flat[places.to(x.device)] = extreme
    return flat.view_as(x)


def add_gaussian(x: Tensor, std: float, rng: np.random.Generator) -> Tensor:
    """Noise of a standard deviation is added to ``x``."""
    return x + _normal(x, std, rng)


def _normal(like: Tensor, std: float, rng: np.random.Generator) -> Tensor:
    noise = rng.standard_normal(like.shape, dtype=np.float32)
    return std * torch.from_numpy(noise).to(like)


#: What damages an input, by ``how`` of the corruption.
DAMAGES: dict[str, Callable[[Tensor, float, np.random.Generator], Tensor]] = dict(
    zero=zero_elements, salt_and_pepper=salt_and_pepper, gaussian=add_gaussian
)
HOWS = (*DAMAGES, 'noise', 'copy')
