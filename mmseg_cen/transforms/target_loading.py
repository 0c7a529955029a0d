"""Transforms that load what only a training or a measurement needs."""

from mmcv.transforms import BaseTransform


class TargetLoading(BaseTransform):
    """Base of transforms that load targets; predictions of given samples lack them."""
