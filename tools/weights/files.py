"""Files of pretrained weights, read without running code."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import torch

from mmseg_cen.launch import load_tensors, require_file

#: Under which name a converted checkpoint says in its meta where it is from.
META = 'pretrained'
#: How a file begins that stands for another one in a repository.
_POINTER = b'version https://git-lfs.github.com/spec/'


def read_weights(path: str) -> Any:
    """Read a file of ``torch.save``, one of safetensors, or the index of several.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged or a part of several, or a package is missing.
    """
    require_file(path, 'file of weights')
    if path.endswith('.index.json'):
        return _read_shards(Path(path))
    shard = re.search(r'-\d{5}-of-(\d{5})\.\w+$', path)
    if shard and int(shard[1]) > 1:
        raise ValueError(
            f'the weights must be whole, got {path!r}, one file of {int(shard[1])}: '
            f'give the file that lists them, *.index.json, which lies beside them'
        )
    return _read_file(path)


def _read_file(path: str) -> Any:
    with open(path, 'rb') as file:  # errors of safetensors do not tell permissions
        if file.read(len(_POINTER)) == _POINTER:
            raise ValueError(
                f'the file must hold weights, got {path!r}, a pointer of Git LFS to '
                f'them: fetch them by `git lfs pull`, or download the file itself'
            )
    if Path(path).suffix != '.safetensors':
        # Trainings of torchvision save their options in this class, which runs nothing.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return load_tensors(path)
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ValueError(
            f'the package safetensors must be installed to read {path!r}, got none: '
            f"install it (pip install 'mmseg-cen[weights]')"
        ) from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f'the file must be a complete one of safetensors, got {path!r} ({error}): '
            f'download it again'
        ) from error


def _read_shards(index: Path) -> dict[str, Any]:
    """The tensors of all files that an index of Hugging Face lists."""
    files = read_json(index).get('weight_map')
    if not isinstance(files, dict) or not files:
        raise ValueError(
            f'an index of weights must hold `weight_map`, the file of each tensor, got '
            f'{str(index)!r} without: give the weights themselves'
        )
    state: dict[str, Any] = {}
    for name in sorted({str(file) for file in files.values()}):
        require_file(str(index.parent / name), f'file that {index.name} lists')
        state |= _read_file(str(index.parent / name))
    return state


def read_json(path: Path) -> dict[str, Any]:
    """A dict of a file; an empty one of a file that holds something else."""
    try:
        said = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
