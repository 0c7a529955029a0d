"""What to change in a config so that weights fit, told by shapes of their tensors."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

#: Depth of a ResNet by the blocks of its stages, with two convolutions and with three.
_DEPTHS: dict[tuple[int, ...], tuple[int | None, int | None]] = {
    (2, 2, 2, 2): (18, None), (3, 4, 6, 3): (34, 50), (3, 4, 23, 3): (None, 101),
    (3, 8, 36, 3): (None, 152),
}  # fmt: skip
#: Stage and block in the names of the toolbox.
_BLOCK = r'^(?:layer|stages\.|layers\.(?=\d\.1\.))(\d)\.(?:blocks\.|1\.(?=\d))?(\d+)\.'
#: Argument for the width, by a name that only such backbones have.
_WIDTHS = {
    r'^(conv1|stem\.0)\.weight$': '`base_channels` and `stem_channels`',
    r'^conv1\.conv\.weight$': '`widen_factor`',
    r'^layer0\.conv\.weight$': '`arch`',
    r'^layers\.0\.0\.projection\.weight$': '`embed_dims` (and `num_heads`)',
    r'^patch_embed\.projection\.weight$': '`embed_dims`',
    r'^downsample_layers\.0\.0\.weight$': '`arch`',
}


def advise(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What to change in the config of a backbone, the most likely cause first.

    Args:
        given: Tensors of a file, by their names in the toolbox.
        wanted: Tensors of the network.
    """
    advice = [*_advise_stem(given, wanted), *_advise_blocks(given, wanted)]
    return (
        advice
        or _advise_shapes(given, wanted)
        or ['choose the variant of the backbone that the file is of']
    )


def _advise_stem(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on the stem and the shortcuts of a ResNet, and on input channels."""
    advice = []
    deep = ['stem.0.weight' in tensors for tensors in (given, wanted)]
    plain = ['conv1.weight' in tensors for tensors in (given, wanted)]
    if deep[0] and plain[1]:
        advice.append(
            'the file has a stem of three 3x3 convolutions: set deep_stem=True '
            '(ResNetV1c)'
        )
    if plain[0] and deep[1]:
        advice.append(
            'the file has a stem of one 7x7 convolution: set deep_stem=False (ResNet, '
            'not ResNetV1c)'
        )
    pooled = ['layer2.0.downsample.2.weight' in tensors for tensors in (given, wanted)]
    if pooled[0] != pooled[1]:
        kind = 'an average pooling' if pooled[0] else 'no average pooling'
        advice.append(
            f'the file has {kind} in its shortcuts: set avg_down={pooled[0]} '
            f'({"as" if pooled[0] else "unlike"} in ResNetV1d)'
        )
    for name, tensor in wanted.items():
        if tensor.ndim == 4:  # the first convolution
            other = given.get(name, tensor)
            if other.ndim == 4 and other.shape[1] != tensor.shape[1]:
                advice.append(
                    f'the file takes {other.shape[1]} channels: set in_channels='
                    f'{other.shape[1]} (a modality of fewer channels is repeated)'
                )
            break
    return advice


def _advise_blocks(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on the number of blocks."""
    counts = _blocks(given), _blocks(wanted)
    is_residual = 'layer1.0.conv2.weight' in given
    has_three = 'layer1.0.conv3.weight' in given
    if counts[0] == counts[1] and (
        not is_residual or has_three == ('layer1.0.conv3.weight' in wanted)
    ):
        return []
    what = f'the file has {list(counts[0])} blocks, the network {list(counts[1])}: '
    if is_residual:
        depth = _DEPTHS.get(counts[0], (None, None))[has_three]
        return [f'{what}set depth={depth}' if depth else f'{what}choose another depth']
    return [f'{what}set `depths`, `num_layers` or `arch` to those of the file']


def _blocks(tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Number of blocks of each stage."""
    last: dict[int, int] = {}
    for name in tensors:
        if found := re.match(_BLOCK, name):
            stage, block = map(int, found.groups())
            last[stage] = max(last.get(stage, 0), block + 1)
    return tuple(last[stage] for stage in sorted(last))


def _advise_shapes(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on width, groups and windows."""
    differing = [
        (name, tuple(given[name].shape), tuple(tensor.shape))
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    for name, found, needed in differing:
        if name.endswith('relative_position_bias_table') and found[1:] == needed[1:]:
            size = (round(found[0] ** 0.5) + 1) // 2
            return [f'the file has windows of {size} pixels: set window_size={size}']
    grouped = [
        (found, needed)
        for name, found, needed in differing
        if re.search(r'layer1\.0\.conv2\.weight$', name)
    ]
    for found, needed in grouped:
        if found[1] != found[0] or needed[1] != needed[0]:
            groups = found[0] // found[1]
            return [
                f'the file has {groups} groups of {found[1]} channels in its 3x3 '
                f'convolutions: set groups={groups}, base_width={found[1]} (ResNeXt)'
                if groups > 1
                else 'the file has no groups: choose ResNet instead of ResNeXt'
            ]
    if not differing:
        return []
    widths = _first_widths(differing)
    argument = next(
        (
            a
            for pattern, a in _WIDTHS.items()
            if any(re.search(pattern, n) for n in wanted)
        ),
        'the width',
    )
    return [f'{widths}: set {argument} to the width of the file']


def _first_widths(
    differing: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]],
) -> str:
    name, found, needed = differing[0]
    return f'{name} has {found[0]} channels in the file, {needed[0]} in the network'
