"""Matrices of shares as SVG, with the colors of the cells as a small picture."""

import base64
import math
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from .blocks import Html


def matrix(
    values: NDArray[np.floating],
    rows: Sequence[str],
    columns: Sequence[str],
    row_title: str = '',
    column_title: str = '',
) -> Html:
    """Draw shares from 0 to 1 as cells, the larger the darker.

    Args:
        values: (R, C), shares; what is not finite is left blank.
        rows: Names of the rows; not all are written where there is no room.
        columns: Names of the columns.
        row_title: What rows are.
        column_title: What columns are.
    """
    count = len(rows), len(columns)
    longest = max(map(len, rows))
    left = min(16 + 6.2 * longest, 150)
    square = rows == columns
    width = (640.0 if square else 460.0) - left - 8
    height = width if square else min(14.0 * count[0], 320.0)
    below = min(14 + 6.2 * max(map(len, columns)), 120) if square else 34
    cell = width / count[1], height / count[0]
    shares = np.nan_to_num(values).clip(0, 1)
    alpha = (255 * np.sqrt(shares) if square else 255 * shares).round()
    pixels = np.zeros((*shares.shape, 4), np.uint8)
    pixels[...] = (235, 99, 37, 0)  # blue, in the order BGRA
    pixels[..., 3] = alpha.astype(np.uint8)
    png = base64.b64encode(cv2.imencode('.png', pixels)[1].tobytes()).decode()
    exact = base64.b64encode((250 * shares).round().astype(np.uint8).tobytes()).decode()
    parts = [
        f'<image x="{left:.1f}" y="8" width="{width:.1f}" height="{height:.1f}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{png}"/>',
        f'<rect class="frame" x="{left:.1f}" y="8" width="{width:.1f}" '
        f'height="{height:.1f}"/>',
    ]
    every = max(1, math.ceil(9 / cell[1]))
    for k in range(0, count[0], every):
        parts.append(
            f'<text class="tick end" x="{left - 5:.1f}" '
            f'y="{8 + (k + 0.5) * cell[1] + 3.5:.1f}">{escape(rows[k])}</text>'
        )
    bottom = 8 + height
    if square:
        for k in range(0, count[1], max(1, math.ceil(9 / cell[0]))):
            at = left + (k + 0.5) * cell[0] + 3
            parts.append(
                f'<text class="tick end" transform="translate({at:.1f},'
                f'{bottom + 6:.1f}) rotate(-90)">{escape(columns[k])}</text>'
            )
    else:
        for k in sorted({0, count[1] // 2, count[1] - 1}):
            at = left + (k + 0.5) * cell[0]
            parts.append(
                f'<text class="tick middle" x="{at:.1f}" y="{bottom + 14:.1f}">'
                f'{escape(columns[k])}</text>'
            )
    parts.append(
        f'<text class="tick middle" x="{left + width / 2:.1f}" '
        f'y="{bottom + below - 3:.1f}">{escape(column_title)}</text>'
    )
    box = f'0 0 {left + width + 8:.0f} {bottom + below:.0f}'
    names = ''.join(
        f' data-{key}="{escape("|".join(n.replace("|", "/") for n in given))}"'
        for key, given in (('rows', rows), ('columns', columns))
    )
    place = f'{left:.1f},8,{width:.1f},{height:.1f}'
    return Html(
        f'<svg class="plot matrix" viewBox="{box}" data-kind="matrix" '
        f'data-place="{place}" data-values="{exact}" data-row="{escape(row_title)}" '
        f'data-column="{escape(column_title)}"{names}>{"".join(parts)}</svg>'
    )
