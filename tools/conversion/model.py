"""The model of an mmseg config over several modalities."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import ConfigDict
from mmengine.utils import to_2tuple
from mmseg.registry import MODELS

from mmseg_cen.models import exchanging_norms
from mmseg_cen.models.pretrained import without_starts

SEGMENTORS = ('EncoderDecoder', 'CascadeEncoderDecoder')
#: Backbones that take images of one size only, in training and tests.
OF_ONE_SIZE = ('BEiT', 'MAE')


def convert_model(
    model: ConfigDict,
    modalities: Sequence[str],
    exchange_threshold: float = 2e-2,
    layer_norms: bool = False,
) -> ConfigDict:
    """The model over ``modalities``: CENBackbone and EnsembleHead around its parts.

    Raises:
        ValueError: If the segmentor is not one of :data:`SEGMENTORS`.
    """
    model = copy.deepcopy(model)
    if model.type not in SEGMENTORS:
        raise ValueError(
            f'`model.type` must be {" or ".join(SEGMENTORS)}, got {model.type!r}: '
            f'convert a config of such a model'
        )
    model.type = 'CENSegmentor'
    model.modalities = list(modalities)
    model.pop('num_stages', None)
    if pretrained := model.pop('pretrained', None):
        model.backbone.setdefault(
            'init_cfg', dict(type='Pretrained', checkpoint=pretrained)
        )
    model.backbone = dict(
        type='CENBackbone',
        exchange_threshold=exchange_threshold,
        backbone=model.backbone,
    )
    if layer_norms:
        model.backbone.layer_norms = True

    def ensemble(head: Any) -> dict[str, Any]:
        return dict(type='EnsembleHead', head=head)

    model.decode_head = ensemble(model.decode_head)
    if auxiliary := model.get('auxiliary_head'):
        model.auxiliary_head = (
            [ensemble(head) for head in auxiliary]
            if isinstance(auxiliary, list)
            else ensemble(auxiliary)
        )
    return model


def convert_preprocessor(
    preprocessor: ConfigDict, modalities: Sequence[str]
) -> dict[str, Any]:
    """A preprocessor with mean and std per modality: RGB keeps its own, and its order.

    Depth is in meters; others are taken for 8-bit images.
    """
    kept = {
        key: value
        for key, value in preprocessor.items()
        if key not in ('type', 'mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')
    }

    def options(name: str) -> dict[str, Any]:
        if name == 'rgb':
            # Both swap blue and red, and by default the toolbox does not.
            turns = [preprocessor.get(key) for key in ('bgr_to_rgb', 'rgb_to_bgr')]
            statistics = {k: preprocessor.get(k) for k in ('mean', 'std')}
            if statistics['mean'] is None:
                statistics = dict(channels=3)
            return dict(**statistics, bgr_to_rgb=any(turns))
        if name == 'depth':
            return dict(mean=[0.0], std=[1.0])
        return dict(mean=[127.5], std=[127.5])

    return dict(
        type='MultimodalPreprocessor',
        modalities={name: options(name) for name in modalities},
        num_channels=3,
        **kept,
    )


def require_size(model: Mapping[str, Any], size: Any) -> None:
    """Refuse images of another size than that which a backbone is built for.

    Args:
        model: A converted model.
        size: Height and width of the images to train on, pixels; None: not known.

    Raises:
        ValueError: If the attention of the backbone has a bias for each pair of places.
    """
    backbone = model['backbone']['backbone']
    built_for = to_2tuple(backbone.get('img_size', 224))
    if size and backbone['type'] in OF_ONE_SIZE and tuple(size) != tuple(built_for):
        raise ValueError(
            f'images must be of the size that {backbone["type"]} is built for, '
            f'{tuple(built_for)}, got {tuple(size)} of the data: convert another '
            'model, such as one with SwinTransformer or MixVisionTransformer'
        )


def exchanges(model: ConfigDict) -> bool:
    """Whether any layer of the model exchanges channels; the model is built."""
    return bool(exchanging_norms(MODELS.build(without_starts(model))))


def dicts_in(cfg: Any) -> list[dict]:
    """All dicts within a config, outermost first."""
    if isinstance(cfg, dict):
        return [cfg, *(part for value in cfg.values() for part in dicts_in(value))]
    if isinstance(cfg, (list, tuple)):
        return [part for value in cfg for part in dicts_in(value)]
    return []
