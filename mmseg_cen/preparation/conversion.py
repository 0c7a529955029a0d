"""Convert a data set as its :class:`Plan` says, so that it can be stopped at any time.

Started again, a conversion goes on where it was stopped: files appear complete or not
at all, finished samples are entered in a journal, and entries count only as long as the
hashes of the written files and of the official ones are as entered. The bytes that are
written depend on the download and the options alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mmseg_cen.disk import remove_unfinished, write_atomically

from .contact_sheet import SHEET, draw_contact_sheet
from .files import encode_png, fingerprint_file
from .guards import (
    check_plan,
    finished_files,
    keep_edited,
    only_writer,
    refuse_foreign_files,
)
from .journal import JOURNAL, journal_line, make_header, open_journal
from .layout import META, Record
from .plan import Plan
from .progress import show_progress
from .report import (
    REPORT,
    ignored_orientation,
    implausible_depth,
    shorten,
    unexpected_counts,
    write_report,
)
from .samples import convert_sample
from .workers import map_in_any_order, start_workers


def prepare(
    plan: Plan,
    out: Path,
    *,
    jobs: int = 1,
    skip_bad: bool = False,
    strict: bool = False,
) -> int:
    """Convert a data set, or the rest of it.

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
    check_plan(plan, out)
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        return _prepare(plan, out, jobs, skip_bad, strict)


def _prepare(plan: Plan, out: Path, jobs: int, skip_bad: bool, strict: bool) -> int:
    refuse_foreign_files(plan, out)
    remove_unfinished(out, below=True)
    lists = keep_edited(out)
    header = make_header(plan)
    journal = open_journal(out, header, {sample.stem for sample in plan.samples})
    for finished in [*finished_files(plan), *lists]:
        (out / finished).unlink(missing_ok=True)  # from here on it is unfinished
    for line in shorten(plan.problems, 'PROBLEM: '):  # before hours of work, too
        print(line, flush=True)
    done, bad, turned = _convert_all(plan, out, journal, jobs)

    problems = [*plan.problems, *(f'{stem}: {bad[stem]}' for stem in sorted(bad))]
    records = [done[sample.stem] for sample in plan.samples if sample.stem in done]
    warnings = [*plan.warnings, *unexpected_counts(plan)]
    warnings += implausible_depth(plan, records) + ignored_orientation(plan, turned)
    if strict:
        problems, warnings = problems + warnings, []
    can_skip = bool(records) and not plan.problems and not strict
    failed = bool(problems) and not (skip_bad and can_skip)
    report = write_report(plan, records, warnings, problems, failed, can_skip)
    write_atomically(out / REPORT, report.encode())
    print(report, end='')
    if failed:
        return 1
    _finish(plan, out, header, records)
    return 0


def _convert_all(
    plan: Plan, out: Path, journal: Mapping[str, Record], jobs: int
) -> tuple[dict[str, Record], dict[str, str], list[str]]:
    """Finished samples and the problems of the others, by stem; files with a tag."""
    done: dict[str, Record] = {}
    bad: dict[str, str] = {}
    turned: list[str] = []
    kept = 0
    work = partial(convert_sample, plan.convert, plan.folders, out)
    tasks = [(sample, journal.get(sample.stem)) for sample in plan.samples]
    with start_workers(jobs) as executor, open(out / JOURNAL, 'a') as file:
        results = map_in_any_order(work, tasks, executor)
        for result in show_progress(results, len(tasks)):
            turned += result.turned
            if result.record is None:
                bad[result.stem] = result.problem
                continue
            done[result.stem] = result.record
            kept += not result.is_new
            if result.is_new:
                file.write(journal_line(result.record))
                file.flush()
    if kept:
        print(f'{kept} samples were finished before, and are as they were written')
    return done, bad, turned


def _finish(
    plan: Plan, out: Path, header: Mapping[str, Any], records: Sequence[Record]
) -> None:
    """Write the files beside the folders, `meta.json` last, and drop the journal."""
    write_atomically(out / SHEET, encode_png(draw_contact_sheet(plan, out, records)))
    for split in plan.splits:
        stems = [f'{record.stem}\n' for record in records if record.split == split]
        write_atomically(out / f'{split}.txt', ''.join(stems).encode())
    for name, content in plan.extras.items():
        if content is not None:
            write_atomically(out / name, content)
    names = [REPORT, *(name for name, content in plan.extras.items() if content)]
    meta = dict(
        **header,
        written={name: fingerprint_file(out / name) for name in names},
        classes=list(plan.classes),
        palette=[list(color) for color in plan.palette],
        splits={s: sum(r.split == s for r in records) for s in plan.splits},
    )
    # One sample a line, so that people can read and compare it.
    samples = ',\n'.join(json.dumps(asdict(record)) for record in records)
    text = json.dumps(meta, indent=1).removesuffix('\n}')
    write_atomically(
        out / META, f'{text},\n "samples": [\n{samples}\n ]\n}}\n'.encode()
    )
    (out / JOURNAL).unlink()
