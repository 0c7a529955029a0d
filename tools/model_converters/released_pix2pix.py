"""Convert checkpoints of the released CEN image translation code, or back.

python tools/model_converters/released_pix2pix.py OUT --generator G --discriminator D
python tools/model_converters/released_pix2pix.py IN --reverse --generator G
    --discriminator D

Width, depth and number of sources are read from the tensors. Without --discriminator,
the checkpoint is for testing only. OUT is for the model of `configs/translation` with
two settings of the released code, `exchange_scope='all'` and `decoder_norms='private'`;
the command to test it is printed. With --reverse, IN is a checkpoint of this model, and
the files G and D are written.
"""

import argparse
import sys
from pathlib import Path
from shlex import quote
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, called


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description='Convert checkpoints of the released CEN image translation code.'
    )
    parser.add_argument(
        'checkpoint', metavar='OUT', help='checkpoint of this package, to write'
    )
    parser.add_argument(
        '--generator', required=True, metavar='G', help='released generator'
    )
    parser.add_argument('--discriminator', metavar='D', help='released discriminator')
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
from mmseg_cen.released.translation import from_released, to_released


def test_command(model: dict[str, Any], path: str) -> str:
    """The command that tests a converted checkpoint."""
    options = [
        f'model.{part}.{name}={value}'
        for part in ('generator', 'discriminator')
        for name, value in (model[part] or {}).items()
        if name != 'type'
    ]
    if model['discriminator'] is None:
        options.append('model.discriminator=None')
    return f'{called("test")} CONFIG {quote(path)} --cfg-options {" ".join(options)}'


@as_tool
def main() -> None:
    args = parse_args()
    if args.reverse:
        released = to_released(load_tensors(args.checkpoint))
        files = (args.generator, args.discriminator)
        if args.discriminator is not None and len(released) == 1:
            raise ValueError(
                f'`--discriminator` must be left out for a checkpoint of a generator '
                f'alone, got {args.discriminator!r} for {args.checkpoint!r}: leave it '
                f'out, or give the checkpoint of a training'
            )
        for state, path in zip(released, files, strict=False):  # either may be absent
            if path is not None:
                save_new(state, path, args.overwrite)
                print(f'{path} is written')
        return
    files = [path for path in (args.generator, args.discriminator) if path is not None]
    converted = from_released(*map(load_tensors, files))
    save_new(converted, args.checkpoint, args.overwrite)
    print(f'{args.checkpoint} is written')
    command = test_command(converted['meta']['model'], args.checkpoint)
    print(f'Test it with a CONFIG of `configs/translation`:\n{command}')


if __name__ == '__main__':
    main()
