"""Files of pretrained weights, read without running code, and what lies beside them."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from mmseg_cen.launch import load_tensors, require_file
from mmseg_cen.zoos import Pixels

#: Under which name a converted checkpoint says in its meta where it is from.
META = 'pretrained'


def read_weights(path: str) -> Any:
    """Read a file of ``torch.save``, or one of safetensors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or a package is missing.
    """
    require_file(path, 'file of weights')
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


def pixels_beside(path: str) -> Pixels | None:
    """Mean and std that a configuration beside a file says, as hubs store them.

    timm has them in ``config.json``, transformers in ``preprocessor_config.json``.
    """
    folder = Path(path).parent
    for name, part, mean, std in (
        ('config.json', 'pretrained_cfg', 'mean', 'std'),
        ('preprocessor_config.json', None, 'image_mean', 'image_std'),
    ):
        if (folder / name).is_file():
            said = json.loads((folder / name).read_text(encoding='utf-8'))
            said = said.get(part, {}) if part else said
            if len(said.get(mean, ())) == len(said.get(std, ())) == 3:
                scaled = [
                    tuple(round(255 * v, 3) for v in said[k]) for k in (mean, std)
                ]
                return Pixels(*scaled)
    return None
