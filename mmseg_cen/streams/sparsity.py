"""Sparse scaling factors (Eq. 4): their penalty, and the share that is exchanged."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .exchange import ExchangeScope, own_part
from .norm import ModalityNorm
from .places import exchanging_norms

#: The exchange threshold of the paper's segmentation, theta (Sec. 4.1).
PAPERS_THRESHOLD = 2e-2


def penalized(
    model: nn.Module, scope: ExchangeScope = 'own'
) -> Iterator[tuple[ModalityNorm, Tensor]]:
    r"""The penalized scaling factors :math:`\hat\gamma` of each exchanging layer.

    One modality alone, or without a partner, exchanges nothing, and none of its factors
    is penalized.

    Args:
        model: A network with exchanging norm layers.
        scope: ``'own'`` (paper): modality m is penalized on its own part of the
            channels; ``'all'``: on all of them.

    Yields:
        A layer and a boolean mask (M, C) over its scaling factors.
    """
    for norm in exchanging_norms(model).values():
        exchange: Any = norm.exchange
        if norm.num_modalities > max(1, len(exchange.alone)):
            M, C = norm.gamma.shape
            mask = own_part(M, C, norm.gamma.device)
            mask = mask if scope == 'own' else torch.ones_like(mask)
            if exchange.alone:
                mask = mask.clone()
                mask[[*exchange.alone]] = False
            yield norm, mask


def gamma_l1(
    model: nn.Module, scope: ExchangeScope = 'own', cutoff: float = math.inf
) -> Tensor:
    r"""Sum of the penalized scaling factors, :math:`\sum_m\sum_l|\hat\gamma_{m,l}|`.

    The second term of Eq. 4, without lambda.

    Args:
        model: A network with exchanging norm layers.
        scope: See :func:`penalized`.
        cutoff: Larger factors do not count.
    """
    # There may be no such factor, and losses of a model are on one device.
    device = next((parameter.device for parameter in model.parameters()), None)
    total = torch.zeros((), device=device)
    for norm, mask in penalized(model, scope):
        size = norm.gamma.abs()
        # Indexing by a mask would wait for a GPU to count.
        counted = torch.where(mask & (size <= cutoff), size, 0)
        total = total.to(mask.device) + counted.sum()
    return total


def soft_threshold(values: Tensor, amount: float) -> Tensor:
    r"""Proximal operator of ``amount`` times the L1 norm.

    Values move toward zero by ``amount``; values that reach zero stay there, exactly.
    """
    return values.sign() * (values.abs() - amount).clamp(min=0)


def step_size(group: dict[str, Any]) -> float:
    r"""How far a constant gradient of 1 moves the parameters of a group in one step.

    In the long run, momentum multiplies the learning rate by :math:`1/(1-\mu)`. For
    optimizers that scale gradients, such as Adam, the step is the learning rate, as it
    is for a decoupled weight decay.
    """
    momentum = group.get('momentum', 0)
    return float(group['lr'] * (1 - group.get('dampening', 0)) / (1 - momentum))


def magnitudes(layers: Iterable[tuple[ModalityNorm, Tensor]]) -> tuple[Tensor, float]:
    r"""The masked :math:`|\gamma|` of all layers, (N,), and the exchange threshold.

    Where no layer exchanges, it is :data:`PAPERS_THRESHOLD`.

    Args:
        layers: Layers and masks, as :func:`penalized` yields them.
    """
    layers = list(layers)
    sizes = [norm.gamma[mask].detach().abs() for norm, mask in layers]
    threshold = max(norm.exchange_threshold or 0.0 for norm, _ in layers)
    return torch.cat(sizes), threshold or PAPERS_THRESHOLD


def without_wrappers(name: str) -> str:
    """The name of a layer without wrappers, as several processes put around networks.

    One process may continue the training of several, and several that of one.
    """
    return '.'.join(part for part in name.split('.') if part != 'module')


def stage_of(name: str) -> str:
    """Stage of a layer: ``'backbone.layer3.5.bn2'`` -> ``'layer3'``.

    In a generator, its layer: ``'generator.encoder.conv2.norm'`` -> ``'conv2'``.
    """
    path = without_wrappers(name).split('.')
    for prefix in (['backbone'], ['generator', 'encoder']):
        depth = len(prefix)
        if path[:depth] == prefix and len(path) > depth + 1:
            return path[depth]
    return path[0]


@torch.no_grad()
def exchange_shares(model: nn.Module, modalities: tuple[str, ...]) -> dict[str, float]:
    r"""Share of the channels that are exchanged, :math:`|\gamma_{m,c}| < \theta`.

    With another :class:`Exchange` than the paper's, the channels that it chooses.

    Returns:
        For every modality, ``'rgb/own'``: share of its own part, the channels that it
        may give away under the paper's scope; ``'rgb/all'``: share of all its channels,
        exchanged or not. ``'rgb/own/layer3'``: the same, within a stage.
    """
    small: dict[str, int] = {}
    count: dict[str, int] = {}
    for layer, norm in exchanging_norms(model).items():
        exchange: Any = norm.exchange
        # One transfer of a layer, rather than one of each count.
        chosen = exchange.chosen(norm.gamma).cpu()
        if exchange.alone:
            chosen[[*exchange.alone]] = False
        own = own_part(norm.num_modalities, norm.num_features)
        for m, name in enumerate(modalities):
            for scope, channels in (('own', chosen[m, own[m]]), ('all', chosen[m])):
                for key in (f'{name}/{scope}', f'{name}/{scope}/{stage_of(layer)}'):
                    small[key] = small.get(key, 0) + int(channels.sum())
                    count[key] = count.get(key, 0) + channels.numel()
    return {key: small[key] / count[key] for key in small if count[key]}


@torch.no_grad()
def scaling_factors(
    model: nn.Module, modalities: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """The |gamma| of all exchanging layers.

    Returns:
        For every modality, those in its own part, ``'rgb/own'``, and the rest,
        ``'rgb/other'``.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for norm in exchanging_norms(model).values():
        gamma = norm.gamma.abs().float().cpu()
        own = own_part(norm.num_modalities, norm.num_features)
        for m, name in enumerate(modalities):
            parts.setdefault(f'{name}/own', []).append(gamma[m, own[m]].numpy())
            parts.setdefault(f'{name}/other', []).append(gamma[m, ~own[m]].numpy())
    return {key: np.concatenate(values) for key, values in parts.items()}
