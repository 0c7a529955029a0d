"""Convert pretrained weights of other packages for the backbone of a config.

python tools/model_converters/pretrained_backbone.py CONFIG IN OUT

IN is a checkpoint (.pth, .pt, .bin) or a file of safetensors, or the index of several
(*.index.json), of torchvision, timm, transformers, mmpretrain, detectron2 or Caffe,
whose names are recognized. Every tensor
of the backbone must be in it, in the same shape; what does not fit is listed layer by
layer. OUT is a checkpoint for `init_cfg=dict(type='Pretrained', checkpoint=OUT)`; the
tool loads it once and prints what to write into the config.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(
        description='Convert pretrained weights for the backbone of a config.'
    )
    parser.add_argument('config', metavar='CONFIG', help='config with the backbone')
    parser.add_argument('input', metavar='IN', help='weights of another package')
    parser.add_argument('output', metavar='OUT', help='checkpoint to write')
    parser.add_argument(
        '--bgr',
        action='store_true',
        help='the weights are for BGR images: reverse the input channels of the first '
        'convolution, so that they are for RGB images',
    )
    parser.add_argument(
        '--style',
        choices=['pytorch', 'caffe'],
        help='where the weights have the stride of a bottleneck: in its 3x3 '
        'convolution, or in the first 1x1; by default, what the package has',
    )
    for name in ('mean', 'std'):
        parser.add_argument(
            f'--{name}',
            nargs=3,
            type=float,
            metavar=('C1', 'C2', 'C3'),
            help=f'{name} of the pixels the weights were trained with, of 0 to 255, in '
            'the order of the channels of IN; by default, what the package has',
        )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a file of this name'
    )
    parser.add_config_options()
    args = parser.parse_args(argv)
    for name, least in (('mean', 0), ('std', 1)):
        values = getattr(args, name) or ()
        if any(not least <= value <= 255 or 0 < value < 1 for value in values):
            parser.error(
                f'`--{name}` must be of pixels of 0 to 255, and at least {least}, got '
                f'{values}: multiply the {name} of pixels of 0 to 1 by 255'
            )
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import tempfile

import torch
from torch import nn
from weights.files import META, read_weights
from weights.network import (
    build_backbone,
    families_of,
    num_streams,
    place_of_init_cfg,
    prove,
    unimodal_state,
)
from weights.pixels import pixels_of, preprocessing

from mmseg_cen.door import as_tool
from mmseg_cen.hooks.finite import not_finite
from mmseg_cen.launch import load_config, save_new
from mmseg_cen.streams.state import first_names
from mmseg_cen.zoos import (
    Fit,
    advise,
    averages_beside,
    fit,
    recognize,
    tensors_of,
)


def refuse_misfits(fitted: Fit, network: dict[str, torch.Tensor], path: str) -> None:
    """Name all tensors that do not fit, and what to change.

    Raises:
        ValueError: If there is one.
    """
    if not fitted.misfits:
        return
    for misfit in fitted.misfits:
        print(misfit)
    kinds = dict(
        missing=[m for m in fitted.misfits if m.given is None],
        unexpected=[m for m in fitted.misfits if m.wanted is None],
    )
    kinds['of another shape'] = [
        m for m in fitted.misfits if None not in (m.given, m.wanted)
    ]
    counts = ', '.join(f'{len(found)} {kind}' for kind, found in kinds.items() if found)
    raise ValueError(
        f'the weights must fit the backbone of the config, got {path!r} with tensors '
        f'that are {counts} (listed above): '
        f'{"; ".join(advise(fitted.state, network))}'
    )


def refuse_not_finite(state: dict[str, torch.Tensor], path: str) -> None:
    """Raise a ValueError if weights have NaN or infinity."""
    if wrong := not_finite(state):
        raise ValueError(
            f'the weights must be finite, got NaN or infinity in {first_names(wrong)} '
            f'of {path!r}: take another file, or one in single precision'
        )


def settle_style(
    style: str | None,
    backbone: nn.Module,
    network: dict[str, torch.Tensor],
    is_given: bool,
) -> str | None:
    """Refuse a bottleneck with the stride elsewhere: it would compute something else.

    Args:
        style: That of the weights; None: this is not known.
        backbone: The network.
        network: The state dict of its unimodal network.
        is_given: Whether the command line says the style.

    Returns:
        The style to write into the config; None: the backbone has no such choice.

    Raises:
        ValueError: If the backbone has another style.
    """
    own = getattr(backbone, 'style', None)
    if own is None or 'layer1.0.conv3.weight' not in network:
        return None
    if style is None:
        print(
            f'note: tensors do not show where the stride of a bottleneck is: style='
            f'{own!r} of the config is kept; --style tells another'
        )
        return own
    if own != style:
        raise ValueError(
            f'`style` of the backbone must be {style!r}, where these weights have the '
            f"stride of a bottleneck, got {own!r}: set the backbone's style={style!r}"
            + f', or give --style {own} if the weights are of such a network'
            * (not is_given)
        )
    return style


def reverse_first_convolution(state: dict[str, torch.Tensor]) -> None:
    """Let weights for BGR images take RGB images.

    Raises:
        ValueError: If the first convolution does not take three channels.
    """
    name = next(n for n, t in state.items() if t.ndim == 4 and n.endswith('weight'))
    if state[name].shape[1] != 3:
        raise ValueError(
            f'`--bgr` must be for weights of three channels, got {name} of '
            f'{state[name].shape[1]}: leave it out'
        )
    state[name] = state[name].flip(1)


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, options=args.cfg_options)
    checkpoint = read_weights(args.input)
    backbone = build_backbone(cfg)
    network = unimodal_state(backbone)
    recognized = recognize(tensors_of(checkpoint), families_of(backbone), [*network])
    scheme = recognized.scheme
    meta = (checkpoint.get('meta') or {}) if isinstance(checkpoint, dict) else {}
    said = meta.get(META, {}) if isinstance(meta, dict) else {}
    fitted = fit(recognized.state, scheme, network)
    print(f'{args.input}: weights of {scheme.package}')
    refuse_misfits(fitted, network, args.input)
    refuse_not_finite(fitted.state, args.input)
    style = settle_style(
        args.style or said.get('style') or scheme.style,
        backbone,
        network,
        is_given=args.style is not None,
    )
    state = {name: fitted.state[name] for name in network}
    pixels = pixels_of(args, recognized, said)
    if args.bgr:
        reverse_first_convolution(state)
    source = dict(
        source=said.get('source', scheme.package), style=style, **pixels._asdict()
    )
    with tempfile.TemporaryDirectory() as folder:
        trial = str(Path(folder) / 'trial.pth')
        save_new(dict(state_dict=state, meta={META: source}), trial)
        prove(backbone, trial, state)
    save_new(dict(state_dict=state, meta={META: source}), args.output, args.overwrite)
    if left := [*recognized.left_out, *fitted.dropped]:
        print(f'left out: {", ".join(left)}')
    for remark in [*fitted.remarks, *([scheme.remark] if scheme.remark else [])]:
        print(f'note: {remark}')
    if averages := averages_beside(checkpoint):
        print(
            f'note: {args.input} holds averages of the weights under '
            f'{", ".join(averages)}, too, which are not taken: save these alone to '
            f'convert them'
        )
    place, count = place_of_init_cfg(cfg), num_streams(backbone)
    streams = f', each of {count} streams,' * (count > 1)
    print(
        f'{args.output} is written; the backbone{streams} has loaded all of its '
        f'{len(state)} tensors\n'
        f'Write into the config:\n'
        f"    {place}.init_cfg = dict(type='Pretrained', checkpoint={args.output!r})"
    )
    if style:
        print(f'    {place}.style = {style!r}')
    print(preprocessing(cfg, pixels))


if __name__ == '__main__':
    main()
