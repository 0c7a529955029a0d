"""Data sets of any number of aligned modalities."""

import os.path as osp
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from mmengine import fileio
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_cen.modality import (
    Modality,
    ModalityOptions,
    build_modalities,
    complete_options,
    main_modality,
)
from mmseg_cen.once import warn_once

from .classes import (
    choose_ignore_index,
    complete_label_map,
    map_of_subset,
    palette_of_subset,
    read_class_names,
)
from .groups import find_groups
from .inspection import attach, inspect_samples
from .listing import check_columns, list_stems, read_rows, require_files
from .names import name_draws

LABEL = 'seg_map_path'


@DATASETS.register_module()
class MultimodalSegDataset(BaseSegDataset):
    """Semantic segmentation of images in M aligned modalities.

    The samples are the lines of ``ann_file``, either

    - one stem each: ``{data_prefix[name]}/{stem}{suffix}`` is the file of modality
      ``name``, ``{data_prefix['seg_map_path']}/{stem}{seg_map_suffix}`` the label
      file; a stem may have blanks if there is a file of that name; or
    - a tuple of M paths relative to ``data_root``, in the order of ``modalities``,
      and of the label file as the last one, if there are labels. Columns are separated
      by tabs, or by any blanks in lines without tabs.

    Blank lines are skipped. Without ``ann_file``, the samples are all files in the
    folder of the first modality and below it, sorted.

    Files of ``optional`` modalities may be missing: ``absent`` of a sample names the
    modalities without a file. Each sample has at least one.

    Samples may belong to groups, such as the images of one camera, which
    ``StreamIoUMetric(group_by='camera')`` then measures apart.

    As ``METAINFO`` names the classes of a data set, class attributes name its
    modalities, folders and groups: ``MODALITIES``, ``PREFIXES`` and ``GROUPS`` have the
    form of the arguments ``modalities``, ``data_prefix`` and ``groups``, and are their
    defaults.

    Args:
        modalities: Names of the modalities, or options of
            :class:`~mmseg_cen.modality.Modality` under the name of each. Their order is
            that of the columns of lists; the first has the folder that is scanned
            without a list. The model decides the order of the streams. Names alone
            have the options of ``MODALITIES``, or default options if the class has no
            ``MODALITIES``. Options under a name stand for themselves; with
            ``inherit=True`` among them, they replace single options of ``MODALITIES``.
        data_prefix: Folder of each modality, by default its name, and of the label
            files as ``seg_map_path``; without it, or with ``None``, there are none. It
            replaces only the folders it names.
        groups: Under the name of a grouping, ``'camera'``, where the group of a sample,
            ``'kv2'``, is found: a ``.json`` file below ``data_root`` with an object
            ``{stem: group}``, or else a regular expression that is searched in the
            stem. The group is the first parenthesis of the expression, or all that it
            matches if it has none. In lists of paths, the first of the line stands for
            the stem. Added to ``GROUPS``; ``None`` leaves a grouping of these out.
        optional: Names of the modalities whose files, or whole folder, may be missing.
        order: Names of the modalities in their order; by default, the order of
            ``modalities``, which a config file that mmengine writes does not keep.
        label_map: Class of each label that the files store, if these are not 0..K-1;
            None for labels that are ignored: ``{0: 0, 255: 1}``, ``{7: 0, 8: None}``.
            Labels that it does not name are refused, but for ``ignore_index``.
        ignore_index: Label of pixels without a class. ``None``: 255, or 65535 of more
            than 255 classes. Heads and metric need the same, and the preprocessor as
            ``seg_pad_val``.
        **kwargs: Passed to :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        ValueError: If a modality, an option or a prefix is not known, a line of
            ``ann_file`` has the wrong number of columns, there are no samples, or a
            sample has no group.
        FileNotFoundError: If files are missing; it names them.
    """

    MODALITIES: Mapping[str, Mapping[str, Any]] = {}
    PREFIXES: Mapping[str, str] = {}
    GROUPS: Mapping[str, str] = {}

    def __init__(
        self,
        modalities: ModalityOptions | None = None,
        data_prefix: Mapping[str, str | None] | None = None,
        groups: Mapping[str, str | None] | None = None,
        optional: Sequence[str] = (),
        order: Sequence[str] | None = None,
        label_map: Mapping[Any, int | None] | None = None,
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> None:
        chosen_groups = {**self.GROUPS, **(groups or {})}
        self.groups = {k: v for k, v in chosen_groups.items() if v is not None}
        self._left_out = chosen_groups.keys() - self.groups.keys()
        self.modalities = self.build_modalities(modalities)
        if order is not None:
            if unknown := sorted({*order} - {*self.modalities}):
                raise ValueError(
                    f'`order` must hold names of `modalities`, {list(self.modalities)},'
                    f' got {unknown}: correct or remove them'
                )
            self.modalities = {name: self.modalities[name] for name in order}
        if unknown := sorted(set(optional) - set(self.modalities)):
            raise ValueError(
                f'`optional` must name modalities out of {list(self.modalities)}, got '
                f'{unknown}: correct or remove them'
            )
        self.optional = tuple(optional)
        prefixes: dict[str, str | None] = {name: name for name in self.modalities}
        prefixes |= {**self.PREFIXES, **(data_prefix or {})}
        allowed = [*self.modalities, LABEL]
        # Folders of modalities that are known, but not chosen, are no mistake.
        if unknown := sorted(set(prefixes) - {*allowed, *self.MODALITIES}):
            raise ValueError(
                f'keys of `data_prefix` must be out of {allowed}, got {unknown}: '
                'correct or remove them'
            )
        chosen = {name: prefixes[name] for name in self.modalities}
        if prefixes.get(LABEL) is not None:
            chosen[LABEL] = prefixes[LABEL]
        classes = self._load_metainfo(kwargs.get('metainfo')).get('classes') or ()
        reduces = bool(kwargs.get('reduce_zero_label'))
        ignore_index = choose_ignore_index(ignore_index, len(classes), reduces)
        self.own_label_map = label_map and complete_label_map(
            label_map, len(classes), ignore_index
        )
        if label_map and reduces:
            raise ValueError(
                '`label_map` must be alone, got reduce_zero_label=True, too: leave '
                'that out, and map 0 to None'
            )
        super().__init__(data_prefix=chosen, ignore_index=ignore_index, **kwargs)
        self._metainfo['ignore_index'] = ignore_index

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping[str, Any] | None = None) -> dict:
        loaded: dict = super()._load_metainfo(read_class_names(metainfo))
        return loaded

    def _update_palette(self) -> list:
        own = palette_of_subset(self.METAINFO, self._metainfo)
        return own or super()._update_palette()

    @classmethod
    def build_modalities(
        cls, modalities: ModalityOptions | None = None
    ) -> dict[str, Modality]:
        """Build the modalities that the argument ``modalities`` of the class names."""
        if modalities is None:
            modalities = cls.MODALITIES
        return build_modalities(complete_options(modalities, cls.MODALITIES))

    def full_init(self) -> None:
        """Find the samples, and let the loading inspect some of them."""
        if not self._fully_initialized:
            super().full_init()
            attach(self)
            inspect_samples(self)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Find the files of all samples, and check that they exist."""
        rows = self._read_rows() if self.ann_file else self._scan_rows()
        columns = [*self.modalities, LABEL]
        needed = [
            path
            for _, row in rows
            for name, path in zip(columns, row, strict=False)
            if name not in self.optional
        ]
        require_files(needed, self.backend_args)
        samples = [self._data_info(row) for _, row in rows]
        self._warn_of_absent(samples)
        name_draws(samples, self.data_root)
        groups = self.load_groups([stem for stem, _ in rows])
        for sample, of_sample in zip(samples, groups, strict=True):
            sample['groups'] = {
                k: v for k, v in of_sample.items() if k not in self._left_out
            }
        return samples

    def load_groups(self, stems: Sequence[str]) -> list[dict[str, str]]:
        """Find the groups of each sample, e.g. ``[{'camera': 'kv2'}, ...]``.

        Data sets that know the groups of their samples override this method.
        """
        return find_groups(self.groups, stems, self.data_root, self.backend_args)

    @cached_property
    def _label_map(self) -> dict[int, int] | None:
        return self.own_label_map or map_of_subset(
            self.label_map, self.METAINFO, self.metainfo, self.ignore_index
        )

    def _data_info(self, row: Sequence[str]) -> dict[str, Any]:
        paths = dict(zip(self.modalities, row, strict=False))
        data_info = dict(
            img_path=paths[main_modality(list(paths))],
            modality_paths=paths,
            modalities=self.modalities,
            label_map=self._label_map,
            reduce_zero_label=self.reduce_zero_label,
            num_classes=len(self.metainfo.get('classes') or ()) or None,
            ignore_index=self.ignore_index,
            seg_fields=[],
        )
        if self.optional:
            absent = [name for name in self.optional if not self._is_file(paths[name])]
            if len(absent) == len(paths):
                require_files(list(paths.values()), self.backend_args)
            data_info['absent'] = tuple(name for name in paths if name in absent)
        if len(row) > len(paths):
            data_info[LABEL] = row[-1]
        return data_info

    def _read_rows(self) -> list[tuple[str, list[str]]]:
        """Stem and paths of the files of each line of ``ann_file``."""
        M = len(self.modalities)
        rule = (
            f'one stem or the {M} paths of {list(self.modalities)}, and one of the '
            'labels if there are any'
        )
        rows = read_rows(
            self.ann_file, {1, M, M + 1}, rule, self._is_stem, self.backend_args
        )
        found = [
            (row[0], self._stem_row(row[0]) if len(row) == 1 else self._rooted(row))
            for row in rows
        ]
        if LABEL in self.data_prefix:
            check_columns(
                found, [*self.modalities], self.data_prefix[LABEL], self.ann_file
            )
        return found

    def _scan_rows(self) -> list[tuple[str, list[str]]]:
        """Each stem in the folder of the first modality, and paths of its files."""
        name, modality = next(iter(self.modalities.items()))
        folder = self.data_prefix[name]
        stems = list_stems(name, folder, modality.suffix, self.backend_args)
        return [(stem, self._stem_row(stem)) for stem in stems]

    def _stem_row(self, stem: str) -> list[str]:
        row = [
            self._first_file(osp.join(self.data_prefix[name], stem), modality.suffix)
            for name, modality in self.modalities.items()
        ]
        if LABEL in self.data_prefix:
            row.append(osp.join(self.data_prefix[LABEL], stem + self.seg_map_suffix))
        return row

    def _is_stem(self, stem: str) -> bool:
        return any(self._is_file(path) for path in self._stem_row(stem))

    def _first_file(self, path: str, suffix: str | tuple[str, ...]) -> str:
        if isinstance(suffix, str):
            return path + suffix
        paths = [path + end for end in suffix]
        exists = (fileio.isfile(p, backend_args=self.backend_args) for p in paths)
        return next((p for p, e in zip(paths, exists, strict=True) if e), paths[0])

    def _rooted(self, row: Sequence[str]) -> list[str]:
        return [osp.join(self.data_root or '', path) for path in row]

    def _is_file(self, path: str) -> bool:
        return fileio.isfile(path, backend_args=self.backend_args)

    def _warn_of_absent(self, samples: Sequence[dict[str, Any]]) -> None:
        """Warn of modalities that may be missing, and are, in all samples."""
        gone = [n for n in self.optional if all(n in s['absent'] for s in samples)]
        for name in gone if samples else ():
            warn_once(
                f'no file of {name} in {self.data_prefix[name]}',
                f'None of the {len(samples)} samples has a file of the optional '
                f'modality {name!r}, such as {samples[0]["modality_paths"][name]}: if '
                'there are files, correct `data_prefix` or `suffix`',
            )
