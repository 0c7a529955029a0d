"""Plots as SVG, in the colors of the page: curves and scatter plots."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.visualization.curves import smooth

from .blocks import Html

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 36
#: More points than this are averaged, and drawn thin behind.
MANY_POINTS = 150
#: A curve has no more points than this: a screen does not show them.
MOST_POINTS = 400


@dataclass(frozen=True)
class Series:
    """One curve.

    Args:
        name: In the legend.
        x: (N,).
        y: (N,); what is not finite leaves a gap.
        color: Number of a color of the page; -1 is that of the text.
        dashed: Whether the line is dashed.
    """

    name: str
    x: NDArray[np.floating]
    y: NDArray[np.floating]
    color: int = 0
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """Where values of one direction are on the plot.

    Args:
        low: First value.
        high: Last value.
        start: Where the first value is, pixels.
        end: Where the last one is.
        log: Whether the scale is logarithmic.
        whole: Whether it has whole numbers only.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        low, high = self.low, self.high
        if self.log:
            low, high = math.log10(low), math.log10(high)
            values = np.log10(np.where(values > 0, values, np.nan))
        share = (values - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values within the axis: powers of ten, or steps of 1, 2 or 5."""
        if self.log and self.high / self.low >= 5:
            first = math.floor(math.log10(self.low))
            powers = [
                10.0**k for k in range(first, math.ceil(math.log10(self.high)) + 1)
            ]
            finer = [k * power for power in powers for k in (1, 2, 5)]
            inside = [v for v in finer if self.low <= v <= self.high]
            if len(inside) <= 7:
                return inside
            inside = [v for v in powers if self.low <= v <= self.high]
            return inside[:: math.ceil(len(inside) / 6)]
        raw = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(k for k in (1, 2, 5, 10) if k * power >= raw * 0.999) * power
        step = max(step, 1) if self.whole else step
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [k * step for k in range(first, last + 1)]


def line_plot(
    series: Sequence[Series],
    x_label: str = '',
    y_range: tuple[float | None, float | None] = (None, None),
    log: bool = False,
    x_range: tuple[float, float] | None = None,
) -> Html:
    """Draw curves; the script of the page shows the values under the mouse.

    Args:
        series: Curves; those without a finite value are left out.
        x_label: What the x axis counts.
        y_range: Limits of the y axis, None for those of the values.
        log: Whether the y axis is logarithmic, where all values are positive.
        x_range: Limits of the x axis, by default those of the values.
    """
    known = [s for s in series if np.isfinite(s.y).any()]
    if not known:
        return Html('<p class="missing">no finite value</p>')
    xs = np.concatenate([s.x for s in known])
    ys = np.concatenate([s.y for s in known])
    ys = ys[np.isfinite(ys)]
    log = log and bool((ys > 0).all()) and float(ys.max()) > 20 * float(ys.min())
    whole = x_range is None and bool((xs == np.round(xs)).all())
    x = Axis(*(x_range or _limits(xs, pad=0)), LEFT, WIDTH - RIGHT, whole=whole)
    low, high = _limits(ys, pad=0.05, log=log)
    low = low if y_range[0] is None else y_range[0]
    high = max(high if y_range[1] is None else y_range[1], low + 1e-9)
    y = Axis(low, high, HEIGHT - BOTTOM, TOP, log)
    parts = _frame(x, y, x_label)
    for s in known:
        ends, values = s.x, s.y
        kind = f's{s.color}' if s.color >= 0 else 'ink'
        if len(values) > MANY_POINTS and not s.dashed:
            # The mean of the logged values; they stand faintly behind.
            window = len(values) // 40
            parts.append(_path(x, y, ends, values, f'{kind} faint', None))
            values = smooth(values, window)
        kind += ' dashed' if s.dashed else ''
        parts.append(_path(x, y, ends, values, kind, s.name))
        if len(values) < 25 and not s.dashed:
            points = zip(x(ends), y(values), strict=True)
            parts += [
                f'<circle class="{kind}" cx="{a:.1f}" cy="{b:.1f}" r="2.4"/>'
                for a, b in points
                if np.isfinite(b)
            ]
    return _svg(parts, x, y, 'line')


def scatter_plot(
    points: Sequence[tuple[str, float, float]], x_label: str, y_label: str
) -> Html:
    """Draw shares in percent over a logarithmic axis, with those names that have room.

    Args:
        points: Name, x (positive) and y of each.
        x_label: Under the plot.
        y_label: Beside the plot.
    """
    points = [p for p in points if p[1] > 0 and np.isfinite(p[2])]
    if not points:
        return Html('<p class="missing">no class occurs</p>')
    xs, ys = (np.array([point[k] for point in points]) for k in (1, 2))
    x = Axis(*_limits(xs, pad=0.08, log=True), LEFT, WIDTH - RIGHT, log=True)
    low, high = _limits(ys, pad=0.08)
    y = Axis(low, min(high, 100.0), HEIGHT - BOTTOM, TOP)
    parts = _frame(x, y, x_label, y_label)
    taken: list[tuple[float, float, float, float]] = []
    for name, at_x, at_y in zip([p[0] for p in points], x(xs), y(ys), strict=True):
        parts.append(
            f'<circle class="s0 point" cx="{at_x:.1f}" cy="{at_y:.1f}" r="4">'
            f'<title>{escape(name)}</title></circle>'
        )
        taken.append((at_x - 5, at_y - 5, at_x + 5, at_y + 5))
    for (name, *_), at_x, at_y in zip(points, x(xs), y(ys), strict=True):
        length = 5.6 * len(name)
        for left in (at_x + 7, at_x - 7 - length):
            box = (left, at_y - 5, left + length, at_y + 5)
            others = [t for t in taken if t[:2] != (at_x - 5, at_y - 5)]
            inside = box[0] > LEFT and box[2] < WIDTH - RIGHT
            if inside and not any(_overlap(box, other) for other in others):
                parts.append(
                    f'<text class="tick" x="{left:.1f}" y="{at_y + 3.5:.1f}">'
                    f'{escape(name)}</text>'
                )
                taken.append(box)
                break
    return _svg(parts, x, y, 'scatter')


def _limits(
    values: NDArray[np.floating], pad: float, log: bool = False
) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if log:
        factor = max(high / low, 1.5) ** pad
        return low / factor, high * factor
    if high - low < 1e-9 * max(abs(high), abs(low)) or high == low:
        room = abs(high) * 0.1 or 1.0
        return (low - room, high + room) if pad else (low, high + room)
    room = pad * (high - low)
    # An axis of what is never negative does not begin below 0.
    return (low - room if low < 0 else max(low - room, 0.0)), high + room


def _frame(x: Axis, y: Axis, x_label: str, y_label: str = '') -> list[str]:
    """Grid, numbers and names of the axes."""
    parts = []
    for value in y.ticks():
        at = float(y(np.array(value)))
        parts.append(
            f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick end" x="{LEFT - 6}" y="{at + 3.5:.1f}">'
            f'{number(value)}</text>'
        )
    for value in x.ticks():
        at = float(x(np.array(value)))
        parts.append(
            f'<text class="tick middle" x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}">'
            f'{number(value)}</text>'
        )
    parts.append(
        f'<text class="tick middle" x="{(LEFT + WIDTH - RIGHT) / 2}" '
        f'y="{HEIGHT - 4}">{escape(x_label)}</text>'
    )
    if y_label:
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(
            f'<text class="tick middle" transform="translate(12,{middle}) '
            f'rotate(-90)">{escape(y_label)}</text>'
        )
    return parts


def _path(
    x: Axis,
    y: Axis,
    xs: NDArray[np.floating],
    ys: NDArray[np.floating],
    kind: str,
    name: str | None,
) -> str:
    """A curve; the script of the page reads those that have a name."""
    step = max(1, math.ceil(len(xs) / MOST_POINTS))
    keep = sorted({*range(0, len(xs), step), len(xs) - 1})
    known = np.where(np.isfinite(ys[keep]), ys[keep], np.nan)
    at_x, at_y = x(xs[keep]), y(known).clip(y.end, y.start)
    parts, broken = [], True
    for a, b in zip(at_x, at_y, strict=True):
        if not np.isfinite(b):
            broken = True
            continue
        parts.append(f'{"M" if broken else "L"}{a:.1f} {b:.1f}')
        broken = False
    label = '' if name is None else f' data-name="{escape(name)}"'
    return f'<path class="line {kind}"{label} d="{"".join(parts)}"/>'


def _svg(parts: list[str], x: Axis, y: Axis, kind: str) -> Html:
    scale = ''.join(
        f' data-{name}="{a.low!r},{a.high!r},{a.start},{a.end},{int(a.log)}"'
        for name, a in (('x', x), ('y', y))
    )
    return Html(
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" data-kind="{kind}"{scale}>'
        f'{"".join(parts)}</svg>'
    )


def _overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def number(value: float) -> str:
    """A number in few characters: 12000 -> 12k, 0.00001 -> 1e-5."""
    if value == 0:
        return '0'
    if abs(value) >= 1e4 and abs(value) < 1e6 and value % 1000 == 0:
        return f'{value / 1000:g}k'
    if abs(value) < 1e-3 or abs(value) >= 1e6:
        mantissa, power = f'{value:.1e}'.split('e')
        return f'{mantissa.removesuffix(".0")}e{int(power)}'
    return f'{value:.6g}'
