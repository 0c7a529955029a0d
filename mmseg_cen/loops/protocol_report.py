"""The figures of a robustness protocol, summed up, as a table and for programs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .protocols import PROBABILITIES, PROTOCOLS, Case, expectation, mean

KEY = 'mIoU'


def summarize(
    cases: Sequence[Case], metrics: Mapping[str, Mapping[str, float]], M: int
) -> dict[str, float]:
    """Mean and expectations of the ensemble's mIoU.

    Of several levels, the intact data belong to each of them, as in the scripts. Noise
    (NM) has levels, but no subsets: there is one mean, over the noisy cases.

    Args:
        cases: The cases of a protocol.
        metrics: Metrics of each case, by its name.
        M: Number of modalities.
    """
    summary = {}
    if all(len(case.damaged) in (0, M) for case in cases):
        noisy = [metrics[case.name][KEY] for case in cases if case.damaged]
        return {'Avg': mean(noisy)}
    for level in levels_of(cases):
        figures = [
            (len(case.damaged), metrics[case.name][KEY])
            for case in cases
            if case.level in ('', level)
        ]
        prefix = f'{level}/' if level else ''
        summary[f'{prefix}Avg'] = mean(figure for _, figure in figures)
        for p in PROBABILITIES:
            summary[f'{prefix}E({p})'] = expectation(figures, M, p)
    return summary


def levels_of(cases: Sequence[Case]) -> list[str]:
    """The levels of damage, in their order; one without a name if there is one."""
    return [*dict.fromkeys(c.level for c in cases if c.level)] or ['']


def tabulate(
    protocol: str,
    cases: Sequence[Case],
    metrics: Mapping[str, Mapping[str, float]],
    summary: Mapping[str, float],
    streams: Sequence[str],
) -> list[list[str]]:
    """The cells of the table, header first.

    Args:
        protocol: Its name.
        cases: Its cases.
        metrics: Metrics of each case, by its name.
        summary: See :func:`summarize`.
        streams: Names of the outputs beside the ensemble.
    """
    if protocol == 'rmm':
        return _by_level(cases, metrics, summary)
    title = 'present' if protocol == 'emm' else 'noise on all modalities'
    keys = [KEY, *(f'{name}/{KEY}' for name in streams)]
    lines = [[title, 'ensemble', *streams]]
    for case in cases:
        lines.append([case.name, *(cell(metrics[case.name].get(k)) for k in keys)])
    for key, value in summary.items():
        lines.append([key, cell(value), *[''] * len(streams)])
    return lines


def _by_level(
    cases: Sequence[Case],
    metrics: Mapping[str, Mapping[str, float]],
    summary: Mapping[str, float],
) -> list[list[str]]:
    levels = levels_of(cases)
    lines = [['damaged', *levels]]
    lines.append(['none', *[cell(metrics[cases[0].name][KEY])] * len(levels)])
    for damaged in dict.fromkeys(case.damaged for case in cases[1:]):
        row = [c for c in cases if c.damaged == damaged]
        lines.append(['+'.join(damaged), *(cell(metrics[c.name][KEY]) for c in row)])
    for name in ('Avg', *(f'E({p})' for p in PROBABILITIES)):
        lines.append([name, *(cell(summary[f'{level}/{name}']) for level in levels)])
    return lines


def cell(value: float | None) -> str:
    """A figure in percent; a hyphen where there is none."""
    return '-' if value is None or math.isnan(value) else f'{value:.2f}'


def markdown(title: str, lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown under its title."""
    head, *rows = lines
    rule = ['---', *['---:'] * (len(head) - 1)]
    table = '\n'.join('| ' + ' | '.join(row) + ' |' for row in (head, rule, *rows))
    return f'{title}\n\n{table}\n'


def title_of(protocol: str, info: Mapping[str, Any]) -> str:
    """What was measured, in a sentence.

    Args:
        protocol: Its name.
        info: ``config``, ``checkpoint``, ``samples``, of 'emm' ``missing``, and of
            'nm' ``no_gaussian``.
    """
    told = ''
    if protocol == 'emm':
        told = dict(
            absent=' A missing modality is absent: the network knows.',
            zero=' A missing modality is zero: the network does not know.',
        )[info['missing']]
    if protocol == 'nm' and info['no_gaussian']:
        names = ', '.join(info['no_gaussian'])
        told = f' No Gaussian noise on {names}: salt and pepper only.'
    return (
        f'{protocol.upper()} ({PROTOCOLS[protocol]}): mIoU in percent over '
        f'{info["samples"]} samples, `{info["config"]}` with `{info["checkpoint"]}`.'
        f'{told}'
    )
