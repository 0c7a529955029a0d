"""Layers behind which streams are fused, in U-Nets of other depths."""

from typing import Any

NUM_LAYERS = 8  # of the encoder in configs/translation/fusion


def at_depth(fusion: dict[str, Any], num_downs: int) -> dict[str, Any]:
    """A fusion in the U-Net of 8 layers, moved to a U-Net of ``num_downs`` layers.

    The first layer stays the first, the last one the last, and all stay all; the fourth
    becomes the one in the middle.
    """
    layers = [int(stage.removeprefix('conv')) for stage in fusion['stages']]
    depths = dict.fromkeys(-(-layer * num_downs // NUM_LAYERS) for layer in layers)
    return {**fusion, 'stages': tuple(f'conv{depth}' for depth in depths)}
