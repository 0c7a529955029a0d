"""Data sets of aligned domains: some are the sources, one is the target."""

import os.path as osp
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from mmseg_cen.datasets.listing import list_files, read_rows, require_files
from mmseg_cen.modality import main_modality
from mmseg_cen.transforms.inspection import inspect_directions

from .derived import RECIPES
from .domains import Domain, build_domains, select_domains


class TranslationDataset(BaseDataset):
    """Base class of all data sets of image translation: sources and a target.

    The ``metainfo`` has ``sources``, ``target`` and, as plain dicts that
    :func:`~mmseg_cen.translation.build_domains` takes, ``domains``.

    Args:
        domains: Options of :class:`~mmseg_cen.translation.Domain` under the name of
            each domain, in any order.
        sources: Names of the sources, in the order of the streams.
        target: Name of the target.
        has_target: Whether samples have the target, which a prediction does not need.
        **kwargs: Passed to :class:`mmengine.dataset.BaseDataset`.

    Raises:
        ValueError: If a domain is unknown, or the target is a source too.
    """

    def __init__(
        self,
        domains: Mapping[str, Mapping[str, Any]],
        sources: Sequence[str],
        target: str,
        has_target: bool = True,
        **kwargs: Any,
    ) -> None:
        self.domains = build_domains(domains)
        chosen = select_domains(list(self.domains), sources, target)
        self.sources, self.target = chosen[:-1], target
        loaded = chosen if has_target else self.sources
        self.modalities = {name: self.domains[name] for name in loaded}
        super().__init__(data_prefix={}, **kwargs)
        self._metainfo.update(
            domains={name: asdict(self.domains[name]) for name in chosen},
            sources=self.sources,
            target=target,
        )

    def full_init(self) -> None:
        """Find the samples, and warn of directions that flips would not turn."""
        if not self._fully_initialized:
            super().full_init()
            inspect_directions(self.modalities, self.pipeline.transforms)

    def sample_info(self, img_path: str, **others: Any) -> dict[str, Any]:
        """A sample as the transforms get it; ``img_path`` names its results."""
        return dict(
            img_path=img_path,
            modalities=self.modalities,
            sources=self.sources,
            target=self.target,
            seg_fields=[],
            **others,
        )


@DATASETS.register_module()
class MultimodalTranslationDataset(TranslationDataset):
    """Translation of images between aligned domains that are stored in files.

    The file of a domain is ``file_pattern`` with its folder, the stem of the sample and
    the suffix of the domain filled in. The samples are the lines of ``ann_file``,
    either

    - one stem each, which may contain folders; or
    - paths relative to ``data_root``, of the sources in their order and of the target,
      if all of these have files. Columns are separated by tabs, or by any blanks if a
      line has no tab.

    Without ``ann_file``, the samples are the stems of all files of these domains, in
    sorted order: each domain must have all of them.

    Args:
        sources: Names of the sources, in the order of the streams.
        target: Name of the target.
        domains: Options of :class:`~mmseg_cen.translation.Domain` under the name of
            each domain, in any order. There may be more domains than are used. Domains
            with ``derive`` have no files; the domains they are derived from must.
        data_prefix: Folder of each domain relative to ``data_root``, by default its
            name. ``None`` for the target: there is none, and samples are predicted
            only.
        file_pattern: Path of a file relative to ``data_root``: ``{domain}`` stands for
            the folder of the domain, ``{stem}`` for the sample.
        ann_file: The list of samples.
        backend_args: Arguments of the file backend, see :mod:`mmengine.fileio`.
        **kwargs: Passed to :class:`mmengine.dataset.BaseDataset`.

    Raises:
        ValueError: If a domain, an option or a placeholder is unknown, the target is
            a source too, by its name or its files, a line of ``ann_file`` has the wrong
            number of columns, or there are no samples.
        FileNotFoundError: If files are missing; the message names them all.
    """

    def __init__(
        self,
        sources: Sequence[str],
        target: str,
        domains: Mapping[str, Mapping[str, Any]],
        data_prefix: Mapping[str, str | None] | None = None,
        file_pattern: str = '{domain}/{stem}{suffix}',
        ann_file: str = '',
        backend_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if unknown := sorted(set(data_prefix or {}) - set(domains)):
            raise ValueError(
                f'`data_prefix` must name some of {sorted(domains)}, got {unknown}: '
                'add them to `domains`, or leave them out'
            )
        self.folders: dict[str, str | None] = {name: name for name in domains}
        self.folders.update(data_prefix or {})
        if none := [n for n, f in self.folders.items() if f is None and n != target]:
            raise ValueError(
                f'`data_prefix` must name the folders of all domains but the target, '
                f"got None for {none}: write '' for the folder `data_root` itself"
            )
        self.file_pattern = file_pattern
        self.backend_args = backend_args
        has_target = self.folders.get(target) is not None
        super().__init__(
            domains, sources, target, has_target, ann_file=ann_file, **kwargs
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Find the files of every sample, and check that they exist."""
        files = self.file_domains()
        rows = self._listed(files) if self.ann_file else self._scanned(files)
        require_files([path for row in rows for path in row], self.backend_args)
        self._require_apart(files, rows)
        return [
            self.sample_info(
                img_path=row[list(files).index(main_modality(list(files)))],
                modality_paths=dict(zip(files, row, strict=True)),
                file_domains=files,
            )
            for row in rows
        ]

    def file_domains(self) -> dict[str, Domain]:
        """Domains to load: sources and target, or the domains they are derived from."""
        names: dict[str, None] = {}  # an ordered set
        for name, domain in self.modalities.items():
            origin = RECIPES[domain.derive] if domain.derive else name
            if origin not in self.domains or self.domains[origin].derive:
                raise ValueError(
                    f'`domains` must have {origin!r}, with files, to derive {name!r} '
                    f'from, got {sorted(self.domains)}: add it'
                )
            if self.folders[origin] is None:
                raise ValueError(
                    f'`data_prefix` must name the folder of {origin!r}, from which '
                    f'the source {name!r} is derived, got None: name it, as there is '
                    'no prediction without the source'
                )
            names[origin] = None
        return {name: self.domains[name] for name in names}

    def _require_apart(
        self, files: Mapping[str, Domain], rows: Sequence[Sequence[str]]
    ) -> None:
        """Refuse one file as a source and the target, or as one source twice."""
        for (a, first), (b, second) in combinations(enumerate(files), 2):
            one, other = files[first], files[second]
            alike = self.target in (first, second) or one == other
            shared = [row[a] for row in rows if row[a] == row[b]]
            if shared and alike and one.key == other.key:
                raise ValueError(
                    f'domains must have files of their own, got {shared[0]} for '
                    f'{first!r} and {second!r}: correct `file_pattern`, '
                    '`data_prefix`, suffixes or `ann_file`, or leave one of them out'
                )

    def _listed(self, files: Mapping[str, Domain]) -> list[list[str]]:
        """Paths of the files of each line of ``ann_file``."""
        rule, widths = 'one stem', {1}
        if list(files) == list(self.modalities):
            rule += f' or the {len(files)} paths of {list(files)}'
            widths.add(len(files))

        def is_stem(line: str) -> bool:
            paths = self._paths(line, files)
            return any(fileio.isfile(p, backend_args=self.backend_args) for p in paths)

        rows = read_rows(self.ann_file, widths, rule, is_stem, self.backend_args)
        return [
            self._paths(row[0], files)
            if len(row) == 1
            else self._columns(dict(zip(files, row, strict=True)))
            for row in rows
        ]

    def _columns(self, row: Mapping[str, str]) -> list[str]:
        """Paths of one sample; that of a domain is not in the folder of another."""
        folders = {name: osp.normpath(self.folders[name] or '.') for name in row}
        for name, path in row.items():
            path = osp.normpath(path)
            of = [n for n, f in folders.items() if path.startswith(osp.join(f, ''))]
            if of and name not in of and folders[name] != '.':
                raise ValueError(
                    f'a line of a list must name the files of {[*row]} in this order, '
                    f'got {path} of {of[0]!r} for {name!r} in {self.ann_file}: put '
                    'the columns in the order of `sources`, the target last'
                )
        return [osp.join(self.data_root or '', path) for path in row.values()]

    def _scanned(self, files: Mapping[str, Domain]) -> list[list[str]]:
        """Paths of the files of each stem that any domain has."""
        stems: set[str] = set()
        for name, domain in files.items():
            affixes = self._affixes(name, domain)
            base = osp.dirname(affixes[0][0])
            folder = osp.join(self.data_root or '', base)
            if not fileio.isdir(folder, backend_args=self.backend_args):
                raise FileNotFoundError(
                    f'the folder of domain {name!r} must exist, got {folder}: set '
                    '`data_root`, or `data_prefix` of the domain (None for a target '
                    'that is to be predicted only)'
                )
            found = list_files(folder, self.backend_args)
            for path in (osp.join(base, file) for file in found):
                for head, tail in affixes:
                    if path.startswith(head) and path.endswith(tail):
                        stems.add(path[len(head) : len(path) - len(tail)])
                        break
        if not stems:
            patterns = ['*'.join(self._affixes(*item)[0]) for item in files.items()]
            raise ValueError(
                f'files below data_root={self.data_root!r} must be like {patterns}, '
                'got no file: check `file_pattern`, `data_prefix` and suffixes'
            )
        return [self._paths(stem, files) for stem in sorted(stems)]

    def _paths(self, stem: str, files: Mapping[str, Domain]) -> list[str]:
        """Paths of one sample, each with the first suffix for which there is a file."""
        paths = []
        for item in files.items():
            candidates = [
                osp.join(self.data_root or '', stem.join(affixes))
                for affixes in self._affixes(*item)
            ]
            exist = (
                len(candidates) > 1
                and fileio.isfile(path, backend_args=self.backend_args)
                for path in candidates
            )
            pairs = zip(candidates, exist, strict=True)
            paths.append(
                next((path for path, is_file in pairs if is_file), candidates[0])
            )
        return paths

    def _affixes(self, name: str, domain: Domain) -> list[tuple[str, str]]:
        """Parts of the path before and after the stem, for each suffix."""
        suffixes = (domain.suffix,) if isinstance(domain.suffix, str) else domain.suffix
        affixes = []
        for suffix in suffixes:
            try:
                path = self.file_pattern.format(
                    domain=self.folders[name] or '.', stem='\0', suffix=suffix
                )
                head, tail = path.split('\0')
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    '`file_pattern` must contain {stem} once, and may contain {domain} '
                    f'and {{suffix}}, got {self.file_pattern!r}: correct it'
                ) from error
            affixes.append((osp.normpath(head + 'x')[:-1], tail))
        return affixes
