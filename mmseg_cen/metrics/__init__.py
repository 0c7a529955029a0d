"""Metrics of every stream and of the ensemble, in one pass, and of pairs of systems."""

from .paired import Difference, Interval, difference, iou, mean_over_classes, stacked
from .per_image import PerImage, read_per_image, write_per_image
from .stream_iou import StreamIoUMetric
