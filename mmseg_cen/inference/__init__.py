"""From files and arrays to predictions.

inputs ─ sources, samples ─► paths or arrays of each sample ─ network ─► predictions
       ─ outputs ─► labels, pictures, probabilities in files
"""

from .inferencer import MultimodalInferencer
from .network import Network, Options
from .opening import names_of_model, open_network
from .outputs import DEFAULT_KINDS, KINDS, STREAMS, Outputs, Prediction
from .samples import Given, collect
