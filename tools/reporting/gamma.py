"""Scaling factors and exchanged shares of each layer, from the record of a run."""

import base64
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg_cen.hooks.gamma_recorder import GammaRecord
from mmseg_cen.visualization.gamma_plots import draw_proportions, draw_steps

from .blocks import Block, Figure, Html, Missing, Section
from .matrices import matrix
from .plots import Series, line_plot
from .reading import Run

#: More columns than this are not told apart.
MOST_STEPS = 200
#: Layers whose channels are drawn.
DRAWN = 4


def gamma_section(runs: Sequence[Run], is_quick: bool = False) -> Section | None:
    """Which layers exchange, over time; None where no run exchanges.

    Args:
        runs: Trainings.
        is_quick: Whether the figures are left out that take seconds to draw.
    """
    blocks: list[Block] = []
    for run in runs:
        if run.gamma is None:
            if any(key.startswith('exchange/') for key in run.curves):
                blocks.append(Missing(_why_not(run)))
            continue
        suffix = f', {run.name}' if len(runs) > 1 else ''
        blocks += _shares(run.gamma, run.name, suffix)
        if len(runs) == 1 and not is_quick:
            blocks += _figures(run.gamma)
    if len(runs) > 1:
        blocks = _compared(runs) + blocks
    if not blocks:
        return None
    return Section(
        'gamma',
        'Scaling factors of each layer',
        blocks,
        'A channel of the own part whose |gamma| is below the threshold is exchanged.',
    )


def _why_not(run: Run) -> str:
    reason = run.missing[0] if run.missing else 'no gamma.npz in the work directory'
    return (
        f'{run.name}: the scaling factors of each layer were not recorded ({reason}); '
        "dict(type='GammaRecorderHook') among the custom_hooks records them."
    )


def _shares(record: GammaRecord, name: str, suffix: str) -> list[Block]:
    """A matrix of layers and steps for each modality."""
    if not record.threshold:
        return [Missing(f'{name}: the threshold is 0, so no channel is exchanged.')]
    last = len(record.steps) - 1
    keep = np.unique(np.linspace(0, last, MOST_STEPS).round().astype(int))
    shares = [record.exchanged(layer)[keep] for layer in record.layers]
    return [
        Figure(
            matrix(
                np.stack([share[:, m] for share in shares]),
                _short(record.layers),
                [str(int(step)) for step in record.steps[keep]],
                'layer',
                'iteration',
            ),
            f'Exchanged share of the own part of {modality}{suffix}',
            width='half',
            caption='The bluer, the more of its channels are exchanged.',
        )
        for m, modality in enumerate(record.modalities)
        if m in record.partnered
    ]


def _short(layers: Iterable[str]) -> list[str]:
    """Names of layers without the parts that all of them begin with."""
    parts = [name.split('.') for name in layers]
    common = 0
    while all(len(p) > common + 1 and p[common] == parts[0][common] for p in parts):
        common += 1
    return ['.'.join(p[common:]) for p in parts]


def _figures(record: GammaRecord) -> list[Block]:
    """Figures 5 and 11 of the paper."""
    steps, layers = record.steps, record.layers
    modalities, threshold = record.modalities, record.threshold
    names = list(layers)
    spread = np.linspace(0, len(names) - 1, DRAWN).round().astype(int)
    chosen = dict.fromkeys(names[k] for k in spread)
    found: list[Block] = [
        Figure(
            picture(draw_steps(steps, layers[name], modalities, threshold, name)),
            f'|gamma| of each channel of {name}',
            width='half',
        )
        for name in chosen
    ]
    last = {name: gamma[-1] for name, gamma in layers.items()}
    found.append(
        Figure(
            picture(draw_proportions(last, modalities)),
            'Share of the modalities in |gamma| of each channel, at the end',
            width='wide',
        )
    )
    return found


def _compared(runs: Sequence[Run]) -> list[Block]:
    """The exchanged share of all layers at the end, one curve for each run."""
    series = []
    for number, run in enumerate(runs):
        record = run.gamma
        if record is None or not record.threshold or not record.partnered:
            continue
        shares = [record.exchanged(n)[-1, record.partnered] for n in record.layers]
        share = [of_layer.mean() for of_layer in shares]
        series.append(
            Series(run.name, np.arange(1, len(share) + 1), np.array(share), number)
        )
    if not series:
        return []
    body = line_plot(series, 'layer, from the input on', (0.0, 1.0))
    return [Figure(body, 'Exchanged share of the own parts at the end, by layer')]


def picture(rgb: NDArray[np.uint8]) -> Html:
    """A figure of matplotlib as an image of the page, dark where the page is."""
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    png = cv2.imencode('.png', bgr, (cv2.IMWRITE_PNG_COMPRESSION, 9))[1].tobytes()
    source = base64.b64encode(png).decode()
    return Html(f'<img class="drawn" alt="" src="data:image/png;base64,{source}">')
