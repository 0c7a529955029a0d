"""Metrics of every stream and of the ensemble, in one pass."""

from .stream_iou import StreamIoUMetric
