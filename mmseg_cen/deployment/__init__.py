"""A trained network as one file that other programs run: TorchScript, ONNX and others.

model ─ prepare ─► ExportedNetwork ─ write ─► file ─ check_written ─► equal, or an error
                                   └ describe ─► JSON: what to feed it, what it returns
"""

from .description import describe
from .formats import FORMATS, check_packages, write
from .network import ExportedNetwork, prepare, reference
from .verification import check_written
