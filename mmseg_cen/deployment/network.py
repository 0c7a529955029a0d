"""A trained model as one network over pixels, which can be exported."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from mmseg_cen.models import EnsembleHead, MultimodalPreprocessor
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.translation import (
    CENPix2Pix,
    CyclicPix2Pix,
    TranslationPreprocessor,
)

from .pooling import replace_pooling
from .replacements import fix_exchange, simplify_ensemble

#: Least height and width of the images of a segmentation, pixels: maps of a 32nd of the
#: size are then no single pixels, which graphs take for a case apart.
LEAST_SIZE = 64


class Segmentation(nn.Module):
    """The network of a segmentor, whole images at once.

    Shape:
        - Input: packed modalities, normalized, (B, M*C, H, W).
        - Output: logits of each stream and the ensemble by name, each (B, K, H, W).
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.names = (*model.decode_head.modalities, ENSEMBLE)
        self.main = model.decode_head.output
        self.channels = model.decode_head.out_channels
        self.factor = 1
        self.least_size = LEAST_SIZE

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        head: EnsembleHead = self.model.decode_head
        features = self.model.extract_feat(x)
        metas = [dict(img_shape=x.shape[2:])]
        outputs = head.forward_streams(features, self.model.test_cfg, metas)
        resize = head.heads[-1].resize_to_input
        return {name: resize(logits, metas) for name, logits in outputs.items()}


class Translation(nn.Module):
    """The generator of a translation.

    Shape:
        - Input: packed sources, (B, M*C, H, W), H and W multiples of `factor`.
        - Output: images of each stream and the ensemble by name, each (B, C_t, H, W).
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.generator
        self.names = (*model.sources, ENSEMBLE)
        self.main = ENSEMBLE
        self.channels = model.generator.out_channels
        self.factor = self.least_size = 2**model.generator.num_downs

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        streams, ensemble = self.model(x)
        return dict(zip(self.names, (*streams.unbind(1), ensemble), strict=True))


class Normalization(nn.Module):
    """Images as they are loaded -> packed modalities: order, repetition, normalization.

    Args:
        index: Number of the loaded channel that each of the M*C channels is.
        mean: Mean of each of them, (M*C, 1, 1).
        std: Standard deviation of each of them, (M*C, 1, 1).

    Shape:
        - Input: an image of each modality, (B, C_m, H, W).
        - Output: packed modalities, (B, M*C, H, W).
    """

    index: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, index: Tensor, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer('index', index)
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)

    def forward(self, *images: Tensor) -> Tensor:
        loaded = torch.cat(images, dim=1)
        return (loaded[:, self.index] - self.mean) / self.std


@dataclass(frozen=True)
class Slot:
    """An input of the exported network, (B, `channels`, H, W), float32."""

    name: str
    channels: int


class ExportedNetwork(nn.Module):
    """What is exported: images in, logits of the ensemble, or of all streams, out.

    Args:
        core: A :class:`Segmentation` or a :class:`Translation`.
        normalization: Applied to the inputs; ``None``: the input is packed, and
            normalized already.
        inputs: Names and channels of the inputs, in their order.
        outputs: Names of the streams, or the ensemble, that are returned, in order.

    Shape:
        - Input: with a normalization, one image of each modality, (B, C_m, H, W); else
          packed modalities, (B, M*C, H, W).
        - Output: a tensor (B, K, H, W), or a tuple of several.
    """

    def __init__(
        self,
        core: Segmentation | Translation,
        normalization: Normalization | None,
        inputs: Sequence[Slot],
        outputs: Sequence[str],
    ) -> None:
        super().__init__()
        self.core = core
        self.normalization = normalization
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs in a file, which has other names for its inputs."""
        return tuple(
            name if name == ENSEMBLE else f'stream_{name}' for name in self.outputs
        )

    @property
    def factor(self) -> int:
        """What height and width are multiples of."""
        return self.core.factor

    def forward(self, *images: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.normalization is None:
            (x,) = images
        else:
            x = self.normalization(*images)
        found = self.core(x)
        outputs = tuple(found[name] for name in self.outputs)
        return outputs if len(outputs) > 1 else outputs[0]

    def random_images(self, batch: int, height: int, width: int) -> tuple[Tensor, ...]:
        """Inputs to try the network on: noise with the statistics that it expects."""
        device = next(self.parameters()).device
        shapes = [(batch, slot.channels, height, width) for slot in self.inputs]
        images = tuple(torch.randn(shape, device=device) for shape in shapes)
        if self.normalization is None:
            return images
        total = sum(slot.channels for slot in self.inputs)
        mean, std = (torch.zeros(total, 1, 1, device=device) for _ in range(2))
        mean[self.normalization.index] = self.normalization.mean
        std[self.normalization.index] = self.normalization.std
        sizes = [slot.channels for slot in self.inputs]
        parts = zip(images, mean.split(sizes), std.split(sizes), strict=True)
        return tuple(image * std + mean for image, mean, std in parts)


def reference(
    model: nn.Module, streams: bool = False, preprocessing: bool = True
) -> ExportedNetwork:
    """The model itself as a network over pixels; its parts are not changed.

    Args:
        model: A segmentor with an :class:`EnsembleHead`, or a :class:`CENPix2Pix`.
        streams: Whether all streams are returned, and the ensemble, or only what the
            model predicts.
        preprocessing: Whether the network takes images as they are loaded, or packed
            modalities.

    Raises:
        ValueError: If the model is another one, or its predictions are made in a way
            that the network does not have.
    """
    core = _core_of(model)
    slots = _slots_of(model) if preprocessing else []
    normalization = _normalization_of(model) if preprocessing else None
    slots = slots or [Slot('packed', _packed_channels(model))]
    outputs = core.names if streams else [core.main]
    return ExportedNetwork(core, normalization, slots, outputs).eval()


def prepare(
    model: nn.Module, streams: bool = False, preprocessing: bool = True
) -> ExportedNetwork:
    """A copy of the model as a network that can be exported.

    It computes what :func:`reference` does, up to rounding. Its masks of exchanged
    channels are constants, and sizes may be symbols.

    Arguments and errors are those of :func:`reference`.
    """
    _core_of(model)  # refuses what cannot be copied
    network = reference(
        revert_sync_batchnorm(copy.deepcopy(model)), streams, preprocessing
    )
    replace_pooling(network)
    fix_exchange(network)
    simplify_ensemble(network)
    return network.requires_grad_(False)


def channels_of(preprocessor: nn.Module) -> Mapping[str, int]:
    """Channels of the modalities that a preprocessor takes, in the order of streams.

    Raises:
        ValueError: If it does not know them.
    """
    if channels := known_channels(preprocessor):
        return channels
    raise ValueError(
        '`data_preprocessor` must be a MultimodalPreprocessor, or a '
        'TranslationPreprocessor with the channels of each of `sources`, got '
        f'{type(preprocessor).__name__}: export with --preprocessing outside'
    )


def known_channels(preprocessor: nn.Module) -> Mapping[str, int]:
    """The :func:`channels_of` a preprocessor; none if it does not know them."""
    if isinstance(preprocessor, MultimodalPreprocessor):
        return preprocessor.modalities
    if isinstance(preprocessor, TranslationPreprocessor):
        return preprocessor.channels or {}
    return {}


def _core_of(model: Any) -> Segmentation | Translation:
    if isinstance(model, CENPix2Pix) and not isinstance(model, CyclicPix2Pix):
        if model.test_protocol != 'eval':
            raise ValueError(
                "`model.test_protocol` must be 'eval' to export, got "
                f'{model.test_protocol!r}, which is random: add --cfg-options '
                'model.test_protocol=eval'
            )
        return Translation(model)
    head = getattr(model, 'decode_head', None)
    if not isinstance(model, EncoderDecoder) or not isinstance(head, EnsembleHead):
        part = '' if head is None else f' with a {type(head).__name__}'
        raise ValueError(
            'the model must be a multimodal one, a segmentor with an EnsembleHead or a '
            f'CENPix2Pix, got {type(model).__name__}{part}: use the exporters of the '
            'toolbox for others'
        )
    if absent := tuple((model.test_cfg or {}).get('absent') or ()):
        raise ValueError(
            '`model.test_cfg.absent` must be empty, as an exported network has all '
            f'modalities, got {absent}: leave it out'
        )
    return Segmentation(model)


def _slots_of(model: Any) -> list[Slot]:
    channels = channels_of(model.data_preprocessor)
    return [Slot(name, count) for name, count in channels.items()]


def _packed_channels(model: Any) -> int:
    network = model.generator if isinstance(model, CENPix2Pix) else model.backbone
    return int(network.packed_channels)


def _normalization_of(model: Any) -> Normalization:
    preprocessor = model.data_preprocessor
    if isinstance(preprocessor, MultimodalPreprocessor):
        buffers = (preprocessor.channel_index, preprocessor.mean, preprocessor.std)
        return Normalization(*(buffer.clone() for buffer in buffers))
    device = next(model.parameters()).device
    channels = preprocessor.channel_index(channels_of(preprocessor))
    index = torch.tensor(channels, device=device)
    zeros = torch.zeros(len(index), 1, 1, device=device)
    return Normalization(index, zeros, torch.ones_like(zeros))
