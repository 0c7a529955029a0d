"""Prepare a data set: the frame of the tools in tools/dataset_converters.

A tool says what there is, as a :class:`Plan`; :func:`prepare` converts it in several
processes to the layout of :mod:`mmseg_cen.datasets.layout`. It can be stopped at any
time, in any way, and started again: files appear complete or not at all, finished
samples are entered in a journal, and entries count only as long as the hashes of the
written files and of the official ones are as entered. The bytes that are written depend
on the download and the options alone.
"""

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .layout import (
    META,
    Folder,
    Record,
    as_json,
    check_files,
    check_folder,
    decode_complete,
    encode_png,
    fingerprint,
    fingerprint_file,
    is_line,
    is_part,
    read_meta,
    write_atomically,
)
from .plan import READ_ERRORS, Plan, Sample
from .report import contact_sheet, shorten, unexpected_counts, write_report

__all__ = ['Plan', 'Sample', 'add_arguments', 'check', 'prepare', 'run']

JOURNAL = '.journal.jsonl'
REPORT = 'report.txt'
SHEET = 'contact_sheet.png'


def add_arguments(parser: argparse.ArgumentParser, source: bool = True) -> None:
    """Add the paths and options that all tools share.

    Args:
        parser: The parser of the tool.
        source: Whether there is one path of the download, named before the other.
    """
    if source:
        parser.add_argument(
            'source', nargs='?', help='the download; not needed to --check'
        )
    parser.add_argument('out', help='the folder to write, or to --check')
    parser.add_argument(
        '--jobs',
        type=int,
        default=os.cpu_count() or 1,
        help='number of processes; default: one per core',
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='convert nothing, verify the prepared folder; exit status 1 if it is not '
        'sound',
    )
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='finish without the samples that cannot be converted',
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help='take warnings, e.g. about the number of samples, as errors',
    )


def run(args: argparse.Namespace, plan: Callable[[Path], Plan]) -> int:
    """Do what the options of :func:`add_arguments` say; return the exit status.

    Args:
        args: The options.
        plan: From the path of the download to what is to be done.
    """
    if args.check:
        return check(Path(args.out), args.jobs)
    if args.source is None:
        raise ValueError('two paths are needed: the download, and the folder to write')
    if not Path(args.source).exists():
        raise FileNotFoundError(f'the download does not exist: {args.source}')
    if Path(args.source).resolve() == Path(args.out).resolve():
        raise ValueError(
            f'the folder to write must not be the one to read, got {args.out} for both'
        )
    return prepare(
        plan(Path(args.source)),
        Path(args.out),
        jobs=args.jobs,
        skip_bad=args.skip_bad,
        strict=args.strict,
    )


def check(out: Path, jobs: int = 1) -> int:
    """Verify a prepared folder and print what is wrong; exit status 1 if anything."""
    with _processes(jobs) as executor:
        problems = check_folder(out, executor)
    print('\n'.join(shorten(problems, 'PROBLEM: ')) or f'{out} is sound')
    return int(bool(problems))


def prepare(
    plan: Plan,
    out: Path,
    *,
    jobs: int = 1,
    skip_bad: bool = False,
    strict: bool = False,
) -> int:
    """Convert a data set, or what is not yet converted of it.

    Args:
        plan: The data set.
        out: The folder to write to.
        jobs: Number of processes.
        skip_bad: Whether to finish without the samples that cannot be converted.
        strict: Whether warnings are errors.

    Returns:
        Exit status: 0, or 1 if there is a problem. With problems, the lists and
        `meta.json` are not written, so that nothing takes the folder for complete.

    Raises:
        ValueError: If the folder holds another data set, the download or files that no
            tool wrote, or another run writes to it; if two samples have one stem, one
            cannot be a line of a list, or there are none.
    """
    _check_plan(plan, out)
    out.mkdir(parents=True, exist_ok=True)
    with _only_writer(out):
        return _prepare(plan, out, jobs, skip_bad, strict)


def _prepare(plan: Plan, out: Path, jobs: int, skip_bad: bool, strict: bool) -> int:
    _refuse_foreign_files(plan, out)
    for part in out.rglob('.*.part'):
        if is_part(part):
            part.unlink()
    header = dict(
        dataset=plan.dataset,
        options=dict(plan.options),
        folders={name: asdict(folder) for name, folder in plan.folders.items()},
        sources={Path(path).name: fingerprint_file(path) for path in plan.sources},
    )
    header = json.loads(json.dumps(header))
    journal = _open_journal(out, header, {sample.stem for sample in plan.samples})
    for finished in _finished_files(plan):
        (out / finished).unlink(missing_ok=True)  # from here on it is unfinished
    done, bad = _convert_all(plan, out, header, journal, jobs)

    problems = [*plan.problems, *(f'{stem}: {bad[stem]}' for stem in sorted(bad))]
    warnings = [*plan.warnings, *unexpected_counts(plan)]
    records = [done[sample.stem] for sample in plan.samples if sample.stem in done]
    if strict:
        problems, warnings = problems + warnings, []
    can_skip = bool(records) and not plan.problems and not strict
    failed = bool(problems) and not (skip_bad and can_skip)
    report = write_report(plan, records, warnings, problems, failed, can_skip)
    write_atomically(out / REPORT, report.encode())
    print(report, end='')
    if failed:
        return 1
    write_atomically(out / SHEET, encode_png(contact_sheet(plan, out, records)))
    for split in plan.splits:
        stems = [f'{record.stem}\n' for record in records if record.split == split]
        write_atomically(out / f'{split}.txt', ''.join(stems).encode())
    meta = dict(
        **header,
        classes=list(plan.classes),
        palette=[list(colour) for colour in plan.palette],
        splits={s: sum(r.split == s for r in records) for s in plan.splits},
    )
    samples = ',\n'.join(json.dumps(asdict(record)) for record in records)
    text = json.dumps(meta, indent=1).removesuffix('\n}')
    write_atomically(
        out / META, f'{text},\n "samples": [\n{samples}\n ]\n}}\n'.encode()
    )
    (out / JOURNAL).unlink()
    return 0


def _check_plan(plan: Plan, out: Path) -> None:
    stems = [sample.stem for sample in plan.samples]
    if len(set(stems)) < len(stems):
        twice = sorted({stem for stem in stems if stems.count(stem) > 1})
        raise ValueError(f'samples must have names of their own, got twice: {twice}')
    if not stems and not plan.problems:
        raise ValueError(
            f'no sample of {plan.dataset} was found: check the path of the download'
        )
    if unlisted := [stem for stem in stems if not is_line(stem)]:
        raise ValueError(
            'a name must be a line of a list: no tab or line break in it, no blank at '
            f'its ends, got {unlisted[:5]}: rename these files'
        )
    if out.exists() and not out.is_dir():
        raise ValueError(f'{out} must be a folder, got a file: choose another name')
    written = {out.resolve() / name for name in plan.folders}
    for parent in {Path(path).parent for s in plan.samples for path in s.inputs}:
        if written & {parent.resolve(), *parent.resolve().parents}:
            raise ValueError(
                f'files would be overwritten that are to be read, those in {parent}: '
                f'choose another folder to write than {out}'
            )


def _finished_files(plan: Plan) -> list[str]:
    """Files beside the folders that a finished data set has."""
    return [META, SHEET, *plan.extras, *(f'{split}.txt' for split in plan.splits)]


def _refuse_foreign_files(plan: Plan, out: Path) -> None:
    """Raise a ValueError if what is to be written is there, but no run has begun."""
    if (out / JOURNAL).is_file():
        return
    try:
        read_meta(out)
    except (FileNotFoundError, ValueError):
        names = [*_finished_files(plan), REPORT]
        foreign = sorted(name for name in names if (out / name).exists())
        for name in plan.folders:
            folder = out / name
            if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
                foreign.append(f'{name}/')
        if foreign:
            raise ValueError(
                f'{out} holds files that no tool wrote, as its meta.json would tell: '
                f'{", ".join(foreign)}; choose an empty folder'
            ) from None


@contextmanager
def _only_writer(out: Path, patience: float = 5.0) -> Iterator[None]:
    """Keep other runs out of a folder, as long as any process of this one lives.

    Waits some seconds for the last processes of a run that was killed.
    """
    if sys.platform == 'win32':  # has no such locks
        yield
        return
    import fcntl

    deadline = time.monotonic() + patience
    folder = os.open(out, os.O_RDONLY)
    try:
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ValueError(
                        f'another run is writing to {out}: wait until it has ended, or '
                        'choose another folder'
                    ) from error
            time.sleep(0.1)
        yield
    finally:
        os.close(folder)


# --- What was done before -------------------------------------------------------------


def _open_journal(
    out: Path, header: dict[str, Any], stems: Collection[str]
) -> dict[str, Record]:
    """Entries of the journal of this folder, made of `meta.json` if it was finished.

    What is entered but not wanted any more is forgotten, and its files are removed: of
    other ``stems``, or everything if options or download have changed.
    """
    path = out / JOURNAL
    old: dict[str, Any] | None = None
    entries: dict[str, Record] = {}
    if path.is_file():
        old, entries = _read_journal(path)
    elif (out / META).is_file():
        meta = read_meta(out)
        old = {key: meta.get(key) for key in header}
        entries = {s['stem']: Record(**s) for s in meta['samples']}
    if old is not None and old['dataset'] != header['dataset']:
        raise ValueError(
            f'{out} holds {old["dataset"]}, not {header["dataset"]}: choose another '
            'folder'
        )
    changed = old is not None and old != header
    if changed:
        print('options or download have changed: all is converted again')
    for stem in [stem for stem in entries if changed or stem not in stems]:
        for name, folder in (old or header)['folders'].items():
            (out / name / f'{stem}{folder["suffix"]}').unlink(missing_ok=True)
        del entries[stem]
    lines = [header, *(asdict(record) for record in entries.values())]
    write_atomically(path, ''.join(json.dumps(x) + '\n' for x in lines).encode())
    return entries


def _read_journal(path: Path) -> tuple[dict[str, Any] | None, dict[str, Record]]:
    header, entries = None, {}
    for line in path.read_text(errors='replace').splitlines():
        try:
            values = json.loads(line)
            if header is None:
                header = dict(values)
            else:
                entries[values['stem']] = Record(**values)
        except (ValueError, TypeError, KeyError):
            break  # the line that was being written when the process was killed
    return header, entries


# --- Conversion -----------------------------------------------------------------------


def _convert_all(
    plan: Plan,
    out: Path,
    header: dict[str, Any],
    journal: Mapping[str, Record],
    jobs: int,
) -> tuple[dict[str, Record], dict[str, str]]:
    """Finished samples and the problems of the others, by stem."""
    done: dict[str, Record] = {}
    bad: dict[str, str] = {}
    kept = 0
    work = partial(_convert_one, plan.convert, plan.folders, out)
    with _processes(jobs) as executor, open(out / JOURNAL, 'a') as file:
        progress = _Progress(len(plan.samples))
        tasks = ((sample, journal.get(sample.stem)) for sample in plan.samples)
        for stem, record, is_new, problem in _map(work, tasks, executor):
            if record is None:
                bad[stem] = problem
            else:
                done[stem] = record
                kept += not is_new
                if is_new:
                    file.write(json.dumps(asdict(record)) + '\n')
                    file.flush()
            progress.step(len(bad))
    if kept:
        print(f'{kept} samples were finished before, and are as they were written')
    return done, bad


Outcome = tuple[str, Record | None, bool, str]


def _convert_one(
    convert: Callable[[Sample], Mapping[str, NDArray[Any] | bytes]],
    folders: Mapping[str, Folder],
    out: Path,
    task: tuple[Sample, Record | None],
) -> Outcome:
    """Convert a sample unless it is done: stem, record, whether it is new, problem."""
    sample, old = task
    try:
        inputs = [fingerprint_file(path) for path in sample.inputs]
        if old is not None:
            fresh = replace(old, split=sample.split, groups=sample.groups)
            if (
                old.inputs == inputs
                and fresh == old
                and not check_files(out, old, folders, decode=False)
            ):
                return sample.stem, _normal(old), False, ''
        record = _write_sample(sample, convert(sample), folders, out)
        return sample.stem, _normal(replace(record, inputs=inputs)), True, ''
    except (*READ_ERRORS, cv2.error) as error:
        for name, folder in folders.items():  # what an earlier run made of it
            (out / name / f'{sample.stem}{folder.suffix}').unlink(missing_ok=True)
        reason = str(error) if isinstance(error, ValueError) else repr(error)
        if isinstance(error, FileNotFoundError) and error.filename:
            reason = f'{error.filename} is missing'
        return sample.stem, None, False, reason


def _normal(record: Record) -> Record:
    return Record(**as_json(record))


def _write_sample(
    sample: Sample,
    contents: Mapping[str, NDArray[Any] | bytes],
    folders: Mapping[str, Folder],
    out: Path,
) -> Record:
    """Check all files of a sample, then write them."""
    encoded: dict[str, bytes] = {}
    stats: dict[str, dict[str, Any]] = {}
    sizes: dict[str, tuple[int, ...]] = {}
    for name, folder in folders.items():
        content = contents[name]
        stored = content if isinstance(content, bytes) else None
        try:
            if isinstance(content, bytes):
                array = decode_complete(content, color=folder.channels == 3)
            else:
                array = content
            folder.check(array)
        except ValueError as error:
            what = None if stored is None else _copied_from(sample, stored)
            raise ValueError(f'{what or name} {error}') from error
        sizes[name] = array.shape[:2]
        stats[name] = folder.summarize(array)
        encoded[name] = stored or encode_png(np.ascontiguousarray(array))
    if len(set(sizes.values())) != 1:
        raise ValueError(f'its files disagree in size: {sizes}')
    for name, content in encoded.items():
        write_atomically(out / name / f'{sample.stem}{folders[name].suffix}', content)
    height, width = next(iter(sizes.values()))
    return Record(
        stem=sample.stem,
        split=sample.split,
        size=(int(height), int(width)),
        groups=dict(sample.groups),
        files={name: fingerprint(content) for name, content in encoded.items()},
        stats={name: values for name, values in stats.items() if values},
    )


def _copied_from(sample: Sample, content: bytes) -> str | None:
    """Which of the official files of a sample ``content`` is, if any."""
    return next((p for p in sample.inputs if Path(p).read_bytes() == content), None)


def _map(
    work: Callable[[Any], Outcome],
    tasks: Iterator[Any],
    executor: Executor | None,
) -> Iterator[Outcome]:
    """Results in any order."""
    if executor is None:
        yield from map(work, tasks)
        return
    for future in as_completed([executor.submit(work, task) for task in tasks]):
        yield future.result()


@contextmanager
def _processes(jobs: int) -> Iterator[Executor | None]:
    """Other processes, or None for one job: then the caller does the work."""
    if jobs < 1:
        raise ValueError(f'`jobs` must be at least 1, got {jobs}')
    if jobs == 1:
        yield None
        return
    # Starting a process by fork takes milliseconds, a new one imports torch first.
    method = 'fork' if sys.platform == 'linux' else 'spawn'
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context(method),
        initializer=_start_process,
        initargs=(os.getpid(),),
    ) as executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _start_process(parent: int) -> None:
    cv2.setNumThreads(0)

    def end_with_parent() -> None:
        # A parent that was killed cannot end its children, which would wait for ever.
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


class _Progress:
    """Says on the error stream how far the work is, every few seconds.

    Args:
        total: Number of steps.
    """

    def __init__(self, total: int, interval: float = 5.0) -> None:
        self.total, self.interval = total, interval
        self.count, self.start = 0, time.monotonic()
        self.shown = self.start

    def step(self, num_bad: int) -> None:
        self.count += 1
        now = time.monotonic()
        if now - self.shown < self.interval and self.count < self.total:
            return
        self.shown = now
        rate = self.count / max(now - self.start, 1e-6)
        left = (self.total - self.count) / rate
        print(
            f'{self.count}/{self.total} samples, {rate:.1f}/s, {left:.0f} s left'
            + (f', {num_bad} bad' if num_bad else ''),
            file=sys.stderr,
            flush=True,
        )
