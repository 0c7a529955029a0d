"""Controls beside the real modality: tables, and classes that gain and lose."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarking.tables import markdown

from .measuring import Figures, mean_of
from .variants import REAL

ENSEMBLE = 'ensemble'
#: How many classes are named that gain and that lose most.
NAMED = 5
#: Controls in whose data the modality says nothing of the image.
WITHOUT_INFORMATION = ('copy', 'noise', 'other')


def gains(real: Figures, other: Figures) -> list[tuple[str, float]]:
    """Classes with the IoU of the ensemble that the real modality adds, the most first.

    Args:
        real: Figures with the real modality.
        other: Figures of a control.
    """
    pairs = zip(real.classes, real.iou[ENSEMBLE], other.iou[ENSEMBLE], strict=True)
    known = [(c, a - b) for c, a, b in pairs if a is not None and b is not None]
    return sorted(known, key=lambda pair: -pair[1])


def table(
    figures: Mapping[str, Sequence[Figures]],
    titles: Mapping[str, str],
    streams: Sequence[str],
    costs: Mapping[str, Sequence[str]],
) -> str:
    """Figures of all controls, and their differences to the real modality.

    Args:
        figures: By control, of each training; of a test, one.
        titles: By control.
        streams: Names of the modalities.
        costs: Further cells, by control; under ``'head'`` their headers.
    """
    outputs = [*streams, ENSEMBLE]
    head = ['the network gets', *outputs, *(f'{o}, to real' for o in outputs)]
    lines: list[list[Any]] = [[*head, *costs.get('head', ())]]
    for name, several in figures.items():
        cells = [_spread([f.miou[o] for f in several if o in f.miou]) for o in outputs]
        cells += [_difference(several, figures[REAL], output) for output in outputs]
        lines.append([titles[name], *cells, *costs.get(name, ())])
    return markdown(lines)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return '-'
    text = f'{statistics.mean(values):.1f}'
    return text if len(values) < 2 else f'{text} ± {statistics.stdev(values):.1f}'


def _difference(
    several: Sequence[Figures], real: Sequence[Figures], output: str
) -> str:
    if several is real or not all(output in f.miou for f in (*several, *real)):
        return '-'
    means = [statistics.mean(f.miou[output] for f in fs) for fs in (several, real)]
    return f'{means[0] - means[1]:+.1f}'


def classes(figures: Mapping[str, Sequence[Figures]], titles: Mapping[str, str]) -> str:
    """For each control, the classes that the real modality helps most and least."""
    real = mean_of([*figures[REAL]])
    lines = []
    for name, several in figures.items():
        if name == REAL:
            continue
        found = gains(real, mean_of([*several]))
        up = [f'{c} {gain:+.1f}' for c, gain in found[:NAMED] if gain > 0]
        down = [f'{c} {gain:+.1f}' for c, gain in found[::-1][:NAMED] if gain < 0]
        lines.append(
            f'- **{titles[name]}**: {", ".join(up) or "no class gains"}; '
            f'{", ".join(down) or "no class loses"}'
        )
    return '\n'.join(lines)


def verdict(
    figures: Mapping[str, Sequence[Figures]], titles: Mapping[str, str]
) -> str | None:
    """What trained networks say: the gain over the best one without the information.

    ``None`` where no such control was trained.
    """
    means = {
        name: statistics.mean(f.miou[ENSEMBLE] for f in several)
        for name, several in figures.items()
    }
    rivals = {n: means[n] for n in WITHOUT_INFORMATION if n in means}
    if not rivals:
        return None
    best = max(rivals, key=rivals.__getitem__)
    return (
        f'The real modality gains {means[REAL] - rivals[best]:+.1f} mIoU (ensemble) '
        'over the best network whose second input adds nothing about the image '
        f'({titles[best]}).'
    )
