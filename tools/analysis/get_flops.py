"""Count parameters and operations of a network: `get_flops.py CONFIG --size 480 640`.

The tool of the toolbox of this name makes an image of three channels; this one packs
all modalities. Operations are multiplications with additions, for one sample, counted
by mmengine: norms, activations and interpolations are left out.
"""

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--size', type=int, nargs=2, default=[480, 640], metavar=('HEIGHT', 'WIDTH')
    )
    parser.add_config_options()
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config
from mmseg_cen.translation import CENUNet


def packed_channels(model: nn.Module) -> int:
    """Number of channels M*C of the input of a network."""
    for module in model.modules():
        if hasattr(module, 'packed_channels'):
            return int(module.packed_channels)
        if isinstance(module, CENUNet):
            return int(module.num_modalities * module.in_channels)
    return next(m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d))


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if min(args.size) < 1:
        raise ValueError(
            f'`--size` must be positive, got {args.size}: give height and width'
        )
    cfg = load_config(args.config, options=args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = revert_sync_batchnorm(MODELS.build(cfg.model)).eval()
    if getattr(model, 'auxiliary_head', None) is not None:
        model.auxiliary_head = None  # of the training only
    model = getattr(model, 'generator', model)
    channels = packed_channels(model)
    operations = FlopAnalyzer(model, torch.zeros(1, channels, *args.size))
    operations.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        total = operations.total()
    print(f'input: {channels} channels of {args.size[0]}x{args.size[1]} pixels')
    print(f'operations: {total / 1e9:.3f} G')
    print(f'parameters: {sum(p.numel() for p in model.parameters()) / 1e6:.3f} M')


if __name__ == '__main__':
    main()
