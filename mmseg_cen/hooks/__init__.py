"""Hooks: sparsity, statistics, pictures, checkpoints, resumable randomness."""

from mmseg_cen.streams.sparsity import gamma_l1

from .checkpoint import SafeCheckpointHook
from .exchange_stats import ExchangeStatsHook
from .finite import FiniteLossHook
from .gamma_recorder import GammaRecorderHook
from .muses_format import MUSESFormatHook
from .network_modes import NetworkModesHook
from .param_schedules import ParamSchedulerHook
from .predictions import PredictedClassesHook
from .randomness import ResumableRandomnessHook, seed_worker
from .sparsity import GammaSparsityHook
from .start import RuntimeInfoHook
from .visualization import MultimodalVisualizationHook
