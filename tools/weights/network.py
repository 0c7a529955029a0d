"""The backbone of a config, and the proof that it loads weights."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.streams.stream_state import stream_state_dict


def build_backbone(cfg: Config) -> nn.Module:
    """The backbone of the model of a config, with random weights.

    Raises:
        ValueError: If there is none.
    """
    model = without_starts(cfg.get('model') or {})
    if not model.get('backbone'):
        raise ValueError(
            f'the config must have model.backbone, got {cfg.filename!r} without: give '
            f'the config of a segmentor'
        )
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return MODELS.build(model).backbone


def families_of(backbone: nn.Module) -> list[str]:
    """Names of the class of a backbone and of its bases, the nearest first."""
    return [base.__name__ for base in type(backbone).__mro__]


def num_streams(backbone: nn.Module) -> int:
    """Number of modalities M; 1 of a backbone of the toolbox."""
    return getattr(backbone, 'num_modalities', 1)


def unimodal_state(backbone: nn.Module, modality: int = 0) -> dict[str, Tensor]:
    """The state dict of the unimodal backbone of one stream, without fusions."""
    state = stream_state_dict(backbone, modality)
    return {n: t for n, t in state.items() if not n.startswith('fusions.')}


@contextmanager
def without_words() -> Iterator[None]:
    """Leave out what is logged of each tensor, and printed where there is no logger."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logger.setLevel(level)


def prove(backbone: nn.Module, path: str, state: Mapping[str, Tensor]) -> None:
    """Initialize a backbone from a checkpoint as a training does, and compare.

    Args:
        backbone: The network, whose weights are replaced.
        path: The checkpoint.
        state: What it holds.

    Raises:
        ValueError: If a tensor of a stream is not the checkpoint's.
    """
    backbone.init_cfg = dict(type='Pretrained', checkpoint=path)
    with without_words():
        backbone.init_weights()
    for m in range(num_streams(backbone)):
        loaded = unimodal_state(backbone, m)
        for name, tensor in loaded.items():
            if not torch.equal(tensor, state[name].to(tensor.dtype)):
                raise ValueError(
                    f"{name} of stream {m} must be the checkpoint's after loading, got "
                    f'another: report the config, and the package of the weights'
                )


def place_of_init_cfg(cfg: Config) -> str:
    """Where a config has the ``init_cfg`` of its backbone."""
    inner = '.backbone' * (cfg.model.backbone.get('type') == 'CENBackbone')
    return f'model.backbone{inner}'
