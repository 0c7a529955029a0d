"""The loss of the exchanges of tokens in a network, and what they report."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.utils.checkpoint
from torch import Tensor, nn

from .attention_places import attention_exchanges, block_of
from .presence import current_presence
from .token_exchange import TokenExchange


def token_exchanges(module: nn.Module) -> dict[str, TokenExchange]:
    """The exchanges of tokens in ``module``, by name."""
    return {
        name: exchange
        for name, exchange in attention_exchanges(module).items()
        if isinstance(exchange, TokenExchange)
    }


@contextmanager
def keeping_graphs(module: nn.Module) -> Iterator[None]:
    """Context in which gradient checkpointing keeps the graph of scores.

    The blocks of the toolbox do not say ``use_reentrant``, which is then ``True``:
    their first run is without gradients, and a loss of what it computes trains nothing.

    Args:
        module: The network that is about to run.
    """
    if not (module.training and torch.is_grad_enabled()):
        yield
        return
    checkpoint = torch.utils.checkpoint.checkpoint
    torch.utils.checkpoint.checkpoint = partial(checkpoint, use_reentrant=False)
    try:
        yield
    finally:
        torch.utils.checkpoint.checkpoint = checkpoint


def take_token_loss(module: nn.Module) -> Tensor | None:
    """The weighted mean of all scores of the last training pass, once.

    Scores of absent streams do not count.

    Returns:
        A scalar; ``None`` if no tokens were exchanged, or all weights are 0.

    Raises:
        ValueError: If the scores have no gradients, though their predictors are
            trained.
    """
    total: Tensor | None = None
    count: Tensor | int = 0
    present = current_presence()
    for exchange in token_exchanges(module).values():
        scores, exchange.last_scores = exchange.last_scores, None
        if scores is None or not exchange.loss_weight:
            continue
        trained = any(p.requires_grad for p in exchange.scores.parameters())
        if torch.is_grad_enabled() and trained and not scores.requires_grad:
            raise ValueError(
                'gradient checkpointing of blocks that exchange tokens must keep the '
                'graph, got scores without gradients: set activation_checkpointing='
                'True in place of a list of submodules, let blocks call '
                'torch.utils.checkpoint with use_reentrant=False, or keep activations'
            )
        if present is None:
            count += scores.numel()
        else:
            scores = scores * present.unsqueeze(-1)
            count += present.sum() * scores.shape[-1]
        weighted = exchange.loss_weight * scores.sum()
        total = weighted if total is None else total + weighted
    return None if total is None else total / count


@torch.no_grad()
def token_shares(module: nn.Module, modalities: tuple[str, ...]) -> dict[str, float]:
    """Share of the tokens that were replaced in the last pass.

    Returns:
        For every modality, ``'rgb/tokens'``: share of its tokens, over all blocks; and
        for each block, ``'rgb/tokens/layers.0.1.0'``. Empty before the first pass.
    """
    counts: dict[str, Tensor] = {}
    for name, exchange in token_exchanges(module).items():
        if exchange.counts is not None:
            block = block_of(name).removeprefix('backbone.')
            for key in ('', f'/{block}'):
                counts[key] = counts.get(key, 0) + exchange.counts
    shares = {}
    for key, both in counts.items():
        replaced, tokens = both.tolist()
        for name, of_modality, all_tokens in zip(
            modalities, replaced, tokens, strict=True
        ):
            if all_tokens:
                shares[f'{name}/tokens{key}'] = of_modality / all_tokens
    return shares
