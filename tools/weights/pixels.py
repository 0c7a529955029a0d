"""The images that pretrained weights are for, and what a config makes of them."""

import argparse
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_cen.zoos import Pixels, Recognized

from .files import read_json


def pixels_of(args: argparse.Namespace, recognized: Recognized, meta: Any) -> Pixels:
    """The images that the weights of the output are for.

    Raises:
        ValueError: If weights of this tool for RGB are to be reversed once more.
    """
    known = recognized.scheme.pixels
    if 'mean' in meta:
        known = Pixels(tuple(meta['mean']), tuple(meta['std']), meta['order'])
        if args.bgr and known.order == 'RGB':
            raise ValueError(
                f'`--bgr` must be for weights of BGR images, got {args.input!r}, '
                f'which this tool has written for RGB: leave it out'
            )
    else:
        known = pixels_beside(args.input) or known
    if args.bgr and known.order == 'RGB':
        known = known.reversed()
    known = Pixels(
        tuple(args.mean or known.mean), tuple(args.std or known.std), known.order
    )
    return known.reversed() if args.bgr else known


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
            said = read_json(folder / name)
            inner = said.get(part) if part else said
            said = inner if isinstance(inner, dict) else {}
            if all(_is_of_colors(said.get(key)) for key in (mean, std)):
                scaled = [
                    tuple(round(255 * v, 3) for v in said[k]) for k in (mean, std)
                ]
                return Pixels(*scaled)
    return None


def _is_of_colors(values: Any) -> bool:
    """Whether a file says a number for each of three channels."""
    return (
        isinstance(values, list)
        and len(values) == 3
        and all(isinstance(value, (int, float)) for value in values)
    )


def preprocessing(cfg: Config, pixels: Pixels) -> str:
    """What the data preprocessor has to do, and whether that of a config does."""
    wanted = dict(
        mean=list(pixels.mean),
        std=list(pixels.std),
        bgr_to_rgb=pixels.order == 'RGB',
    )
    given = cfg.model.get('data_preprocessor') or {}
    modalities = given.get('modalities')
    where = 'model.data_preprocessor'
    if isinstance(modalities, dict) and modalities:
        color = 'rgb' if 'rgb' in modalities else next(iter(modalities))
        given, where = modalities[color], f'{where}.modalities.{color}'
        given = {'bgr_to_rgb': color == 'rgb', **given}
    said = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
    has = all(said.get(key) == value for key, value in wanted.items())
    lines = [f'    {where}.{key} = {value}' for key, value in wanted.items()]
    known = 'which the config has' if has else 'which the config does not have yet'
    return '\n'.join([f'Images in the order {pixels.order}, {known}:', *lines])
