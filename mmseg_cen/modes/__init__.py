"""How a network is run, whatever it computes: precision, memory layout, compilation.

No mode changes the names of parameters: a checkpoint of one loads into all others.
"""

from .compilation import check_compile, compile_network
from .device import require_device
from .memory import checkpoint_activations, use_channels_last
from .network import set_network_modes
from .options import (
    hand_modes_to_hook,
    set_modes,
    test_in_mixed_precision,
    train_in_mixed_precision,
)
from .precision import AmpOptimWrapper, check_precision, default_precision
