"""Say and show what was found in a data set that was prepared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .layout import Folder, Record, decode_complete
from .plan import Plan

_MAX_SHOWN = 20


def unexpected_counts(plan: Plan) -> list[str]:
    """Lists of another length than the official ones, and empty ones."""
    counts = {s: sum(x.split == s for x in plan.samples) for s in plan.splits}
    return [
        f'{split} has {counts[split]} samples, the official list {official}'
        for split, official in plan.splits.items()
        if official is not None and counts[split] != official
    ] + [f'{split} has no samples' for split, count in counts.items() if not count]


def write_report(
    plan: Plan,
    records: Sequence[Record],
    warnings: Sequence[str],
    problems: Sequence[str],
    failed: bool,
    can_skip: bool,
) -> str:
    """Say what was found, for people; the same for the same data.

    Args:
        plan: The data set.
        records: The finished samples.
        warnings: What was remarkable.
        problems: What was wrong.
        failed: Whether they keep the folder from being finished.
        can_skip: Whether it could be finished without the bad samples.
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
            'NOT FINISHED: no lists, no meta.json. Repair the download and run the '
            'command again'
            + (', or finish without them: --skip-bad.' if can_skip else '.')
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
    if folder.kind == 'depth' and any(s['valid'] for s in stats):
        low = min(s['low'] for s in stats if s['valid']) * (folder.scale or 1)
        high = max(s['high'] for s in stats if s['valid']) * (folder.scale or 1)
        share = 1 - sum(s['valid'] for s in stats) / sum(s['pixels'] for s in stats)
        text += f', {low:.3f} to {high:.3f}, {100 * share:.1f} % invalid'
        if saturated := sum(s['saturated'] for s in stats):
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


def contact_sheet(
    plan: Plan, out: Path, records: Sequence[Record], rows: int = 8
) -> NDArray[np.uint8]:
    """All folders of some samples, evenly spread over the lists; BGR.

    A last column draws the edges of depth on the image, which shows whether the two
    are registered to each other.
    """
    from mmseg_cen.visualization.panels import Panel, default_palette, draw_grid

    grid = []
    step = max(len(records) // rows, 1)
    palettes: dict[str, Sequence[Sequence[int]]] = {}
    for name, folder in plan.folders.items():
        own = name == 'label' and len(plan.palette) == folder.num_classes
        palettes[name] = (
            plan.palette if own else default_palette(folder.num_classes or 256)
        )
    for record in records[::step][:rows]:
        row, pictures = [], {}
        for name, folder in plan.folders.items():
            path = out / name / f'{record.stem}{folder.suffix}'
            array = decode_complete(path.read_bytes(), color=folder.channels == 3)
            pictures[name], caption = _colour(array, folder, palettes[name])
            title = f'{name} {Path(record.stem).name}'
            row.append(Panel(pictures[name], title, caption))
        if {'rgb', 'depth'} <= set(pictures):
            edges = cv2.Canny(np.ascontiguousarray(pictures['depth']), 60, 150) > 0
            picture = np.where(
                edges[..., None], np.array([255, 0, 0], np.uint8), pictures['rgb']
            )
            row.append(Panel(picture, 'edges of depth on rgb'))
        grid.append(row)
    return np.ascontiguousarray(draw_grid(grid)[..., ::-1])


def _colour(
    array: NDArray[Any], folder: Folder, palette: Sequence[Sequence[int]]
) -> tuple[NDArray[np.uint8], str]:
    """A small picture (RGB) of a file, and its caption."""
    from mmseg_cen.visualization.panels import color_labels, color_modality

    caption = ''
    if folder.kind == 'label':
        picture = color_labels(array, palette)
    else:
        values = np.atleast_3d(array).transpose(2, 0, 1)
        picture, caption = color_modality(
            values.astype(np.float32) * (folder.scale or 1)
        )
    height, width = picture.shape[:2]
    scale = min(1.0, 320 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.uint8), caption
