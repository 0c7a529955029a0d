"""Results as a page of Markdown and as JSON."""

import json
from pathlib import Path
from statistics import median
from typing import Any

from .contestants import OURS
from .measuring import Case
from .rounds import quartiles, ratio
from .tables import markdown


def results(
    seconds: dict[Case, list[float]],
    memory: dict[Case, int | None],
    rivals: list[str],
    batch_size: int,
) -> list[dict[str, Any]]:
    """A row for each case: figures, and ratios to the rivals.

    Ratios are medians over the rounds of the ratio within a round: to each rival in the
    same mode, and to the last one in the mode ``eager``.
    """
    rows = []
    for case, values in seconds.items():
        first, middle, third = quartiles(values)
        ratios = {
            f'of {rival}': ratio(values, seconds[other])
            for rival in rivals
            if (other := case.counterpart(rival)) in seconds
        }
        if rivals and (other := case.counterpart(rivals[-1], 'eager')) in seconds:
            ratios[f'of {rivals[-1]}, eager'] = ratio(values, seconds[other])
        rows.append(
            dict(
                network=case.name,
                mode=case.mode,
                what=case.what,
                modalities=case.num_modalities,
                size=list(case.size),
                median_s=middle,
                quartiles_s=[first, third],
                images_per_s=batch_size / middle,
                peak_memory_bytes=memory.get(case),
                ratios=ratios,
                seconds=values,
            )
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table of Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row['ratios']))
    head = ['network', 'mode', 'M', 'size', 'ms', 'quartiles', 'samples/s', *names]
    has_memory = any(row['peak_memory_bytes'] for row in rows)
    lines = [head + ['peak memory, MiB'] * has_memory]
    for row in rows:
        low, high = row['quartiles_s']
        cells = [
            f'**{row["network"]}**' if row['network'] == OURS else row['network'],
            row['mode'],
            row['modalities'],
            '{}x{}'.format(*row['size']),
            milliseconds(row['median_s']),
            f'{milliseconds(low)} to {milliseconds(high)}',
            f'{row["images_per_s"]:.3g}',
            *(f'{row["ratios"][n]:.2f}' if n in row['ratios'] else '' for n in names),
        ]
        if has_memory:
            peak = row['peak_memory_bytes']
            cells.append('' if peak is None else round(peak / 2**20))
        lines.append(cells)
    return markdown(lines)


def table_of_times(seconds: dict[str, list[float]]) -> str:
    """Medians and quartiles by name."""
    lines: list[list[Any]] = [['what', 'ms', 'quartiles']]
    for name, values in seconds.items():
        first, middle, third = map(milliseconds, quartiles(values))
        lines.append([name, middle, f'{first} to {third}'])
    return markdown(lines)


def table_of_cache(rows: list[dict[str, Any]]) -> str:
    """Medians of files, decoded and cached, and of their ratio."""
    lines: list[list[Any]] = [['what', 'decoded, ms', 'cached, ms', 'cached / decoded']]
    for row in rows:
        times = [milliseconds(median(row[kind])) for kind in ('decoded', 'cached')]
        lines.append([row['name'], *times, f'{row["ratio"]:.2f}'])
    return markdown(lines)


def table_of_copies(counts: dict[Case, dict[str, int]]) -> str:
    """Operations that ask for values, in one forward pass of each network."""
    names = list(next(iter(counts.values()), {}))
    lines: list[list[Any]] = [['network', 'mode', 'M', *names]]
    for case, found in counts.items():
        lines.append([case.name, case.mode, case.num_modalities, *found.values()])
    return markdown(lines)


def milliseconds(seconds: float) -> str:
    """A time in milliseconds, of three digits."""
    value = 1000 * seconds
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def write(out: Path, page: str, record: dict[str, Any]) -> None:
    """Write ``benchmark.md`` and ``benchmark.json`` into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / 'benchmark.md').write_text(page + '\n', encoding='utf-8')
    text = json.dumps(record, indent=1) + '\n'
    (out / 'benchmark.json').write_text(text, encoding='utf-8')
