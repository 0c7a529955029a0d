"""Tables of text: the paper's figures beside the measured ones."""

import operator
import statistics

from comparing.systems import spread

from .row import Table
from .runs import Run


def tabulate(table: Table, runs: dict[str, list[Run]]) -> list[list[str]]:
    """The cells of a table, header first: paper and measured side by side.

    A table that the paper does not have is of measured figures only.
    """
    metrics = [
        name
        for name in table.metrics
        if any(name in row.paper for row in table.rows)
        or any(table.metrics[name] in r.metrics for rs in runs.values() for r in rs)
    ]
    of_paper = {name for row in table.rows for name in row.paper}
    measured = ': measured' if of_paper else ''
    header = [*table.columns]
    for name in metrics:
        title = f'{name} x{table.units[name]:g}' if name in table.units else name
        header += [f'{title}: paper'] if name in of_paper else []
        header += [f'{title}{measured}']
    for name in ('Params (M)', 'Fusion (M)'):
        header += [f'{name}: paper'] if of_paper else []
        header += [f'{name}{measured}']
    header += ['s/iter', 'runs']
    lines = [header]
    for row in table.rows:
        of_row = runs.get(row.name, [])
        line = [*row.cells]
        for name in metrics:
            factor = table.units.get(name, 1.0)
            key = table.metrics[name]
            values = [factor * r.metrics[key] for r in of_row if key in r.metrics]
            digits = 1 if 'IoU' in key else 2
            paper = row.paper.get(name)
            if name in of_paper:
                line += ['' if paper is None else f'{paper:.{digits}f}']
            some = 0 < len(values) < len(of_row)  # others measured something else
            of_some = f' ({len(values)} of {len(of_row)} runs)' if some else ''
            line += [f'{spread(values, digits)}{of_some}']
        for name, key in (
            ('Params (M)', 'parameters'),
            ('Fusion (M)', 'fusion_parameters'),
        ):
            paper = row.paper.get(name)
            counts = {getattr(r, key) for r in of_row}
            if of_paper:
                line += ['' if paper is None else f'{paper:.1f}']
            line += [' / '.join(f'{n / 1e6:.3g}' for n in sorted(counts))]
        line += [spread([r.seconds for r in of_row], 3), str(len(of_row))]
        lines.append(line)
    return lines


def check_claims(table: Table, runs: dict[str, list[Run]]) -> list[str]:
    """The paper's claims on the order of rows, each with yes or no and the figures.

    Means are compared, and an overlap of the runs of the two rows is named.
    """
    lines = []
    for text, better, worse in table.claims:
        if not (runs.get(better) and runs.get(worse)):
            continue
        first, second = ([r.metrics['mIoU'] for r in runs[n]] for n in (better, worse))
        compare = operator.ge if '>=' in text else operator.gt
        holds = compare(statistics.mean(first), statistics.mean(second))
        verdict = 'yes' if holds else 'no'
        if min(first) <= max(second) and min(second) <= max(first):
            verdict += ', but seeds overlap'
        lines.append(
            f'{text}: {verdict}: {spread(first)} against {spread(second)} (ensemble)'
        )
    return lines


def markdown(lines: list[list[str]]) -> str:
    """Rows of text as a Markdown table."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in lines
    ]
    text.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(text)
