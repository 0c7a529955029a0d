"""The network of a config, and what it takes."""

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.models.pretrained import without_starts


def network_of(cfg: Config) -> nn.Module:
    """The network of a config that predicts: no auxiliary head, no discriminator."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = revert_sync_batchnorm(MODELS.build(without_starts(cfg.model))).eval()
    if getattr(model, 'auxiliary_head', None) is not None:
        model.auxiliary_head = None  # of the training only
    return getattr(model, 'generator', model)


def packed_channels(model: nn.Module) -> int:
    """Number of channels M*C of the input of a network."""
    for module in model.modules():
        if hasattr(module, 'packed_channels'):
            return int(module.packed_channels) // num_tasks(model)
    return next(m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d))


def num_modalities(model: nn.Module) -> int:
    """Number of modalities M of a network; 1 of one that is unimodal."""
    counts = (getattr(module, 'num_modalities', None) for module in model.modules())
    return next((count // num_tasks(model) for count in counts if count), 1)


def num_tasks(model: nn.Module) -> int:
    """Number of tasks K of a network, whose backbone has K*M streams."""
    return len(getattr(model, 'tasks', ())) or 1
