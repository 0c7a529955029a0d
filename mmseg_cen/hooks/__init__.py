"""Hooks: sparsity, statistics of the exchange, pictures, resumable randomness."""

from .exchange_stats import ExchangeStatsHook
from .finite import FiniteLossHook
from .gamma_recorder import GammaRecorderHook
from .randomness import (
    ResumableEpochTrainLoop,
    ResumableRandomnessHook,
    seed_worker,
)
from .sparsity import GammaSparsityHook, gamma_l1
from .visualization import MultimodalVisualizationHook
