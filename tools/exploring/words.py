"""What stands beside the pictures, as HTML."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

#: Colors of the streams, those of the report.
STREAM_COLORS = ('#2563eb', '#ea7317', '#059669', '#9333ea', '#db2777', '#0891b2')

CSS = """
.gradio-container { max-width: 1500px !important; }
.picture img { width: 100%; height: 100%; object-fit: contain; }
#samples .grid-container {
  grid-template-columns: repeat(4, minmax(0, 1fr)) !important;
}
#samples.left .thumbnail-item { border-color: transparent; box-shadow: none; }
.file button .wrap { font-size: 0; gap: 0; padding: 14px 0 0; min-height: 0; }
.error {
  color: #b91c1c; background: #fef2f2; border: 1px solid #fca5a5; border-radius: 6px;
  padding: .6em 1em; overflow-wrap: anywhere;
}
.warning {
  color: #92400e; background: #fffbeb; border: 1px solid #fcd34d; border-radius: 6px;
  padding: .6em 1em; overflow-wrap: anywhere;
}
.said { padding: .6em 0; }
.keys { display: flex; flex-wrap: wrap; gap: .3em 1.2em; }
.keys span i {
  display: inline-block; width: .9em; height: .9em; margin-right: .4em;
  border: 1px solid #a1a1aa; vertical-align: -1px;
}
.alpha { display: flex; height: 1.8em; border-radius: 4px; overflow: hidden; }
.alpha div {
  color: #fff; text-align: center; line-height: 1.8em; white-space: nowrap;
  overflow: hidden; min-width: 2px;
}
.layers {
  display: flex; height: 130px; align-items: flex-end; gap: 3px; overflow-x: auto;
  border-bottom: 1px solid #a1a1aa;
}
.layers div {
  display: flex; flex: 1 1 0; min-width: 6px; height: 100%; align-items: flex-end;
  background: rgba(161, 161, 170, .13);
}
.layers i { flex: 1; }
.ends { display: flex; justify-content: space-between; }
.ends, .faint { opacity: .7; font-size: .85em; }
"""


def error(message: str) -> str:
    """What is wrong with the input."""
    return f'<div class="error" role="alert">{escape(message)}</div>'


def warning(message: str) -> str:
    """What is doubtful about the input."""
    return f'<div class="warning" role="alert">{escape(message)}</div>'


def said(sentences: Sequence[str]) -> str:
    """Sentences about a prediction."""
    return f'<div class="said" role="status">{escape(" ".join(sentences))}</div>'


def legend(
    labels: NDArray[np.integer],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> str:
    """The classes that are predicted, (H, W), with the share of each, largest first."""
    found, counts = np.unique(labels, return_counts=True)
    keys = []
    for k, share in sorted(
        zip(found.tolist(), (counts / labels.size).tolist(), strict=True),
        key=lambda pair: -pair[1],
    ):
        color = '#' + bytes(int(c) for c in palette[k]).hex()
        keys.append(
            f'<span><i style="background:{color}"></i>{escape(str(classes[k]))} '
            f'{_percent(share)}</span>'
        )
    return (
        '<p class="faint">Depth and confidence: dark is small, yellow is large, black '
        'is not measured. Red: streams disagree.</p>'
        f'<div class="keys">{"".join(keys)}</div>'
    )


def alpha_bar(alpha: Mapping[str, float]) -> str:
    """The weights of the streams in the ensemble as one bar."""
    if len(alpha) < 2:
        return ''
    parts = [
        f'<div style="width:{100 * weight:.1f}%;background:{_color(m)}" '
        f'title="{escape(name)}">{escape(name)} {weight:.2f}</div>'
        for m, (name, weight) in enumerate(alpha.items())
        if weight > 0
    ]
    return (
        '<p>alpha: weight of each stream in the ensemble</p>'
        f'<div class="alpha">{"".join(parts)}</div>'
    )


def share_bars(shares: Mapping[str, NDArray[np.floating]], names: Sequence[str]) -> str:
    """The share of channels that each modality gives away, (M,), layer by layer."""
    if not shares:
        return ''
    columns = []
    for layer, share in shares.items():
        bars = ''.join(
            f'<i style="height:{100 * one:.1f}%;background:{_color(m)}"></i>'
            for m, one in enumerate(share.tolist())
        )
        told = ', '.join(
            f'{name} {_percent(one)}'
            for name, one in zip(names, share.tolist(), strict=True)
        )
        columns.append(f'<div title="{escape(layer)}: {escape(told)}">{bars}</div>')
    means = np.mean([*shares.values()], axis=0).tolist()
    keys = ''.join(
        f'<span><i style="background:{_color(m)}"></i>{escape(name)} '
        f'{_percent(mean)} on average</span>'
        for m, (name, mean) in enumerate(zip(names, means, strict=True))
    )
    first, *_, last = [*shares, *shares]
    return (
        '<p>Exchanged channels: share of those that a modality may give away, whose '
        'scaling factor is below theta, layer by layer (full height: 100 %)</p>'
        f'<div class="layers">{"".join(columns)}</div>'
        f'<div class="ends"><span>{escape(first)}</span><span>{escape(last)}</span>'
        '</div>'
        f'<div class="keys">{keys}</div>'
    )


def _color(m: int) -> str:
    return STREAM_COLORS[m % len(STREAM_COLORS)]


def _percent(share: float) -> str:
    return '< 0.1 %' if 0 < share < 0.001 else f'{100 * share:.1f} %'
