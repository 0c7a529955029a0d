"""Samples that a program or a command line gives, not a data set."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mmseg.registry import TRANSFORMS
from torch import Tensor

from mmseg_cen.modality import Modality, main_modality

from .decoding import native, turn_picture
from .inspection import doubt_depth, is_depth, summarize_depth
from .loading import LoadModalities
from .reading import Loaded, check_channels, fit_sizes, interpret, read_stored

#: A file or values, (H, W) or (H, W, C), of a tensor (C, H, W); pictures in BGR, see
#: :func:`~mmseg_cen.transforms.decoding.turn_picture`.
Source = str | os.PathLike[str] | np.ndarray | Tensor

#: Samples whose depth is looked at.
INSPECTED = 4


@TRANSFORMS.register_module()
class LoadGivenModalities(LoadModalities):
    """Load the modalities of a sample that is given as files or arrays.

    Required Keys:

    - img_path (Mapping[str, Source]): a file, an array (H, W) or (H, W, C), or a tensor
      (C, H, W), under the name of each modality. Pictures in memory, which are 'rgb'
      and any three channels of uint8, are blue first, as OpenCV reads them; files of
      arrays red first. Other arrays are as in their files. None stands for an absent
      modality

    Modified Keys:

    - img_path (str | None): file of the main modality, if there is one

    Added Keys: those of :class:`LoadModalities`, and what a data set would have added:

    - modalities, modality_paths, absent, seg_fields, reduce_zero_label

    Args:
        modalities: How each modality is read, in the order of the data set.
        optional: Names of those that may be absent.
        reduce_zero_label: As of the data set.
        factors: See :func:`~mmseg_cen.transforms.inspection.depth_factors`.
        backend_args: Arguments of the file backend.

    Raises:
        ValueError: If the sample is no such mapping, lacks a modality that may not be
            absent, or a modality is not as described.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self,
        modalities: Mapping[str, Modality],
        optional: Sequence[str] = (),
        reduce_zero_label: bool = False,
        factors: Mapping[str, float | None] | None = None,
        backend_args: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(backend_args)
        self.modalities = dict(modalities)
        self.optional = tuple(optional)
        self.reduce_zero_label = reduce_zero_label
        self.factors = dict(factors or {})
        self._inspected = 0

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load one sample."""
        given = self._checked(results.get('img_path'))
        main = main_modality(list(self.modalities))
        paths = {n: _path(source) or 'an array' for n, source in given.items()}
        results.update(
            img_path=_path(given.get(main)),
            modality_paths=paths,
            modalities=self.modalities,
            absent=tuple(name for name in self.modalities if name not in given),
            seg_fields=[],
            reduce_zero_label=self.reduce_zero_label,
        )
        loaded = {
            name: self._load(name, self.modalities[name], given[name], paths[name])
            for name in self.modalities
            if name in given
        }
        self._inspected += 1
        _require_sizes(loaded, self.modalities, paths, main)
        return self.put(results, fit_sizes(loaded, self.modalities, paths, main))

    def _checked(self, given: Any) -> dict[str, Source]:
        """The sources of the modalities that are there."""
        names = list(self.modalities)
        form = f'dict({", ".join(f"{name}=…" for name in names)})'
        if not isinstance(given, Mapping):
            what = 'one array' if given is None else repr(given)[:200]
            raise ValueError(
                f'a sample must have a file or an array of each of {names}, got {what}'
                f': write {form}'
            )
        if unknown := sorted(map(str, {*given} - {*names})):
            raise ValueError(
                f'a sample must have modalities of the network, {names}, got {unknown}'
                f': write {form}'
            )
        present = {name: given[name] for name in names if given.get(name) is not None}
        missing = [name for name in names if name not in present]
        if refused := [name for name in missing if name not in self.optional]:
            raise ValueError(
                f'a sample must have all modalities, {names}, got none of {refused}: '
                f'add them, or say that they may be absent, absent={refused}'
            )
        if not present:
            raise ValueError(
                f'a sample must have one modality at least of {names}, got none: add it'
            )
        return present

    def _load(
        self, name: str, modality: Modality, source: Source, place: str
    ) -> Loaded:
        what = f'{name}: {place}'
        any_type = replace(modality, dtype=None)
        orientation = 1
        if isinstance(source, (str, os.PathLike)):
            stored, orientation = read_stored(
                name, any_type, str(source), {modality.channels}, self.backend_args
            )
        else:
            stored = turn_picture(name, _stored(what, any_type, source))
        _require_type(what, name, modality, stored)
        if self._inspected < INSPECTED and is_depth(name, modality):
            summary = summarize_depth(stored, modality)
            doubt_depth(name, modality, summary, self.factors.get(name, 1), place)
        return interpret(what, name, any_type, stored, orientation)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(modalities={list(self.modalities)})'


def _path(source: Any) -> str | None:
    return str(source) if isinstance(source, (str, os.PathLike)) else None


def _stored(place: str, modality: Modality, source: np.ndarray | Tensor) -> np.ndarray:
    """Values in memory with channels last."""
    if isinstance(source, Tensor):
        array = source.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(source, np.ndarray):
        array = source
    else:
        raise ValueError(
            f'{place} must be a path, an array or a tensor, got '
            f'{type(source).__name__}: convert it'
        )
    if array.dtype.kind not in 'buif':
        raise ValueError(f'{place} must hold numbers, got {array.dtype}: convert it')
    return check_channels(place, native(array), modality, {modality.channels})


def _require_type(
    place: str, name: str, modality: Modality, stored: np.ndarray
) -> None:
    """Refuse values whose unit nobody knows: those of another type than described."""
    if modality.dtype is None or stored.dtype == modality.dtype:
        return
    if stored.dtype.kind == np.dtype(modality.dtype).kind == 'f':
        return
    if name == 'rgb' or modality.channels > 1:
        remedy = 'convert it'
    else:
        unit = dict(f='1', u='0.001', i='0.001').get(stored.dtype.kind, '1')
        remedy = (
            f'if it is right, say the unit of its values, e.g. --{name}-unit {unit} '
            f'(in Python MultimodalInferencer(…, modalities=dict({name}=dict(scale='
            f'{unit}))))'
        )
    raise ValueError(
        f'{place} must hold {modality.dtype}, as the model was trained, got '
        f'{stored.dtype}: {remedy}'
    )


def _require_sizes(
    loaded: Mapping[str, Loaded],
    modalities: Mapping[str, Modality],
    paths: Mapping[str, str],
    main: str,
) -> None:
    """Refuse a modality of another size than the image, unless it may be resized."""
    first = main if main in loaded else next(iter(loaded))
    height, width = loaded[first].image.shape[:2]
    for name, one in loaded.items():
        h, w = one.image.shape[:2]
        if (h, w) != (height, width) and not modalities[name].resize:
            remedy = (
                f'if both show the same view, add --resize-{name} (in Python '
                f'MultimodalInferencer(…, modalities=dict({name}=dict(resize=True)))); '
                f'else, register them'
            )
            if (h, w) == (width, height):
                remedy = (
                    'one of them is turned: turn it, or, where its tag (EXIF) says so, '
                    f"set orientation='apply' of the modality (--{first}-orientation "
                    f'apply, in Python modalities=dict({first}=dict(orientation='
                    "'apply')))"
                )
            raise ValueError(
                f'{name} must have the size of {first}, {width}x{height} '
                f'({paths[first]}), got {w}x{h} ({paths[name]}): {remedy}'
            )
