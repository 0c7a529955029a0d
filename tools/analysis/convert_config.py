"""Make a multimodal config of any mmseg config.

`python tools/analysis/convert_config.py IN_CONFIG OUT_CONFIG --modalities rgb depth`
"""

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.config import ConfigDict

SEGMENTORS = ('EncoderDecoder', 'CascadeEncoderDecoder')


def convert_model(
    model: ConfigDict, modalities: Sequence[str], exchange_threshold: float = 2e-2
) -> ConfigDict:
    """The model over ``modalities``: CENBackbone and EnsembleHead around its parts.

    Raises:
        ValueError: The segmentor is none of :data:`SEGMENTORS`.
    """
    model = copy.deepcopy(model)
    if model.type not in SEGMENTORS:
        raise ValueError(
            f'a model of type {", ".join(SEGMENTORS)} can be converted, got '
            f'{model.type!r}'
        )
    model.type = 'CENSegmentor'
    model.pop('num_stages', None)
    backbone = model.backbone
    if pretrained := model.pop('pretrained', None):
        backbone.setdefault('init_cfg', dict(type='Pretrained', checkpoint=pretrained))
    model.backbone = dict(
        type='CENBackbone',
        num_modalities=len(modalities),
        exchange_threshold=exchange_threshold,
        backbone=backbone,
    )

    def ensemble(head: Any) -> dict[str, Any]:
        return dict(type='EnsembleHead', modalities=list(modalities), head=head)

    model.decode_head = ensemble(model.decode_head)
    if auxiliary := model.get('auxiliary_head'):
        model.auxiliary_head = (
            [ensemble(head) for head in auxiliary]
            if isinstance(auxiliary, list)
            else ensemble(auxiliary)
        )
    return model
