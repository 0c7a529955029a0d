"""What to change in a config so that weights fit, told by shapes of their tensors."""

import re
from collections.abc import Mapping

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
    advice = [
        *_advise_streams(given, wanted),
        *_advise_norms(given, wanted),
        *_advise_stem(given, wanted),
        *_advise_blocks(given, wanted),
        *_advise_groups(given, wanted),
        *_advise_windows(given, wanted),
    ]
    advice += _advise_width(given, wanted, first_only=bool(advice))
    return advice or ['choose the variant of the backbone that the file is of']


def _advise_streams(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on a file of this package, whose norms are those of several streams."""
    if not any(
        re.sub(r'\.norm(?=\.\w+$)', '', name) in wanted
        for name in given.keys() - wanted.keys()
        if re.search(r'\.norm\.\w+$', name)
    ):
        return []
    return [
        'the file is of several modalities, with a norm for each: for the same ones in '
        "the same order, load it as it is, init_cfg=dict(type='Pretrained', "
        "checkpoint=IN, prefix='backbone'); for others, convert unimodal weights"
    ]


def _advise_norms(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on norms that look like batch norms, and have none of their statistics."""
    norms = [
        name.removesuffix('.running_var')
        for name in wanted
        if name.endswith('.running_var') and name not in given
    ]
    if not any(f'{norm}.bias' in given and f'{norm}.weight' in given for norm in norms):
        return []
    return [
        'norms of the file have no running statistics, as GroupNorms have none: take a '
        'file of a network with batch norms, saved with its buffers (state_dict())'
    ]


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


def _advise_groups(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on the grouped convolutions of ResNeXt."""
    name = 'layer1.0.conv2.weight'
    if name not in given or name not in wanted:
        return []
    counts = [
        len(tensors[name]) // tensors[name].shape[1] for tensors in (given, wanted)
    ]
    if counts[0] == counts[1]:
        return []
    if counts[0] == 1:
        return ['the file has no groups: choose ResNet instead of ResNeXt']
    width = given[name].shape[1]
    return [
        f'the file has {counts[0]} groups of {width} channels in its 3x3 convolutions: '
        f'set groups={counts[0]}, base_width={width} (ResNeXt)'
    ]


def _advise_windows(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> list[str]:
    """Advice on the windows of Swin, which has a factor for each distance in one."""
    for name, tensor in wanted.items():
        if name.endswith('relative_position_bias_table') and name in given:
            if len(given[name]) == len(tensor):
                return []
            size = (round(len(given[name]) ** 0.5) + 1) // 2
            return [f'the file has windows of {size} pixels: set window_size={size}']
    return []


def _advise_width(
    given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], first_only: bool
) -> list[str]:
    """Advice on the width, by the first convolution, or any whose width differs."""
    convolutions = [name for name, tensor in wanted.items() if tensor.ndim == 4]
    for name in convolutions[: 1 if first_only else None]:
        tensor, other = wanted[name], given.get(name, wanted[name])
        if other.ndim == 4 and len(other) != len(tensor):
            arguments = (
                argument
                for pattern, argument in _WIDTHS.items()
                if any(re.search(pattern, name) for name in wanted)
            )
            return [
                f'{name} has {len(other)} channels in the file, {len(tensor)} in the '
                f'network: set {next(arguments, "the width")} to those of the file'
            ]
    return []
