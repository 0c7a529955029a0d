"""What an inference knows of a network, trained or exported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmseg_cen.modality import Modality


@dataclass(frozen=True)
class Options:
    """How a network runs, and how its samples are read; see MultimodalInferencer."""

    device: str
    modalities: Mapping[str, Mapping[str, Any]]
    absent: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    tta: bool = False
    amp: str | None = None
    freeze: bool = False
    channels_last: bool = False
    compile: bool = False


@dataclass(frozen=True)
class Network:
    """A network and its samples.

    Args:
        modalities: How each modality is read, in the order of the streams.
        pipeline: Configs of the transforms of a given sample.
        meta: ``classes`` and perhaps ``palette`` and ``ignore_index``.
        predict: A batch of packed samples -> predicted samples, at the size of the
            images.
        are_probabilities: Whether ``seg_logits`` of predictions are probabilities.
        model: The module, of a trained network.
        cfg: Its config.
    """

    modalities: dict[str, Modality]
    pipeline: list[dict[str, Any]]
    meta: dict[str, Any]
    predict: Callable[[dict[str, Any]], list[Any]]
    are_probabilities: bool = False
    model: Any = None
    cfg: Any = None
