"""Hooks: sparsity, statistics of the exchange, pictures, resumable randomness."""

from mmseg_cen.streams.sparsity import gamma_l1 as gamma_l1

from .exchange_stats import ExchangeStatsHook as ExchangeStatsHook
from .finite import FiniteLossHook as FiniteLossHook
from .gamma_recorder import GammaRecorderHook as GammaRecorderHook
from .randomness import ResumableRandomnessHook as ResumableRandomnessHook
from .randomness import seed_worker as seed_worker
from .sparsity import GammaSparsityHook as GammaSparsityHook
from .visualization import MultimodalVisualizationHook as MultimodalVisualizationHook
