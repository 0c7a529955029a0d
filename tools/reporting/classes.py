"""Classes, confusions, calibration and samples."""

import base64
from collections.abc import Sequence

import numpy as np

from mmseg_cen.streams.fold import ENSEMBLE

from .blocks import Block, Figure, Html, Missing, Section, Table
from .curves import color_of
from .matrices import matrix
from .plots import Series, line_plot, scatter_plot
from .predictions import Predictions
from .reading import Run

#: How many confusions are listed.
LISTED = 12
Predicted = Sequence[tuple[Run, Predictions | None, str]]


def class_section(predicted: Predicted) -> Section | None:
    """Figures of each class; None for translations.

    Args:
        predicted: Each run, its predictions, or why there are none.
    """
    labeled = [p for p in predicted if not p[0].is_translation]
    if not labeled:
        return None
    blocks = [_missing(run, why) for run, found, why in labeled if found is None]
    several = len(labeled) > 1
    blocks += _compared(labeled) if several else _table(*labeled[0][:2])
    known = [(run, found) for run, found, _ in labeled if found is not None]
    for run, found in known:
        blocks += _confusion(found, f', {run.name}' if several else '')
    return Section('classes', 'Classes', blocks, _lead(known))


def calibration_section(predicted: Predicted) -> Section | None:
    """Whether probabilities are right; None without predictions."""
    known = [(run, p) for run, p, _ in predicted if p is not None and p.classes_known]
    if not known:
        return None
    several = len(known) > 1
    series = [Series('right', np.array([0, 1.0]), np.array([0, 1.0]), -1, dashed=True)]
    rows: list[list[str | float]] = []
    legend = []
    for number, (run, found) in enumerate(known):
        for output in [ENSEMBLE] if several else found.outputs:
            confidence, accuracy, ece = found.reliability(output)
            full = np.isfinite(confidence)
            if not full.any():
                continue
            color = number if several else color_of(run, output)
            name = run.name if several else output
            series.append(Series(name, confidence[full], accuracy[full], color))
            legend.append((name, color))
            count, sure, right = found.calibration[found.outputs.index(output)].sum(0)
            rows.append([name, 100 * right / count, 100 * sure / count, ece])
    if len(series) == 1:
        return None
    plot = line_plot(series, 'confidence', (0.0, 1.0), x_range=(0.0, 1.0))
    return Section(
        'calibration',
        'Calibration',
        [
            Figure(
                plot,
                'Accuracy of pixels by their confidence',
                legend,
                'On the dashed line probabilities are right; below it the network is '
                'too sure.',
                'half',
            ),
            Table(
                ['output', 'accuracy, %', 'mean confidence, %', 'ECE, %'],
                rows,
                'Expected calibration error',
                'Mean distance of accuracy and confidence over 15 bins, weighted by '
                'their pixels (Guo et al., ICML 2017).',
                width='half',
            ),
        ],
    )


def sample_section(predicted: Predicted) -> Section | None:
    """Pictures of the best and the worst samples; None without predictions."""
    blocks: list[Block] = []
    known = [(run, p) for run, p, _ in predicted if p is not None]
    for run, found in known:
        suffix = f', {run.name}' if len(known) > 1 else ''
        metric = found.facts['metric']
        values = found.scores[np.isfinite(found.scores)]
        if len(values) > 1:
            blocks.append(_scores(values, metric, suffix))
        for kind, number, content in found.panels:
            score = found.scores[number]
            words = f'{score:.1f} %' if metric == 'mIoU' else f'{score:.4f}'
            source = base64.b64encode(content).decode()
            image = Html(f'<img alt="" src="data:image/jpeg;base64,{source}">')
            title = f'{kind}: {found.images[number]}, {metric} {words}{suffix}'
            # Pictures of many streams are too wide for two in a row.
            width = 'half' if len(found.outputs) < 4 else 'wide'
            blocks.append(Figure(image, title, width=width))
    for run, found, why in predicted:
        if found is None and run.is_translation:
            blocks.append(_missing(run, why))
    if not blocks:
        return None
    return Section('samples', 'Best and worst samples', blocks, _lead(known))


def _scores(values: np.ndarray, metric: str, suffix: str) -> Figure:
    """The scores of all samples, from the worst to the best."""
    order = np.sort(values) if metric == 'mIoU' else np.sort(values)[::-1]
    share = np.linspace(0, 100, len(order))
    body = line_plot([Series(metric, share, order, 0)], '% of the samples', (0.0, None))
    unit = ', %' if metric == 'mIoU' else ''
    return Figure(body, f'{metric}{unit} of the samples, worst first{suffix}')


def _missing(run: Run, why: str) -> Missing:
    return Missing(
        f'{run.name}: confusion, calibration and samples are not shown: {why}.'
    )


def _lead(known: Sequence[tuple[Run, Predictions]]) -> str:
    """What was predicted, in words."""
    words = []
    for run, found in known:
        facts = found.facts
        who = f'{run.name}: ' if len(known) > 1 else ''
        all_ = facts['samples'] == facts['of']
        of = 'all' if all_ else f'{facts["samples"]} of'
        words.append(
            f'{who}{facts["checkpoint"]} on {of} {facts["of"]} samples of the '
            'validation data'
        )
    return '; '.join(words) + ('.' if words else '')


def _table(run: Run, found: Predictions | None) -> list[Block]:
    """IoU and accuracy of each class, and IoU against frequency."""
    if found is None:
        logged = run.facts.classes
        if not logged:
            return [Missing('No table of classes has been logged.')]
        columns = list(next(iter(logged.values())))
        rows = [[name, *row.values()] for name, row in logged.items()]
        iou = frozenset(c for c in columns if 'IoU' in c)
        return [
            Table(['class', *columns], rows, 'Classes, last validation, %', bars=iou)
        ]
    classes = found.facts['classes']
    outputs = found.outputs
    frequency = found.frequency
    several = len(outputs) > 1
    columns = {
        f'{output} IoU' if several else 'IoU': found.iou(output) for output in outputs
    }
    columns['accuracy'] = found.accuracy(ENSEMBLE)
    rows = [
        [name, frequency[k], *(values[k] for values in columns.values())]
        for k, name in enumerate(classes)
    ]
    iou = frozenset(c for c in columns if 'IoU' in c)
    points = [
        (name, frequency[k], found.iou(ENSEMBLE)[k]) for k, name in enumerate(classes)
    ]
    return [
        Table(
            ['class', 'pixels', *columns],
            rows,
            'IoU of each class, %',
            'Pixels: share of the labeled ones. Click a heading to sort.',
            bars=iou,
            width='half' if len(columns) <= 4 else 'wide',
        ),
        Figure(
            scatter_plot(points, 'share of the labeled pixels, %', 'IoU, %'),
            'IoU against frequency',
            width='half',
        ),
    ]


def _compared(labeled: Predicted) -> list[Block]:
    """IoU of the ensemble by class, a column for each run."""
    columns: list[dict[str, float]] = []
    frequency: dict[str, float] = {}
    for run, found, _ in labeled:
        if found is None:
            logged = run.facts.classes
            columns.append({n: _ensemble_iou(row) for n, row in logged.items()})
            continue
        classes = found.facts['classes']
        columns.append(dict(zip(classes, found.iou(ENSEMBLE), strict=True)))
        frequency |= dict(zip(classes, found.frequency, strict=True))
    names = list(dict.fromkeys(name for column in columns for name in column))
    if not names:
        return [Missing('No table of classes has been logged.')]
    runs = [run.name for run, *_ in labeled]
    head = ['class', *(['pixels'] if frequency else []), *runs]
    head += ['difference'] if len(columns) == 2 else []
    rows = []
    for name in names:
        values = [column.get(name, np.nan) for column in columns]
        row: list[str | float] = [name]
        row += [frequency.get(name, np.nan)] if frequency else []
        row += values
        row += [values[0] - values[1]] if len(columns) == 2 else []
        rows.append(row)
    caption = 'IoU of the ensemble. Click a heading to sort.'
    return [Table(head, rows, 'IoU of each class, %', caption, bars=frozenset(runs))]


def _ensemble_iou(row: dict[str, float]) -> float:
    return row.get('ensemble IoU', row.get('IoU', np.nan))


def _confusion(found: Predictions, suffix: str) -> list[Block]:
    """The confusion matrix, and its largest entries in words."""
    classes = found.facts['classes']
    counts = found.confusion[-1].astype(float)
    true = counts.sum(1, keepdims=True)
    shares = np.divide(counts, true, out=np.full_like(counts, np.nan), where=true > 0)
    lost = counts.copy()
    np.fill_diagonal(lost, 0)
    order = np.argsort(lost, axis=None, kind='stable')[::-1][:LISTED]
    rows: list[list[str | float]] = []
    for place in order:
        i, j = np.unravel_index(place, lost.shape)
        if lost[i, j]:
            share_of_all = 100 * lost[i, j] / counts.sum()
            rows.append([classes[i], classes[j], 100 * shares[i, j], share_of_all])
    listed = Table(
        ['true class', 'taken for', '% of the class', '% of all pixels'],
        rows,
        f'Most frequent confusions{suffix}',
        width='half',
    )
    return [
        Figure(
            matrix(shares, classes, classes, 'true', 'predicted'),
            f'Confusion matrix of the ensemble{suffix}',
            caption='Rows: true classes, shares of their pixels; the square root is '
            'drawn, so that rare confusions are seen.',
            width='half' if len(classes) <= 20 else 'wide',
        ),
        listed,
    ]
