"""Checks of the weights that a backbone starts from."""

import re
from importlib.util import find_spec
from typing import Any

from mmengine.runner import CheckpointLoader
from torch import nn

from mmseg_cen.streams.convert import stream_state_dict
from mmseg_cen.streams.state import describe_differences, tensor_shapes


def check_pretrained(
    backbone: nn.Module, checkpoint: str, prefix: str | None = None
) -> None:
    """Refuse weights that do not fit a backbone, which mmengine would load in part.

    Args:
        backbone: A multimodal backbone.
        checkpoint: Anything mmengine loads; of the unimodal network, a classifier
            aside, or of ``backbone`` itself.
        prefix: What the names of the backbone's tensors begin with.

    Raises:
        ValueError: Tensors are missing, unexpected or of another shape; all are named.
    """
    state = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = state.get('state_dict', state)
    start = f'{prefix}.' if prefix else ''
    given = tensor_shapes(
        {
            name.removeprefix(start): tensor
            for name, tensor in state.items()
            if name.startswith(start) and not re.match(r'(head\.)?fc\.', name)
        }
    )
    own = tensor_shapes(backbone.state_dict())
    of_stream = {
        name: shape
        for name, shape in tensor_shapes(stream_state_dict(backbone, 0)).items()
        if not name.startswith('fusions.')
    }
    wanted = own if given == own else of_stream
    differences = describe_differences(given, wanted, shown=len(given) + len(wanted))
    if differences:
        raise ValueError(
            f'{checkpoint} holds the weights of another network than this '
            f'{type(backbone).__name__}: {differences}; choose its depth, stem and '
            'in_channels, or another checkpoint'
        )


def check_checkpoint_source(init_cfg: Any) -> None:
    """Say before training what mmengine finds out by an ImportError."""
    for cfg in init_cfg if isinstance(init_cfg, list) else [init_cfg]:
        checkpoint = str((cfg or {}).get('checkpoint', ''))
        if checkpoint.startswith('torchvision://') and find_spec('torchvision') is None:
            raise ValueError(
                f'{checkpoint} is downloaded through torchvision, which is not '
                f'installed: install it, or give a local file with '
                f'model.backbone.init_cfg.checkpoint=PATH, or train from scratch with '
                f'model.backbone.init_cfg=None'
            )
