"""Checkpoints and YAML files are read as data: no code that they hold is run.

Importing this module replaces mmengine's loaders of checkpoints, which all hooks, tools
and models of the toolbox read through, and its reader of YAML files:

- mmengine unpickles downloaded checkpoints without restriction, and local ones where
  the default of ``torch.load`` is changed (TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD);
- a runner that resumes executes ``meta['config']`` of a checkpoint, as mmcv 1.x had it;
- YAML files are read by a loader that calls any function that a tag names.
"""

import logging
import os
import pickletools
import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlparse

import torch
import yaml
from mmengine.dist import barrier, get_rank
from mmengine.fileio import YamlHandler, get_file_backend, register_handler
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as zoo
from torch.hub import get_dir, load_state_dict_from_url

#: Operations of a pickle that name or call something.
_CALLS = {'GLOBAL', 'STACK_GLOBAL', 'INST', 'OBJ', 'NEWOBJ', 'NEWOBJ_EX', 'REDUCE'}


@CheckpointLoader.register_scheme(prefixes='', force=True)
def read_checkpoint(filename: str, map_location: Any = None) -> Any:
    """Read a local checkpoint: tensors, and the plain values that mmengine adds.

    Args:
        filename: A file of ``torch.save``.
        map_location: See :func:`torch.load`; ``None``: the devices of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, of another format, or holds more than data.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'the checkpoint must be a file, got {filename!r}, which does not exist: '
            f'give a path from {os.getcwd()!r}, or an absolute one'
        )
    with open(path, 'rb') as file:
        return _read(file, filename, map_location)


def state_of(checkpoint: Any, filename: str) -> dict[str, Any]:
    """The state dict of a checkpoint.

    Args:
        checkpoint: What the file holds: a state dict, or a dict with one.
        filename: Name of the file, for the message.

    Raises:
        ValueError: If there is no state dict.
    """
    state = checkpoint
    if isinstance(checkpoint, Mapping):
        state = checkpoint.get('state_dict', checkpoint)
    if not isinstance(state, Mapping):
        raise ValueError(
            f'the checkpoint must hold the state dict of a model, got {filename!r}, '
            f'which holds a {type(state).__name__}: give the file that a training saved'
        )
    return {str(name): value for name, value in state.items()}


def require_resumable(checkpoint: Any, filename: str) -> None:
    """Refuse to resume from weights alone.

    A checkpoint without optimizer, such as a best one, is taken, and that is logged.

    Args:
        checkpoint: What the file holds.
        filename: Name of the file, for the message.

    Raises:
        ValueError: If the checkpoint does not say how far the training was.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    known = isinstance(meta, Mapping) and {'epoch', 'iter'} <= meta.keys()
    if not known or 'message_hub' not in checkpoint:
        raise ValueError(
            f'the checkpoint must say how far its training was, to resume it, got '
            f'{filename!r}, which holds weights alone: start from them with '
            f'load_from={filename!r} in the config'
        )
    if 'optimizer' not in checkpoint:
        print_log(
            f'{filename} holds no state of the optimizer, as the best checkpoints: its '
            f'momentum begins anew; resume from an epoch_*.pth or iter_*.pth to go on '
            f'as if never interrupted',
            'current',
            logging.WARNING,
        )


@CheckpointLoader.register_scheme(prefixes=('http://', 'https://'), force=True)
def read_download(
    filename: str, map_location: Any = None, model_dir: str | None = None
) -> Any:
    """Read a checkpoint from an address, as :func:`read_checkpoint`.

    Args:
        filename: The address.
        map_location: See :func:`torch.load`.
        model_dir: Where downloads are kept.
    """
    if get_rank() > 0:
        barrier()  # until the first process has downloaded
    try:
        return _as_data(
            load_state_dict_from_url(
                filename, model_dir, map_location, os.isatty(0), weights_only=True
            )
        )
    except OSError:  # of the network, or of the disk
        raise
    except Exception as error:
        folder = model_dir or os.path.join(get_dir(), 'checkpoints')
        kept = os.path.join(folder, os.path.basename(urlparse(filename).path))
        remedy = f'remove {kept!r}, where it is kept, to download it again'
        raise _refusal(filename, error, b'', remedy) from error
    finally:
        if get_rank() == 0:
            barrier()


@CheckpointLoader.register_scheme(
    prefixes=[r'(\S+\:)?s3://', r'(\S+\:)?petrel://'], force=True
)
def _read_store(
    filename: str, map_location: Any = None, backend: str = 'petrel'
) -> Any:
    content = get_file_backend(filename, backend_args={'backend': backend}).get(
        filename
    )
    return _read(BytesIO(content), filename, map_location)


@CheckpointLoader.register_scheme(
    prefixes=('modelzoo://', 'torchvision://'), force=True
)
def _read_torchvision(filename: str, map_location: Any = None) -> Any:
    return _read_zoo(filename, zoo.get_torchvision_models, map_location)


@CheckpointLoader.register_scheme(
    prefixes=('open-mmlab://', 'openmmlab://'), force=True
)
def _read_openmmlab(filename: str, map_location: Any = None) -> Any:
    return _read_zoo(filename, zoo.get_external_models, map_location)


@CheckpointLoader.register_scheme(prefixes='mmcls://', force=True)
def _read_mmcls(filename: str, map_location: Any = None) -> Any:
    state = _read_zoo(filename, zoo.get_mmcls_models, map_location)
    return zoo._process_mmcls_checkpoint(state)


def _read_zoo(
    filename: str, addresses: Callable[[], dict[str, str]], map_location: Any
) -> Any:
    """Read a checkpoint that a table of mmengine has under a name."""
    name = filename.partition('://')[2]
    known = addresses()
    if name not in known:
        raise ValueError(
            f'the checkpoint must be one that mmengine knows, got {filename!r}: '
            f'correct its name, or give an address or a file'
        )
    address = known[name]
    if address.startswith(('http://', 'https://')):
        return read_download(address, map_location)
    path = os.path.join(zoo._get_mmengine_home(), address)
    return read_checkpoint(path, map_location)


def _read(file: Any, name: str, map_location: Any) -> Any:
    try:
        return _as_data(torch.load(file, map_location=map_location, weights_only=True))
    except Exception as error:  # whatever damaged bytes lead to, OSError included
        file.seek(0)
        raise _refusal(name, error, file.read()) from error


def _as_data(read: Any) -> Any:
    """A checkpoint without the text that a runner would execute when it resumes."""
    meta = read.get('meta') if isinstance(read, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
    return read


def _refusal(
    name: str,
    error: Exception,
    content: bytes,
    remedy: str = 'write or download it again, or take an earlier one',
) -> Exception:
    """The error to raise for a checkpoint that cannot be read.

    Args:
        name: Path or address of the file.
        error: What its reading led to.
        content: The bytes of the file, if they are at hand.
        remedy: What to do about a damaged file.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return error
    text = str(error)
    named = list(dict.fromkeys(re.findall(r'GLOBAL ([\w.]+)', text)))
    if named or 'unrecognized function' in text or _calls(content):
        what = f' ({", ".join(named)})' if named else ''
        return ValueError(
            f'the checkpoint must hold tensors and plain values only, got {name!r}, '
            f'which holds other objects{what}: reading them may run foreign code, and '
            f'nothing of it was run; ask for the state dict alone'
        )
    if name.endswith('.safetensors'):
        return ValueError(
            f'the checkpoint must be a file of torch.save, got {name!r} of safetensors'
            f': save its tensors by torch.save, or convert those of a backbone by '
            f'tools/model_converters/pretrained_backbone.py'
        )
    if 'on a CUDA device but' in text:
        return ValueError(
            f'the tensors of a checkpoint must be for a device that is here, got '
            f'{name!r} with tensors of a GPU: read it with map_location="cpu"'
        )
    if 'TorchScript' in text:
        return ValueError(
            f'the checkpoint must be a file of torch.save, got {name!r}, which is a '
            f'TorchScript program: give the checkpoint that the training saved'
        )
    return ValueError(
        f'the checkpoint must be a complete file of torch.save, got {name!r}, which '
        f'cannot be read: it is damaged or of another format; {remedy}'
    )


def _calls(content: bytes) -> bool:
    """Whether bytes are a complete pickle that names or calls something."""
    if zipfile.is_zipfile(BytesIO(content)):
        return False
    try:
        return any(op.name in _CALLS for op, _, _ in [*pickletools.genops(content)])
    except Exception:  # no pickle
        return False


class PlainLoader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):  # type: ignore[misc]
    """Reads plain values, and the tuples that mmengine writes."""

    def build_tuple(self, node: Any) -> tuple[Any, ...]:
        """A tuple from the sequence of its values."""
        return tuple(self.construct_sequence(node, deep=True))


PlainLoader.add_constructor('tag:yaml.org,2002:python/tuple', PlainLoader.build_tuple)


@register_handler(['yaml', 'yml'])
class PlainYamlHandler(YamlHandler):
    """YAML files without tags that call functions.

    Raises:
        ValueError: If a file has such a tag.
    """

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Read an open file."""
        try:
            return yaml.load(file, Loader=PlainLoader)
        except yaml.constructor.ConstructorError as error:
            mark = error.problem_mark
            raise ValueError(
                f'a YAML file must hold plain values, got a tag that names an object '
                f'({error.problem}, line {mark.line + 1}), and none is made: write the '
                f'value itself'
            ) from error
