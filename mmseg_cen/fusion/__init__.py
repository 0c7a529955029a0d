"""Fusion modules: the baselines of the paper, and blocks of other papers."""

from .acm import ACMFusion
from .align import AlignFusion, mk_mmd
from .average import AverageFusion
from .base import Fused, Fusion
from .cbn import CBNFusion
from .cmx import CMXFusion
from .concat import ConcatFusion
from .losses import FusedFeatures
from .mmf import MMFFusion
from .sa_gate import SAGateFusion
from .ssma import SSMAFusion
from .stages import StageFusions
