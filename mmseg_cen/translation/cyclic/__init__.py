"""Cyclic fusion: one generator predicts each domain from all the others.

In reading order: ``samples`` (all domains of a sample, and one direction of it),
``generator`` (each domain left out in turn), ``model`` (the losses of all directions),
``metrics`` and ``visualization``.
"""

from .generator import CyclicUNet
from .metrics import CyclicTranslationMetric
from .model import CyclicPix2Pix
from .samples import MarkKnownPixels, PackCyclicInputs
from .visualization import CyclicVisualizationHook
