"""Verify prepared folders: every file is there, and is the one that was written."""

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path

from mmseg_cen.disk import find_files

from .files import decode_complete, fingerprint
from .layout import META, Folder, Record, read_meta


def check_files(
    root: Path, record: Record, folders: Mapping[str, Folder], decode: bool = True
) -> list[str]:
    """Problems of the files of a sample.

    Args:
        root: The prepared folder.
        record: What was written.
        folders: What each folder holds.
        decode: Whether to decode the files and check their contents, not only the
            hashes.
    """
    problems = []
    for name, folder in folders.items():
        path = f'{name}/{record.stem}{folder.suffix}'
        try:
            content = (root / path).read_bytes()
        except OSError:
            problems.append(f'{path} is missing or not readable')
            continue
        if decode:
            try:
                array = decode_complete(content, color=folder.channels == 3)
                folder.check(array)
                if list(array.shape[:2]) != list(record.size):
                    raise ValueError(
                        f'must have the size {tuple(record.size)} of the sample, got '
                        f'{array.shape[:2]}: prepare the sample again'
                    )
            except ValueError as error:
                problems.append(f'{path} {error}')
                continue
        if fingerprint(content) != record.files.get(name):
            problems.append(f'{path} is not the file that was written')
    return problems


def check_folder(root: Path, executor: Executor | None = None) -> list[str]:
    """All problems of a prepared folder; none if it is sound.

    Args:
        root: The prepared folder.
        executor: Processes that share the work; by default the caller does it.

    Raises:
        FileNotFoundError: If the folder has no `meta.json`.
        ValueError: If `meta.json` is damaged.
    """
    meta = read_meta(root)
    folders = {name: Folder(**values) for name, values in meta['folders'].items()}
    records = [Record(**sample) for sample in meta['samples']]
    count = len(records)
    arguments = [root] * count, records, [folders] * count
    results = (
        map(check_files, *arguments)
        if executor is None
        else executor.map(check_files, *arguments, chunksize=16)
    )
    problems = [problem for result in results for problem in result]
    for split in meta['splits']:
        stems = [record.stem for record in records if record.split == split]
        path = root / f'{split}.txt'
        if not path.is_file():
            problems.append(f'{path.name} is missing')
        elif path.read_bytes() != ''.join(f'{stem}\n' for stem in stems).encode():
            problems.append(f'{path.name} does not list the samples of {META}')
    for name, folder in folders.items():
        written = {f'{record.stem}{folder.suffix}' for record in records}
        present = find_files(root / name) if (root / name).is_dir() else ()
        stray = {p.relative_to(root / name).as_posix() for p in present} - written
        problems += [f'{name}/{path} belongs to no sample' for path in sorted(stray)]
    return problems
