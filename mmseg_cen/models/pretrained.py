"""Checks of the weights that a backbone starts from."""

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from mmengine.config import ConfigDict
from mmengine.runner import CheckpointLoader
from torch import Tensor, is_tensor, nn

from mmseg_cen.checkpoints import check_trained_as, state_of
from mmseg_cen.config_files import require_file
from mmseg_cen.mistakes import one_line
from mmseg_cen.streams.state import describe_differences, first_names, tensor_shapes
from mmseg_cen.streams.stream_state import stream_state_dict

#: What to do without a download.
ANOTHER_START = (
    'fetch a file elsewhere, convert it by tools/model_converters/'
    'pretrained_backbone.py, and set model.backbone.init_cfg.checkpoint=FILE, or train '
    'from scratch with model.backbone.init_cfg=None'
)


def check_pretrained(
    backbone: nn.Module, checkpoint: str, prefix: str | None = None
) -> None:
    """Refuse weights that do not fit a backbone, which mmengine would load in part.

    Args:
        backbone: A multimodal backbone.
        checkpoint: Anything mmengine loads: weights of the unimodal network, whose
            classifier is left out, or of ``backbone`` itself.
        prefix: What the names of the backbone's tensors begin with.

    Raises:
        ValueError: If tensors are missing, unexpected or of another shape, all of which
            are named; or if they are of streams in another order.
    """
    read = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    state = state_of(read, checkpoint)
    start = f'{prefix.removesuffix(".")}.' if prefix else ''
    if not prefix:  # as mmengine loads them
        state = {n.removeprefix('module.'): tensor for n, tensor in state.items()}
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
            f'`checkpoint` must hold the weights of this {type(backbone).__name__}, '
            f'got {checkpoint}: {differences}; choose the depth, stem and in_channels '
            f'of the checkpoint, or another checkpoint, or convert weights of other '
            f'packages by tools/model_converters/pretrained_backbone.py'
        )
    if wanted is own:
        check_order_of_streams(backbone, read, checkpoint)


def check_order_of_streams(backbone: nn.Module, read: Any, checkpoint: str) -> None:
    """Refuse layers that are private to modalities in another order.

    A file without such layers, as of a network that shares its norms, has no order.

    Args:
        backbone: A multimodal backbone, whose ``stream_names`` a segmentor says.
        read: The contents of the checkpoint.
        checkpoint: Its name, for the message.

    Raises:
        ValueError: If it was trained with another order.
    """
    names = getattr(backbone, 'stream_names', None)
    private = backbone.state_dict().keys() - stream_state_dict(backbone, 0).keys()
    ends = tuple(f'.{name}' for name in private)
    given = state_of(read, checkpoint)
    if names and any(f'.{name}'.endswith(ends) for name in given):
        check_trained_as(read, dict(modalities=list(names)), repr(checkpoint))


def check_loaded(backbone: nn.Module, read: Any, checkpoint: str) -> None:
    """Refuse a start that has reached less than half of the weights of a backbone.

    If the file has fewer weights than the backbone, half of these are enough: plugins
    of a ResNet, of which there are no weights, may be more than the ResNet itself.

    Each backbone of the toolbox renames and reorders the tensors of its package in its
    own way, and warns of those that do not fit. So what was loaded is told by the
    values, in whatever order.

    Args:
        backbone: A multimodal backbone that has just been initialized.
        read: The contents of the checkpoint.
        checkpoint: Its name, for the message.

    Raises:
        ValueError: If less than half of the weights of the file and of the backbone
            agree, not counting vectors.
    """
    state = state_of(read, checkpoint)
    state = state.get('model', state)  # as some packages name it
    tensors = [t for t in state.values() if is_tensor(t) and t.numel()]
    given = {_values(tensor) for tensor in tensors}
    known = backbone.state_dict()
    own = {
        name: known.get(name, tensor)  # without the product that LoRA adds to a weight
        for name, tensor in stream_state_dict(backbone, 0).items()
        if tensor.ndim > 1 and not name.startswith('fusions.')
    }
    missing = [name for name, tensor in own.items() if _values(tensor) not in given]
    reached, of_file = len(own) - len(missing), sum(t.ndim > 1 for t in tensors)
    if own and 2 * reached < max(1, min(len(own), of_file)):
        raise ValueError(
            f'`checkpoint` must hold the weights of this {type(backbone).__name__}, '
            f'got {checkpoint} with {reached} of {len(own)}, and '
            f'without {first_names(missing)}: choose the type and the depth of the '
            f'backbone that was saved, the `prefix` of its names, or another '
            f'checkpoint, or convert weights of other packages by '
            f'tools/model_converters/pretrained_backbone.py'
        )


def _values(tensor: Tensor) -> tuple[int, float, float]:
    """What remains of a tensor however it is reordered."""
    ends = tensor.float().aminmax()
    return tensor.numel(), ends.min.item(), ends.max.item()


def starts_of(init_cfg: Any) -> list[Any]:
    """Those configs, of one or several initializations, that name a checkpoint."""
    several = init_cfg if isinstance(init_cfg, list) else [init_cfg]
    return [c for c in several if isinstance(c, dict) and c.get('checkpoint')]


def check_checkpoint_source(init_cfg: Any) -> None:
    """Refuse weights of torchvision when a model is built, if torchvision is missing.

    Args:
        init_cfg: Initialization config of a backbone, or several.

    Raises:
        ValueError: If torchvision is needed and not installed.
    """
    for start in starts_of(init_cfg):
        checkpoint = str(start['checkpoint'])
        if checkpoint.startswith('torchvision://') and find_spec('torchvision') is None:
            raise ValueError(
                f'torchvision must be installed to download weights, got checkpoint='
                f'{checkpoint!r}: install it (pip install torchvision, or the extra '
                f'mmseg-cen[weights]), or '
                f'{ANOTHER_START}'
            )


def require_weights(model: nn.Module) -> None:
    """Refuse weights to start from that are not here and cannot be downloaded.

    mmengine reads them when a training starts, behind the data. What an address names
    is downloaded, and read from where it is kept ever after.

    Args:
        model: A network whose modules may have an ``init_cfg``.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If an address cannot be reached, or a package is missing for it.
    """
    for module in model.modules():
        for start in starts_of(getattr(module, 'init_cfg', None)):
            checkpoint = start['checkpoint']
            if '://' not in checkpoint:
                require_file(os.path.expanduser(checkpoint), 'checkpoint of `init_cfg`')
                continue
            try:
                CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
            except (ImportError, OSError) as error:
                raise ValueError(
                    f'weights to start from must be a file, or be downloaded, got '
                    f'{checkpoint!r} with {one_line(error)!r}: {ANOTHER_START}'
                ) from error


def without_starts(part: Any) -> Any:
    """The config of a model without weights to start from: a checkpoint has others.

    An encoder of timm, which loads weights while it is built, is told not to.
    """
    if isinstance(part, (list, tuple)):
        return type(part)(map(without_starts, part))
    if not isinstance(part, Mapping):
        return part
    kept = {
        key: False if (key, value) == ('pretrained', True) else without_starts(value)
        for key, value in part.items()
        if not _is_start(key, value)
    }
    return ConfigDict(kept)


def _is_start(key: str, value: Any) -> bool:
    """Whether an option names a checkpoint to start from, and no architecture."""
    if key == 'pretrained' and isinstance(value, str):
        return '://' in value or value.endswith(('.pth', '.pt'))
    return key in ('init_cfg', 'pretrained') and 'checkpoint' in str(value)
