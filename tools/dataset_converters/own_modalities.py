"""The modalities of own data, as the command line names them."""

import argparse
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from own_files import ARRAYS, IMAGES, is_array

from mmseg_cen.modality import Modality, check_modality_names
from mmseg_cen.sentinels import Limits, parse_invalid

OPTIONS = (
    'suffix', 'scale', 'invalid', 'fill', 'interpolation', 'resize', 'orientation',
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """A modality as the command line describes it.

    Args:
        name: Its name.
        folder: Where its files are.
        suffix: How the names of the files end after the stem.
        scale: Physical units per stored unit; of depth, meters.
        invalid: Ranges of stored values that stand for no measurement, see
            :func:`~mmseg_cen.sentinels.parse_invalid`.
        fill: Replacement of invalid pixels, as of :class:`Modality`.
        interpolation: How it is resized, as of :class:`Modality`.
        resize: Whether files of another size are resized, as of :class:`Modality`.
        orientation: What becomes of orientation tags, as of :class:`Modality`.
        plausible: Of depth, where its median lies, as of :class:`Modality`.
    """

    name: str
    folder: str
    suffix: str | None = None
    scale: float | None = None
    invalid: tuple[Limits, ...] = ()
    fill: float | str | None = None
    interpolation: str | None = None
    resize: bool = False
    orientation: str | None = None
    plausible: tuple[float, float] | None = None

    @property
    def known(self) -> Sequence[str]:
        """Ends of the names of files that are read without a suffix."""
        return IMAGES if self.name == 'rgb' else ARRAYS


def parse_modality(text: str) -> Given:
    """A modality from ``NAME=DIR[:KEY=VALUE]...``.

    Raises:
        ValueError: If the text has another form, or a value is not allowed.
    """
    place, *settings = re.split(r':(?=[a-z_]+=)', text)
    name, _, folder = place.partition('=')
    if not name or not folder:
        raise ValueError(
            '`--modality` must be NAME=DIR, with options such as :suffix=.png or '
            f':scale=0.01 behind it, got {text!r}: name the modality and its folder'
        )
    options = dict(setting.split('=', 1) for setting in settings)
    if unknown := sorted({*options} - {*OPTIONS}):
        raise ValueError(
            f'options of `--modality` must be out of {OPTIONS}, got {unknown} in '
            f'{text!r}: correct them'
        )
    values: dict[str, Any] = {**options}
    try:
        if 'scale' in values:
            values['scale'] = float(values['scale'])
        if 'invalid' in values:
            values['invalid'] = parse_invalid(values['invalid'].split(','))
        if 'resize' in values:
            values['resize'] = bool(int(values['resize']))
    except ValueError as error:
        raise ValueError(
            f'`scale` and `resize` (0 or 1) of `--modality` must be numbers, `invalid` '
            f'numbers or ranges such as 60000..65535, got {text!r}: correct them'
        ) from error
    with suppress(KeyError, ValueError):  # none, or the name of a method
        values['fill'] = float(values['fill'])
    return Given(name, folder, **values)


def given_modalities(args: argparse.Namespace) -> list[Given]:
    """All modalities of the command line, RGB and depth first.

    Raises:
        ValueError: If there are none, a name stands twice or cannot be a modality's,
            or an option is missing or not allowed.
    """
    given = []
    if args.rgb is not None:
        given.append(
            Given('rgb', args.rgb, args.rgb_suffix, orientation=args.orientation)
        )
    if args.depth is not None:
        given.append(Given('depth', args.depth))
    given += map(parse_modality, args.modality)
    given = [_as_depth(one, args) if one.name == 'depth' else one for one in given]
    names = [modality.name for modality in given]
    if not names:
        raise ValueError(
            '--rgb, --depth or --modality must be given, got none: see --help'
        )
    if len({*names}) < len(names):
        raise ValueError(
            f'a modality must be given once, got {names}: remove the repeated ones'
        )
    check_modality_names(names)
    if 'label' in names:
        raise ValueError(
            "`--modality` must not be named 'label', the folder of the labels, got "
            f'{names}: rename it, or use --label'
        )
    for modality in given:
        _check(modality)
    return given


def _as_depth(given: Given, args: argparse.Namespace) -> Given:
    """Depth, given in either way, with the options of depth that it lacks."""
    options = dict(
        suffix=args.depth_suffix,
        scale=args.depth_unit,
        invalid=parse_invalid(args.depth_invalid and args.depth_invalid.split(',')),
        resize=args.resize,
        orientation=args.orientation,
        plausible=args.plausible_depth and tuple(args.plausible_depth),
    )
    lacking = {
        key: value
        for key, value in options.items()
        if getattr(given, key) == getattr(Given, key)
    }
    return replace(given, **lacking)


def _check(given: Given) -> None:
    option = '--depth-unit' if given.name == 'depth' else f'scale of {given.name}'
    if given.name == 'depth' and given.scale is None:
        raise ValueError(
            '--depth-unit must be given, got none: give the meters of one stored '
            'unit (as --modality depth=DIR:scale=0.001 or --depth-unit 0.001)'
        )
    if given.scale is not None and not 0 < given.scale < np.inf:
        raise ValueError(
            f'`{option}` must be positive and finite, got {given.scale}: give the '
            f'{"meters" if given.name == "depth" else "physical unit"} of one stored '
            'unit'
        )
    if given.name == 'rgb' and is_array(given.suffix or ''):
        raise ValueError(
            f'`--rgb-suffix` must be of image files, got {given.suffix}: .npy is for '
            'depth, labels and other modalities only'
        )
    if given.name in ('rgb', 'depth') and given.fill is not None:
        raise ValueError(
            f'`fill` must be left out for {given.name}, got {given.fill!r}: change it '
            'in the written config'
        )
    chosen = dict(
        fill=given.fill,
        interpolation=given.interpolation,
        orientation=given.orientation,
        plausible=given.plausible,
    )
    Modality(**{key: value for key, value in chosen.items() if value is not None})
