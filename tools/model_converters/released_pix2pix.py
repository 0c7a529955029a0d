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

import mmseg_cen  # noqa: F401  isort: skip  (lets torch read NumPy values)

import argparse
from pathlib import Path
from typing import Any

import torch

from mmseg_cen.checkpoints import replacing
from mmseg_cen.launch import exit_on_user_error, load_tensors
from mmseg_cen.released.translation import from_released, to_released


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
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
    return parser.parse_args()


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
    return f'python tools/test.py CONFIG {path} --cfg-options {" ".join(options)}'


def save(value: Any, path: str) -> None:
    with exit_on_user_error():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            torch.save(value, unfinished)
    print(f'{path} is written')


def main() -> None:
    args = parse_args()
    if args.reverse:
        with exit_on_user_error():
            released = to_released(load_tensors(args.checkpoint))
        files = (args.generator, args.discriminator)
        for state, path in zip(released, files, strict=False):  # either may be absent
            if path is not None:
                save(state, path)
        return
    files = [path for path in (args.generator, args.discriminator) if path is not None]
    with exit_on_user_error():
        converted = from_released(*map(load_tensors, files))
    save(converted, args.checkpoint)
    command = test_command(converted['meta']['model'], args.checkpoint)
    print(f'Test it with a CONFIG of `configs/translation`:\n{command}')


if __name__ == '__main__':
    main()
