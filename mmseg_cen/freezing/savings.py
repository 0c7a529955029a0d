"""What a frozen exchange saves, in multiplications with additions (MACs)."""

import copy
from collections.abc import Iterator

import torch
from mmengine.logging import print_log
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg_cen.streams.presence import present_modalities

from .network import blank_input, network_of


@torch.no_grad()
def count_macs(model: nn.Module, size: tuple[int, int]) -> dict[str, int]:
    """MACs of convolutions and matrix products, for one sample.

    Args:
        model: A multimodal network, frozen or not.
        size: Height and width of the image, in pixels.

    Returns:
        MACs of each part of the model and each stage of its network, by name, such as
        ``'backbone.layer1'`` or ``'decode_head'``, and the sum, ``'total'``.
    """
    model = copy.deepcopy(model).requires_grad_(False)  # which the counter is led by
    network = network_of(model)
    counter = FlopCounterMode(display=False)
    with present_modalities(None), counter:
        model(blank_input(network, size))
    # The counter names modules `Type.path.to.module`.
    flops = {
        name.partition('.')[2]: sum(of_functions.values())
        for name, of_functions in counter.get_flop_counts().items()
        if name != 'Global'
    }
    counted = {
        part: sum(macs for name, macs in outermost(flops, part).items()) // 2
        for part in _parts(model, network)
    }
    return {
        **{name: macs for name, macs in counted.items() if macs},
        'total': counter.get_total_flops() // 2,
    }


def outermost(counts: dict[str, int], part: str) -> dict[str, int]:
    """The counts of a module, or of those within it that no other one is around.

    A module whose methods are called, rather than the module itself, is not counted.
    """
    within = [name for name in counts if f'{name}.'.startswith(f'{part}.')]
    return {
        name: counts[name]
        for name in within
        if not any(name.startswith(f'{other}.') for other in within)
    }


def compare_macs(
    model: nn.Module, frozen: nn.Module, size: tuple[int, int]
) -> dict[str, tuple[int, int]]:
    """MACs of each part before and after :func:`freeze_exchange`, which are logged.

    Args:
        model: A multimodal network.
        frozen: The same with its exchange frozen.
        size: Height and width of the image, in pixels.
    """
    before, after = count_macs(model, size), count_macs(frozen, size)
    table = {name: (macs, after.get(name, 0)) for name, macs in before.items()}
    width = max(map(len, table))
    height, length = size
    lines = [f'MACs of one sample of {height} x {length} pixels, in millions:']
    lines.append(f'{"":{width}} {"before":>10} {"frozen":>10} {"share":>6}')
    for name, (old, new) in table.items():
        lines.append(
            f'{name:{width}} {old / 1e6:10.1f} {new / 1e6:10.1f} {new / old:6.2f}'
        )
    print_log('\n'.join(lines), 'current')
    return table


def _parts(model: nn.Module, network: nn.Module) -> Iterator[str]:
    """Names of the parts of a model, those of its network one by one."""
    for name, part in model.named_children():
        if part is network:
            yield from (f'{name}.{stage}' for stage, _ in part.named_children())
        else:
            yield name
