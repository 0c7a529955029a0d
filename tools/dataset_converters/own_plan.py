"""The plan of the conversion of own data: which files make which samples."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from own_files import ARRAYS, find, is_array, no_data_in
from own_labels import LabelReader, class_names, parse_label_map
from own_modalities import Given, given_modalities
from own_storage import Stored, first_array, how_stored, picture_of_depth

from mmseg_cen.modality import Modality, build_modalities
from mmseg_cen.plausibility import ROOMS
from mmseg_cen.preparation import Folder, Plan, Sample, decode_complete, read_list
from mmseg_cen.sentinels import find_invalid
from mmseg_cen.transforms.depth import valid_pixels
from mmseg_cen.transforms.reading import Loaded, fit_sizes
from mmseg_cen.visualization.panels import default_palette


@dataclass
class Reader:
    """Read one sample; its inputs are the files of its modalities, then of its labels.

    The source of a sample is the message about missing files, or None.

    Args:
        modalities: How each is stored.
        labels: Reads the labels, if there are any.
    """

    modalities: list[Stored]
    labels: LabelReader | None

    def __call__(self, sample: Sample) -> dict[str, NDArray[Any] | bytes]:
        """Contents of each folder."""
        if sample.source is not None:
            raise ValueError(sample.source)
        contents = {
            stored.given.name: stored.read(path)
            for stored, path in zip(self.modalities, sample.inputs, strict=False)
        }
        if any(stored.given.resize for stored in self.modalities):
            self._resize(contents, sample.inputs)
        if self.labels is not None:
            contents['label'] = self.labels.read(sample.inputs[-1])
        return contents

    def _resize(self, contents: dict[str, Any], inputs: Sequence[str]) -> None:
        """Resize the modalities that may have another size than the first one."""
        loaded: dict[str, Loaded] = {}
        modalities: dict[str, Modality] = {}
        for stored in self.modalities:
            name, content = stored.given.name, contents[stored.given.name]
            if isinstance(content, bytes):
                content = decode_complete(content, color=stored.channels == 3)
            modalities |= build_modalities({name: stored.options})
            has_holes = modalities[name].fill is not None
            everywhere = np.ones(content.shape[:2], bool)
            valid = valid_pixels(content) if has_holes else everywhere
            loaded[name] = Loaded(content, valid)
        first = self.modalities[0].given.name
        paths = dict(zip(loaded, inputs, strict=False))
        for name, one in fit_sizes(loaded, modalities, paths, first).items():
            if one is not loaded[name]:
                contents[name] = one.image


def match(folders: dict[str, dict[str, Path]]) -> dict[str, str | None]:
    """Stems in order, each with a message about missing files; None if all exist."""
    missing: dict[str, str | None] = {}
    for stem in sorted(set().union(*folders.values())):
        here = [name for name in folders if stem in folders[name]]
        gone = [name for name in folders if name not in here]
        missing[stem] = f'no {", ".join(gone)}, but {", ".join(here)}' if gone else None
    return missing


def split(
    missing: dict[str, str | None], val_share: float, val_list: str | None
) -> tuple[set[str], list[str]]:
    """Stems for validation, and the problems of their list.

    Args:
        missing: See :func:`match`.
        val_share: How many of the complete samples.
        val_list: File with the stems instead.

    Raises:
        ValueError: If none would be left for training, or for validation.
    """
    stems = [stem for stem, what in missing.items() if what is None]
    if val_list is not None:
        wanted = set(read_list(val_list))
        if unknown := sorted(wanted - set(missing)):
            return wanted, [
                f'{val_list} names {stem!r}, which does not exist: samples have names '
                f'such as {stems[0]!r}'
                for stem in unknown
            ]
        if not 0 < len(wanted & set(stems)) < len(stems):
            raise ValueError(
                f'{val_list} must name some of the {len(stems)} complete samples, and '
                f'leave others for training, got {len(wanted & set(stems))} of them: '
                'correct the list'
            )
        return wanted, []
    if not 0 < val_share < 1:
        raise ValueError(
            f'`--val-share` must be within 0 and 1, got {val_share}: give a share '
            'between them, such as 0.2'
        )
    if len(stems) < 2:
        raise ValueError(
            f'complete samples must be two at least, got {len(stems)}: add others'
        )
    count = min(max(round(val_share * len(stems)), 1), len(stems) - 1)
    order = np.random.default_rng(0).permutation(len(stems))
    return {stems[i] for i in order[:count]}, []


def make_plan(args: argparse.Namespace) -> Plan:
    """Plan the conversion of the folders."""
    given = given_modalities(args)
    out = Path(args.out)
    folders = {m.name: find(m.folder, m.suffix, m.known, out) for m in given}
    if args.label is not None:
        folders['label'] = find(args.label, args.label_suffix, ARRAYS, out)
    missing = match(folders)
    if all(missing.values()):
        raise ValueError(
            'names must agree up to the suffix, got no complete sample among '
            + ', '.join(str(next(iter(files.values()))) for files in folders.values())
            + ': say how the names end with '
            + ', '.join(suffix_option(name) for name in folders)
        )
    labels, classes, warnings = None, [], []
    val, problems, splits = set(), [], ['test']
    if args.label_map and args.reduce_zero_label:
        raise ValueError(
            '`--label-map` must be alone, got --reduce-zero-label, too: leave that '
            'out, and map 0:void'
        )
    if args.label is not None:
        labels = LabelReader(
            args.reduce_zero_label,
            args.ignore_label,
            parse_label_map(args.label_map),
            orientation=args.orientation,
        )
        paths = list(folders['label'].values())
        classes, warnings = class_names(args.classes, args.num_classes, labels, paths)
        labels.num_classes = len(classes) or None
        val, problems = split(missing, args.val_share, args.val_list)
        splits = ['train', 'val']
    modalities = [how_stored(m, list(folders[m.name].values())) for m in given]
    layout = {stored.given.name: stored.folder for stored in modalities}
    if labels is not None:
        layout['label'] = Folder(
            kind='label',
            dtype=labels.dtype,
            num_classes=len(classes),
            ignore_index=labels.void,
        )
    for stored in modalities:
        paths = list(folders[stored.given.name].values())
        warnings += unnamed_no_data(stored.given, paths) + full_opacity(stored, paths)
        if stored.given.name == 'depth':
            warnings += picture_of_depth(stored, paths)
    samples = [
        Sample(
            stem,
            'val' if stem in val else splits[0],
            source=what,
            inputs=tuple(str(f[stem]) for f in folders.values() if stem in f),
        )
        for stem, what in missing.items()
    ]
    return Plan(
        dataset='own data',
        folders=layout,
        samples=samples,
        convert=Reader(modalities, labels),
        splits=dict.fromkeys(splits),
        options=dict(
            modalities={stored.given.name: stored.options for stored in modalities},
            stored={m.name: [m.scale, m.invalid] for m in given},
            resized=[m.name for m in given if m.resize],
            orientation={m.name: m.orientation for m in given if m.orientation},
            reduce_zero_label=args.reduce_zero_label,
            ignore_label=args.ignore_label,
            label_map=args.label_map,
        ),
        classes=classes,
        palette=default_palette(len(classes)),
        warnings=warnings,
        problems=problems,
        extras={'config.py': None},
        plausible=args.plausible_depth or ROOMS,
        turns=args.orientation is not None,
    )


def unnamed_no_data(given: Given, paths: Sequence[Path]) -> list[str]:
    """A warning if files name a value of no measurement, and the command does not."""
    value = None if given.name == 'rgb' else no_data_in(paths)
    if value is None or find_invalid(np.array([[value]]), given.invalid).any():
        return []
    option = f'--modality {given.name}=DIR:invalid='
    if given.name == 'depth':
        option = '--depth-invalid='
    return [
        f'{given.name} has {value:g} where nothing was measured, as its files say by '
        f'the tag GDAL_NODATA; it is taken for measured: give {option}{value:.17g}'
    ]


def full_opacity(stored: Stored, paths: Sequence[Path]) -> list[str]:
    """A warning if the fourth channel of images is opacity, the same everywhere."""
    if stored.channels != 4 or all(map(is_array, paths)):
        return []
    fourth = first_array(stored.given, paths)[..., 3]
    if fourth.dtype.kind != 'u' or (fourth != np.iinfo(fourth.dtype).max).any():
        return []
    name = stored.given.name
    return [
        f'{name} has four channels, the last of which is opacity, full everywhere in '
        'the first file: all streams of a network have as many channels as the '
        'largest modality, so that it costs one in each; store the files without '
        'opacity, or, if the channel was measured, as .npy'
    ]


def suffix_option(name: str) -> str:
    """How the suffix of a folder is given."""
    if name in ('rgb', 'depth', 'label'):
        return f'--{name}-suffix'
    return f'--modality {name}=DIR:suffix='
