"""Convert a checkpoint of the released CEN segmentation code, or back.

python tools/model_converters/released_cen.py IN OUT [--reverse]

The depth (ResNet-50, 101 or 152) and the number of classes are read from the tensors.
OUT is for the model of `configs/cen/refinenet_r*_nyud.py` with two settings of the
released code, `exchange_scope='all'` and `rectify_residual=True`; the command to test
it is printed. With --reverse, IN is a checkpoint of this model.
"""

import argparse
import sys
from pathlib import Path
from shlex import quote
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, called, config_name

#: The config that a converted checkpoint is tested with.
CONFIG = 'cen/refinenet_r101_nyud.py'


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description='Convert a checkpoint of the released CEN segmentation code.'
    )
    parser.add_argument('input', metavar='IN', help='checkpoint to read')
    parser.add_argument('output', metavar='OUT', help='checkpoint to write')
    parser.add_argument(
        '--reverse', action='store_true', help='convert back to the released code'
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files of these names'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (lets torch read NumPy values)
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_tensors, save_new
from mmseg_cen.released.segmentation import from_released, to_released


def test_command(meta: dict[str, Any], path: str) -> str:
    """The command that tests a converted checkpoint."""
    backbone, head = meta['model']['backbone'], meta['model']['decode_head']['head']
    return (
        f'{called("test")} {config_name(CONFIG)} {quote(path)} '
        f'--cfg-options '
        f'model.backbone.depth={backbone["depth"]} model.backbone.init_cfg=None '
        f'model.backbone.exchange_scope=all '
        f'model.decode_head.head.num_classes={head["num_classes"]} '
        f'model.decode_head.head.rectify_residual=True'
    )


@as_tool
def main() -> None:
    args = parse_args()
    checkpoint = load_tensors(args.input)
    converted = (to_released if args.reverse else from_released)(checkpoint)
    save_new(converted, args.output, args.overwrite)
    print(f'{args.output} is written')
    if not args.reverse:
        print(f'Test it with:\n{test_command(converted["meta"], args.output)}')


if __name__ == '__main__':
    main()
