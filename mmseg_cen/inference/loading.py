"""Given samples, loaded and packed, in batches of one size."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from mmcv.transforms import Compose
from numpy.typing import NDArray

from mmseg_cen.transforms.reading import Loaded

from .samples import Given


class PackedSample(NamedTuple):
    """A sample as the network takes it, and as it was measured.

    Args:
        name: Name of the sample.
        images: Each modality at its own size, (C, H, W), NaN where nothing was
            measured.
        packed: ``inputs`` and ``data_samples``.
    """

    name: str
    images: dict[str, NDArray[Any]]
    packed: dict[str, Any]


class SampleLoader:
    """Loads and packs samples.

    Args:
        pipeline: Configs of transforms, the loading one first.
        names: Names of the modalities.
    """

    def __init__(
        self, pipeline: Sequence[dict[str, Any]], names: Sequence[str]
    ) -> None:
        loader, *rest = pipeline
        self._load, self._pack = Compose([loader]), Compose(rest)
        self._names = tuple(names)

    def __call__(self, given: Given) -> PackedSample:
        """Load and pack one sample."""
        results: Any = self._load(dict(img_path=given.sources(self._names)))
        images = {name: _measured(results['loaded'][name]) for name in self._names}
        packed: Any = self._pack(results)
        return PackedSample(given.name, images, packed)

    def batches(
        self, given: Iterable[Given], batch_size: int
    ) -> Iterator[list[PackedSample]]:
        """Load samples in batches; where the size changes, a new one begins.

        Samples before one that cannot be loaded are a batch of their own.
        """
        batch: list[PackedSample] = []
        for sample in given:
            try:
                one = self(sample)
            except (ValueError, OSError):
                if batch:
                    yield batch
                raise
            full = len(batch) == batch_size
            if batch and (full or _shapes(batch[0]) != _shapes(one)):
                yield batch
                batch = []
            batch.append(one)
        if batch:
            yield batch


def _measured(loaded: Loaded) -> NDArray[Any]:
    channels = np.atleast_3d(loaded.image).transpose(2, 0, 1)
    if loaded.valid.all() or channels.dtype.kind != 'f':
        return channels
    return np.where(loaded.valid, channels, np.float32(np.nan))


def _shapes(sample: PackedSample) -> list[Any]:
    inputs = sample.packed['inputs']  # several of an augmented sample
    return [one.shape for one in (inputs if isinstance(inputs, list) else [inputs])]
