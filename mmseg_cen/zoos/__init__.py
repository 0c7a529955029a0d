"""Pretrained backbones as packages ship them, in the names of the toolbox.

``scheme`` says what there is to know about the names of a package, ``residual``,
``mobile``, ``convnext`` and ``attention`` have the tables, ``recognition`` chooses one
by the names of a file, ``fitting`` compares with a network, and ``advice`` tells what
to change.
"""

from .advice import advise
from .fitting import Fit, fit
from .recognition import Recognized, averages_beside, recognize, tensors_of
from .scheme import Pixels
