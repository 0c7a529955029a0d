"""The report on a data set that was prepared, for people."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from mmseg_cen.plausibility import DepthSummary, doubts

from .layout import Folder, Record
from .plan import Plan

REPORT = 'report.txt'
_MAX_SHOWN = 20


def unexpected_counts(plan: Plan) -> list[str]:
    """Lists of another length than the official ones, and empty ones."""
    counts = {s: sum(x.split == s for x in plan.samples) for s in plan.splits}
    return [
        f'{split} has {counts[split]} samples, the official list {official}'
        for split, official in plan.splits.items()
        if official is not None and counts[split] != official
    ] + [f'{split} has no samples' for split, count in counts.items() if not count]


def implausible_depth(plan: Plan, records: Sequence[Record]) -> list[str]:
    """Doubts about depth that would not be meters, see :mod:`mmseg_cen.plausibility`.

    Finished samples of earlier versions, without a summary of their depth, do not
    count.
    """
    warnings = []
    for name, folder in plan.folders.items():
        if (
            folder.kind != 'depth'
            or folder.scale is None
            or '/m' in (folder.unit or '')
        ):
            continue
        known = [record.stats[name] for record in records if name in record.stats]
        if known and not any(values['valid'] for values in known):
            warnings.append(f'{name}/: no pixel of any file has depth')
        stats = [values.get('summary') for values in known]
        if summaries := [DepthSummary(**summary) for summary in stats if summary]:
            total = reduce(add, summaries)
            found = doubts(total, folder.scale, plan.plausible)
            warnings += [f'{name}/: {doubt}' for doubt in found.values()]
    return warnings


def ignored_orientation(plan: Plan, turned: Sequence[str]) -> list[str]:
    """A warning of official files with an orientation tag that counts for nothing."""
    if plan.turns or not turned:
        return []
    return [
        f'{len(turned)} files have an orientation tag (EXIF), by which viewers turn '
        f'them, such as {min(turned)}: they are taken as they are stored. Turn the '
        'files, or remove the tags, if the other files of the samples fit what viewers '
        "show; a config may say orientation='apply' or 'ignore' of the modality, for "
        'own data --orientation'
    ]


def write_report(
    plan: Plan,
    records: Sequence[Record],
    warnings: Sequence[str],
    problems: Sequence[str],
    failed: bool,
    can_skip: bool,
) -> str:
    """The text of the report; the same for the same data.

    Args:
        plan: The data set.
        records: The finished samples.
        warnings: What was remarkable.
        problems: What was wrong.
        failed: Whether the problems keep the folder from being finished.
        can_skip: Whether the folder could be finished without the bad samples.
    """
    lines = [plan.dataset]
    for split in plan.splits:
        count = sum(record.split == split for record in records)
        lines.append(f'  {split}: {count} samples')
    sizes = sorted({tuple(record.size) for record in records})
    shown = ', '.join(f'{h}x{w}' for h, w in sizes[:_MAX_SHOWN])
    lines.append(f'  {len(sizes)} image size(s), height x width: {shown}')
    for key in sorted({key for record in records for key in record.groups}):
        values = [record.groups.get(key, '-') for record in records]
        counts = ', '.join(f'{v} {values.count(v)}' for v in sorted(set(values)))
        lines.append(f'  {key}: {counts}')
    for name, folder in plan.folders.items():
        stats = [record.stats[name] for record in records if name in record.stats]
        lines.append(f'  {name}/: {_describe(plan, name, folder, stats)}')
    lines += shorten(warnings, 'WARNING: ') + shorten(problems, 'PROBLEM: ')
    if failed:
        lines.append(
            'NOT FINISHED: no lists, no meta.json. Repair the files and run the '
            'command again'
            + (', or finish without the bad samples: --skip-bad.' if can_skip else '.')
        )
    elif problems:
        lines.append(f'Finished without {len(problems)} sample(s) (--skip-bad).')
    return '\n'.join(lines) + '\n'


def _describe(
    plan: Plan, name: str, folder: Folder, stats: Sequence[Mapping[str, Any]]
) -> str:
    text = f'{folder.suffix.rpartition(".")[2]}, {folder.dtype}'
    if folder.unit:
        text += f', unit {folder.unit}, 0 is invalid'
    if folder.kind == 'values':
        text += f', {folder.channels} channel(s)'
    if folder.kind in ('depth', 'values') and any(s['valid'] for s in stats):
        low = min(s['low'] for s in stats if s['valid']) * (folder.scale or 1)
        high = max(s['high'] for s in stats if s['valid']) * (folder.scale or 1)
        share = 1 - sum(s['valid'] for s in stats) / sum(s['pixels'] for s in stats)
        digits = '.3f' if folder.kind == 'depth' else '.4g'
        text += f', {low:{digits}} to {high:{digits}}, {100 * share:.1f} % invalid'
        if saturated := sum(s.get('saturated', 0) for s in stats):
            text += f', {saturated} pixels at the largest value (or beyond it)'
    if folder.kind == 'label' and folder.num_classes:
        counts = np.zeros(folder.num_classes, np.int64)
        void = 0
        for sample in stats:
            for value, count in sample.items():
                if int(value) == folder.ignore_index:
                    void += count
                else:
                    counts[int(value)] += count
        absent = np.flatnonzero(counts == 0).tolist()
        total = max(int(counts.sum()) + void, 1)
        text += (
            f', {folder.num_classes - len(absent)} of {folder.num_classes} classes '
            f'occur, {100 * void / total:.1f} % void'
        )
        if absent and name == 'label' and plan.classes:
            names = ', '.join(plan.classes[k] for k in absent[:_MAX_SHOWN])
            text += f'; absent: {names}'
    return text


def shorten(messages: Sequence[str], prefix: str) -> list[str]:
    """Lines of the first messages, and how many more there are."""
    lines = [prefix + message for message in messages[:_MAX_SHOWN]]
    if len(messages) > _MAX_SHOWN:
        lines.append(f'{prefix}... and {len(messages) - _MAX_SHOWN} more')
    return lines
