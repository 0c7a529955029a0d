"""Several tasks at once: a stream for each, which exchange channels.

In reading order: ``targets`` and ``packing`` (samples with depth and normals),
``segmentor`` (a stream for each task and modality), ``multitask_head``, ``task_heads``,
``regression_heads``, ``losses`` and ``weighting`` (a head and a loss for each task, and
their sum), ``errors`` and ``metrics``, ``visualization``.
"""

from .metrics import DepthErrorMetric, NormalsErrorMetric
from .multitask_head import MultitaskHead
from .packing import MultitaskPreprocessor, PackMultitaskInputs
from .regression_heads import DepthHead, NormalsHead
from .segmentor import MultitaskSegmentor
from .targets import DeriveTargets, LoadRoomTargets, ZoomTargets
from .task_heads import SegmentationHead
from .visualization import MultitaskVisualizationHook
from .weighting import FixedWeights, UncertaintyWeights
