"""Hooks: sparsity of the scaling factors, statistics of the exchange, pictures."""

from .exchange_stats import ExchangeStatsHook
from .sparsity import GammaSparsityHook, gamma_l1
from .visualization import MultimodalVisualizationHook

__all__ = [
    'ExchangeStatsHook',
    'GammaSparsityHook',
    'MultimodalVisualizationHook',
    'gamma_l1',
]
