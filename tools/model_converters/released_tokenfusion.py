"""Convert a segmentation checkpoint of the released TokenFusion code (SegFormer).

python tools/model_converters/released_tokenfusion.py IN OUT

The MiT (B0 to B5) and the number of classes are read from the tensors. OUT is for the
model of `configs/tokens/segformer_b2_nyud.py`; the command to test it is printed.
"""

import argparse
import sys
from pathlib import Path
from shlex import quote
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, called, config_name

#: The config that a converted checkpoint is tested with.
CONFIG = 'tokens/segformer_b2_nyud.py'


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description='Convert a segmentation checkpoint of the released TokenFusion.'
    )
    parser.add_argument('input', metavar='IN', help='checkpoint to read')
    parser.add_argument('output', metavar='OUT', help='checkpoint to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a file of this name'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (lets torch read NumPy values)
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_tensors, save_new
from mmseg_cen.released.tokenfusion import from_released


def test_command(model: dict[str, Any], path: str) -> str:
    """The command that tests a converted checkpoint."""
    mit, head = model['backbone']['backbone'], model['decode_head']['head']
    options = [
        *(f'model.backbone.backbone.{name}={value}' for name, value in mit.items()),
        'model.backbone.backbone.init_cfg=None',
        *(f'model.decode_head.head.{name}={value}' for name, value in head.items()),
    ]
    return (
        f'{called("test")} {config_name(CONFIG)} {quote(path)} '
        f'--cfg-options ' + ' '.join(option.replace(' ', '') for option in options)
    )


@as_tool
def main() -> None:
    args = parse_args()
    converted = from_released(load_tensors(args.input))
    save_new(converted, args.output, args.overwrite)
    print(f'{args.output} is written')
    command = test_command(converted['meta']['model'], args.output)
    print(f'Test it with:\n{command}')


if __name__ == '__main__':
    main()
