"""Plots of scaling factors: Figures 5, 11, 12 and 13 of the paper, and histograms."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmseg_cen.streams.exchange import own_part

from .figures import new_figure, to_picture
from .panels import Picture

Gamma = NDArray[np.floating]


def proportions(gamma: Gamma) -> NDArray[np.float64]:
    r"""Share of each modality, :math:`|\gamma_m| / \sum_{m'} |\gamma_{m'}|`.

    Args:
        gamma: Scaling factors, (M, C).

    Returns:
        (M, C), of sum 1 over M; where all are 0, 1/M each. What is not finite counts
        as 0.
    """
    size = _finite(np.abs(gamma.astype(np.float64)))
    total = size.sum(0)
    equal = np.full_like(size, 1 / len(size))
    return np.divide(size, total, out=equal, where=total > 0)


def draw_histograms(factors: Mapping[str, Gamma], threshold: float) -> Picture:
    """A histogram of the scaling factors of each modality.

    Args:
        factors: Magnitudes, by ``'rgb/own'`` and ``'rgb/other'`` for every modality;
            see :func:`~mmseg_cen.streams.sparsity.scaling_factors`. What is not finite
            is left out.
        threshold: Exchange threshold, drawn as a line.
    """
    names = list(dict.fromkeys(key.split('/')[0] for key in factors))
    figure = new_figure(4 * len(names), 3, 100, 'constrained')
    shown = {key: v[np.isfinite(v)] for key, v in factors.items()}
    top = max((v.max() for v in shown.values() if v.size), default=1.0)
    bins = np.linspace(0, top, 51)
    axes = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for ax, name in zip(axes, names, strict=True):
        for part in ('own', 'other'):
            part_shown = shown[f'{name}/{part}']
            ax.hist(part_shown, bins, alpha=0.6, label=f'{part} part')
        ax.axvline(threshold, color='black', lw=1, ls='--', label='threshold')
        ax.set(title=name, xlabel='|gamma|')
        if any(v.size for v in shown.values()):
            ax.set_yscale('log')
        ax.legend(fontsize='small')
    return to_picture(figure)


def draw_steps(
    steps: Sequence[float] | NDArray[np.integer],
    gamma: Gamma,
    modalities: Sequence[str],
    threshold: float,
    title: str = '',
) -> Picture:
    """|gamma| of each channel against the training steps (Fig. 5).

    The curves of channels of the own part, which are penalized, are dark.

    Args:
        steps: Iterations, (T,).
        gamma: Scaling factors of one layer, (T, M, C).
        modalities: Names.
        threshold: Exchange threshold, drawn as a line.
        title: Name of the layer.
    """
    figure = new_figure(4.5 * len(modalities), 3.2, 120, 'constrained')
    axes = figure.subplots(1, len(modalities), squeeze=False, sharey=True)[0]
    parts = own_part(*gamma.shape[1:]).numpy()
    for m, (ax, name) in enumerate(zip(axes, modalities, strict=True)):
        size = np.abs(gamma[:, m].astype(np.float32))
        own = parts[m]
        ax.plot(steps, size[:, ~own], color='tab:orange', lw=0.4, alpha=0.5)
        ax.plot(steps, size[:, own], color='tab:blue', lw=0.5, alpha=0.7)
        ax.plot([], [], color='tab:blue', label='own part')
        ax.plot([], [], color='tab:orange', label='other part')
        ax.axhline(threshold, color='black', lw=1, ls='--', label='threshold')
        ax.set(title=f'{name} {title}'.strip(), xlabel='step', ylabel='|gamma|')
        ax.legend(fontsize='x-small', loc='center right')
    return to_picture(figure)


def draw_proportions(layers: Mapping[str, Gamma], modalities: Sequence[str]) -> Picture:
    """Share of the modalities in each channel, stacked, layer by layer (Fig. 11, 12).

    Args:
        layers: Scaling factors (M, C) by name of the layer.
        modalities: Names.
    """
    columns = min(4, len(layers))
    rows = -(-len(layers) // columns)
    figure = new_figure(3.6 * columns, 1.9 * rows + 0.4, 120, 'constrained')
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax in axes[len(layers) :]:
        ax.axis('off')
    for ax, (name, gamma) in zip(axes, layers.items(), strict=False):
        shares = proportions(gamma)
        channel = np.arange(shares.shape[1])
        base = np.zeros(shares.shape[1])
        for m, modality in enumerate(modalities):
            ax.bar(channel, shares[m], 1.0, base, label=modality)
            base += shares[m]
        ax.set_title(name, fontsize='small')
        ax.set(xlim=(-0.5, len(channel) - 0.5), ylim=(0, 1))
        ax.tick_params(labelsize='x-small')
        ax.set_xlabel('channel', fontsize='x-small')
    for ax in axes[::columns]:
        ax.set_ylabel('share', fontsize='x-small')
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=len(modalities))
    return to_picture(figure)


def draw_sensitivity(
    values: Sequence[float],
    figures: Sequence[float],
    shares: Sequence[float],
    parameter: str,
    metric: str,
) -> Picture:
    """A metric and the share of exchanged channels against a parameter (Fig. 13).

    Args:
        values: Values of the parameter, one for each run.
        figures: Values of the metric.
        shares: Exchanged shares of the own parts.
        parameter: Name of the parameter, such as ``'lambda'``.
        metric: Name of the metric.
    """
    figure = new_figure(4.8, 3.2, 120, 'constrained')
    ax = figure.subplots()
    other = ax.twinx()
    unique = sorted(set(values))
    for axis, data, color, label in (
        (ax, figures, 'tab:blue', metric),
        (other, shares, 'tab:red', 'exchanged share of the own parts'),
    ):
        means = [
            np.mean([d for v, d in zip(values, data, strict=True) if v == u])
            for u in unique
        ]
        axis.plot(values, data, 'o', color=color, ms=3, alpha=0.5)
        axis.plot(unique, means, '-', color=color)
        axis.set_ylabel(label, color=color)
    other.set_ylim(-0.02, 1.02)
    ax.set_xlabel(parameter)
    if min(unique) > 0 and max(unique) > 5 * min(unique):
        ax.set_xscale('log')
    return to_picture(figure)


def draw_shares(
    shares: Sequence[float] | NDArray[np.floating],
    outputs: Mapping[str, NDArray[np.floating]],
    agreement: NDArray[np.floating],
    metric: str,
) -> Picture:
    """A metric of all outputs, and the agreement of streams, against what is exchanged.

    Args:
        shares: Exchanged shares of the own parts, increasing, (R,).
        outputs: Values of the metric, (R,), by name of the output.
        agreement: Pixels on which the streams predict the same class, percent, (R,).
        metric: Name of the metric.
    """
    figure = new_figure(4.8, 3.2, 120, 'constrained')
    ax = figure.subplots()
    other = ax.twinx()
    for name, values in outputs.items():
        ax.plot(shares, values, 'o-', ms=3, label=name)
    other.plot(shares, agreement, 's--', color='gray', ms=3)
    other.set_ylabel('agreement of the streams (%)', color='gray')
    other.set_ylim(0, 102)
    ax.set(xlabel='exchanged share of the own parts', ylabel=metric)
    ax.legend(fontsize='small')
    return to_picture(figure)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, 0.0)
