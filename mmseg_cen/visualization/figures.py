"""Figures of matplotlib, drawn to arrays; it is imported with the first of them."""

from typing import Any

import numpy as np

from .panels import Picture


def new_figure(width: float, height: float, dpi: int, layout: Any = None) -> Any:
    """An empty ``matplotlib.figure.Figure``, of no window.

    Args:
        width: Inches.
        height: Inches.
        dpi: Pixels per inch.
        layout: How matplotlib arranges the axes, e.g. ``'constrained'``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def to_picture(figure: Any) -> Picture:
    """Draw a figure of :func:`new_figure`: (H, W, 3) uint8, RGB."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
