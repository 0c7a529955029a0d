"""Pretrained weights of the backbones, from a file."""

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_cen.config_files import require_file
from mmseg_cen.models.pretrained import check_pretrained


def set_weights(cfg: Config, weights: Path) -> None:
    """Let the backbone of a segmentation start from weights in a file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the model has no backbone, or the weights are not of this one.
    """
    require_file(str(weights), 'weights')
    if 'backbone' not in cfg.model:
        raise ValueError(
            f'`--weights` must be of the backbone of a segmentation, got {weights} for '
            f'a {cfg.model.type}: leave it out'
        )
    checkpoint = str(weights.absolute())
    init_default_scope('mmseg')
    backbone = MODELS.build({**cfg.model.backbone, 'init_cfg': None})
    check_pretrained(backbone, checkpoint)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
