"""What a program has to know to run an exported network, as plain values."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from mmengine.config import Config
from mmseg.registry import DATASETS
from torch import nn

from mmseg_cen.datasets import MultimodalSegDataset, SyntheticRGBDDataset
from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.modality import Modality, build_modalities
from mmseg_cen.models import MultimodalPreprocessor
from mmseg_cen.translation import CENPix2Pix
from mmseg_cen.translation.dataset import TranslationDataset
from mmseg_cen.version import __version__

from .formats import FORMATS, OPSET
from .network import ExportedNetwork, known_channels

#: Transforms of a test that leave values and sizes as they are.
PLAIN = {
    'LoadModalities', 'LoadSyntheticRoom', 'LoadAnnotations', 'PackMultimodalInputs',
    'LoadDomains', 'LoadSyntheticDomains', 'PackTranslationInputs',
}  # fmt: skip


def modalities_of(cfg: Config) -> dict[str, Modality]:
    """The modalities of the data of a test, by name; none if the config has no test.

    Args:
        cfg: The whole config.
    """
    dataset = _dataset_of(cfg)
    found = _type_of(dataset)
    if found is None:
        return {}
    if issubclass(found, MultimodalSegDataset):
        return dict(found.build_modalities(dataset.get('modalities')))
    if issubclass(found, TranslationDataset):  # which may know more than the config
        built: Any = DATASETS.build({**dataset, 'lazy_init': True})
        return dict(built.domains)
    return build_modalities(dataset.get('modalities', ('rgb', 'depth')))


def describe(
    model: nn.Module,
    network: ExportedNetwork,
    cfg: Config,
    file_format: str,
    device: str = 'cpu',
) -> dict[str, Any]:
    """Describe an exported network.

    Args:
        model: The model that it was made of.
        network: The exported network.
        cfg: The whole config.
        file_format: One of :data:`~mmseg_cen.deployment.formats.FORMATS`.
        device: Device that the network was exported on.

    Returns:
        Values that JSON has: where the file comes from, its inputs and outputs, how
        modalities are read and normalized, and what stays outside.
    """
    is_translation = isinstance(model, CENPix2Pix)
    least, factor = network.core.least_size, network.factor
    size = ['height', 'width']
    dataset = _dataset_of(cfg)
    test_cfg = dict(cfg.model.get('test_cfg') or {})
    description: dict[str, Any] = dict(
        format=file_format,
        opset=OPSET if FORMATS[file_format].packages else None,
        device=None if FORMATS[file_format].packages else device,
        torch=torch.__version__,
        mmseg_cen=__version__,
        task='translation' if is_translation else 'segmentation',
        preprocessing='outside' if network.normalization is None else 'inside',
        inputs=[
            dict(
                name=slot.name,
                dtype='float32',
                shape=['batch', slot.channels, *size],
            )
            for slot in network.inputs
        ],
        outputs=[
            dict(
                name=name,
                stream=stream,
                dtype='float32',
                shape=['batch', network.core.channels, *size],
                values='images in [-1, 1]' if is_translation else 'logits',
            )
            for name, stream in zip(network.output_names, network.outputs, strict=True)
        ],
        size=dict(at_least=least, multiple_of=factor),
        modalities=_describe_modalities(model, cfg),
        channels_of_stream=_channels_of_stream(model),
        absent='all modalities are needed',
        test=dict(
            mode=test_cfg.get('mode', 'whole'),
            crop_size=test_cfg.get('crop_size'),
            stride=test_cfg.get('stride'),
            transforms=_transforms(dataset),
        ),
    )
    if not is_translation:
        meta = _meta_of(dataset)
        description |= dict(
            classes=meta.get('classes'),
            palette=meta.get('palette'),
            reduce_zero_label=bool(meta.get('reduce_zero_label')),
            ignore_index=_ignore_index(model),
            threshold=_threshold(model),
            align_corners=bool(model.align_corners),
        )
    plain: dict[str, Any] = json.loads(
        json.dumps(description, default=_plain), parse_constant=_word
    )
    return plain


def _describe_modalities(model: Any, cfg: Config) -> list[dict[str, Any]]:
    """Modalities in the order of the streams: how each is read and normalized.

    None if the preprocessor, which then stays outside, does not know their channels.
    """
    known = modalities_of(cfg)
    are_rendered = _type_of(_dataset_of(cfg)) is SyntheticRGBDDataset
    preprocessor = model.data_preprocessor
    described = []
    options = (cfg.model.get('data_preprocessor') or {}).get('modalities') or {}
    for name, channels in known_channels(preprocessor).items():
        own = options.get(name, {}) if isinstance(options, Mapping) else {}
        files = asdict(known[name]) if name in known else {}
        is_segmented = isinstance(preprocessor, MultimodalPreprocessor)
        reverses = is_segmented and own.get('bgr_to_rgb', name == 'rgb')
        is_picture = name == 'rgb' or files.get('dtype') == 'uint8'
        # As OpenCV has pictures in memory, until a translation has packed them.
        of_pictures = 'BGR' if is_segmented else 'RGB'
        described.append(
            dict(
                name=name,
                channels=channels,
                order=of_pictures if is_picture and channels == 3 else 'as in the file',
                reversed_by_preprocessing=bool(reverses),
                mean=own.get('mean'),
                std=own.get('std'),
                values=_values_of(model, name, files),
                rendered=are_rendered and name != 'rgb' if name in known else None,
                file=files,
            )
        )
    return described


def _values_of(model: Any, name: str, files: Mapping[str, Any]) -> str:
    if isinstance(model, CENPix2Pix):
        return '`range` of the file in [-1, 1]'
    if files.get('scale'):
        return 'stored value * scale'
    return '0..255' if name == 'rgb' or files.get('dtype') == 'uint8' else 'as stored'


def _channels_of_stream(model: Any) -> int:
    if isinstance(model, CENPix2Pix):
        return int(model.generator.in_channels)
    if isinstance(model.data_preprocessor, MultimodalPreprocessor):
        return int(model.data_preprocessor.num_channels)
    return int(model.backbone.packed_channels // model.backbone.num_modalities)


def _ignore_index(model: Any) -> int | None:
    index = getattr(model.decode_head.heads[-1], 'ignore_index', None)
    return None if index is None else int(index)


def _threshold(model: Any) -> float | None:
    """Least probability of class 1, as the model has it; None of several logits."""
    head = model.decode_head
    return float(head.threshold or 0) if head.out_channels == 1 else None


def _dataset_of(cfg: Config) -> dict[str, Any]:
    """The data set of the test, within wrappers."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    return dict(next(innermost(dataset)))


def _type_of(dataset: Mapping[str, Any]) -> Any:
    return DATASETS.get(dataset['type']) if 'type' in dataset else None


def _meta_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """What a data set makes of its classes: names, their colors, how labels count."""
    if not hasattr(_type_of(dataset), 'METAINFO'):
        return {}
    built: Any = DATASETS.build({**dataset, 'lazy_init': True})
    return dict(built.metainfo)


def _transforms(dataset: Mapping[str, Any]) -> list[Any]:
    """Transforms of the test that change values or sizes; they stay outside."""
    pipeline = dataset.get('pipeline') or []
    return [dict(one) for one in pipeline if one.get('type') not in PLAIN]


def _word(constant: str) -> str:
    """The word for a number that JSON does not have, as `invalid` takes it."""
    return constant.lower().replace('infinity', 'inf')


def _plain(value: Any) -> Any:
    """What stands for a value that JSON does not have."""
    return value.tolist() if hasattr(value, 'tolist') else repr(value)
