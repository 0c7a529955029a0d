"""Predict files: one sample, folders, lists, a video.

python tools/infer.py CONFIG CHECKPOINT --rgb room.png --depth room_depth.png --out-dir predictions
python tools/infer.py WORK_DIR --rgb images --depth depth_maps --out-dir predictions
python tools/infer.py net.onnx --rgb clip.mp4 --depth depth_maps --out-dir predictions

There is an option for each modality of the network: a file, several, a folder, a
pattern in quotes ('d/*_rgb.png'), a video. The files are read as the config says of
those of its test; where they are stored otherwise, say how, of depth for example:

  --depth-unit 0.001        meters of a stored unit
  --depth-invalid 65535     stored values that mean no measurement
  --resize-depth            resize arrays of another size than the image, nearest
  --rgb-orientation apply   turn images as their tag (EXIF) says; or ignore it

A modality without a file is absent. See docs/inference.md.
"""  # noqa: E501

import argparse
import sys
from pathlib import Path
from typing import Any

from _options import ToolParser

#: Kinds of files, see mmseg_cen.inference.
SAVED = (
    'labels', 'colors', 'overlay', 'panel', 'confidence', 'probabilities', 'streams',
)  # fmt: skip


def parse_args(argv: list[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The arguments, and the options of the modalities, which the config names."""
    files = ' '.join(['--rgb', 'PATH', '--depth', 'PATH'])
    parser = ToolParser(
        usage=f'%(prog)s CONFIG CHECKPOINT {files} ... --out-dir DIR',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        'config', help='config file, work directory, or file of export.py'
    )
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file, of a config')
    parser.add_argument(
        '--out-dir',
        metavar='DIR',
        help='folder of all files, DIR/labels/NAME.png and so on; names keep the '
        'folders of the images',
    )
    parser.add_argument(
        '--save',
        nargs='+',
        choices=[*SAVED, 'all'],
        default=['labels', 'overlay', 'panel'],
        help='what is written to --out-dir (default: labels overlay panel). labels: '
        'indices of classes; colors: the same in colors; overlay: colors over the '
        'image; panel: all modalities and streams with a legend; confidence: '
        'probability of the predicted class, 255 is 1; probabilities: of all classes, '
        'float16 (npz); streams: indices that each stream predicts',
    )
    parser.add_argument(
        '--out', metavar='PNG', help='of one sample: the indices of its classes'
    )
    parser.add_argument(
        '--picture', metavar='PNG', help='of one sample: its panel, for people'
    )
    parser.add_argument(
        '--skip-existing',
        action='store_true',
        help='leave out samples whose files are all in --out-dir',
    )
    parser.add_argument(
        '--batch-size', type=int, default=1, metavar='N', help='images at once'
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='resize samples to at most this size for the network, instead of as the '
        'config says; predictions have the size of the image all the same',
    )
    parser.add_argument('--device', help="such as 'cpu' or 'cuda:1'")
    parser.add_argument(
        '--tta', action='store_true', help='average scales and flips of the config'
    )
    parser.add_modes()
    parser.add_argument(
        '--freeze',
        action='store_true',
        help='do not compute channels that the exchange replaces',
    )
    parser.add_config_options()
    own, rest = split(parser, sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(own)
    if args.out is None and args.out_dir is None:
        parser.error('the following arguments are required: --out-dir (or --out)')
    if args.out_dir is None and args.skip_existing:
        parser.error('`--skip-existing` must be with --out-dir, got none: add it')
    if args.batch_size < 1:
        parser.error(f'`--batch-size` must be at least 1, got {args.batch_size}')
    return args, rest


def split(
    parser: argparse.ArgumentParser, argv: list[str]
) -> tuple[list[str], list[str]]:
    """Options that a parser has, and the others, each with its values."""
    known = parser._option_string_actions
    own: list[str] = []
    rest: list[str] = []
    target = own
    for part in argv:
        if part.startswith('-') and len(part) > 1:
            target = own if part.split('=')[0] in known else rest
        target.append(part)
    return own, rest


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import numpy as np

from mmseg_cen.config_files import require_file
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.inference import (
    MultimodalInferencer,
    Outputs,
    Prediction,
    names_of_model,
)
from mmseg_cen.visualization.class_maps import write_classes


def require_png(args: argparse.Namespace) -> None:
    """Refuse names of other formats, which may change classes.

    Raises:
        ValueError: If `--out` or `--picture` does not end with `.png`.
    """
    for option, path in (('--out', args.out), ('--picture', args.picture)):
        if path is not None and Path(path).suffix.lower() != '.png':
            raise ValueError(
                f'`{option}` must end with .png, got {path!r}: name a PNG file'
            )


def parse_files(
    rest: list[str], names: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is given of each modality, and how its files are stored.

    Raises:
        ValueError: If an option is unknown, or there is no file.
    """
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    for name in names:
        parser.add_argument(f'--{name}', nargs='+')
        parser.add_argument(f'--{name}-unit', type=float, dest=f'{name} scale')
        parser.add_argument(f'--{name}-invalid', nargs='+', dest=f'{name} invalid')
        parser.add_argument(
            f'--resize-{name}',
            action='store_const',
            const=True,
            dest=f'{name} resize',
        )
        parser.add_argument(
            f'--{name}-orientation',
            choices=('apply', 'ignore'),
            dest=f'{name} orientation',
        )
    options = ', '.join(f'--{name} PATH' for name in names)
    try:
        found, unknown = parser.parse_known_args(rest)
    except argparse.ArgumentError as error:
        raise ValueError(
            f'options must have values that they take, got {error}: correct them'
        ) from error
    values = {key: one for key, one in vars(found).items() if one is not None}
    if unknown:
        raise ValueError(
            f'files must be given as {options}, the modalities of the network, got '
            f'{" ".join(unknown)}: correct it'
        )
    files = {name: values[name] for name in names if name in values}
    if not files:
        raise ValueError(f'files must be given as {options}, got none: add them')
    changes: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        name, _, option = key.partition(' ')
        if option:
            changes.setdefault(name, {})[option] = value
    return files, changes


def write_one(args: argparse.Namespace, prediction: Prediction) -> None:
    """Write the files of `--out` and `--picture`."""
    meta = prediction.meta
    if args.out:
        write_classes(Path(args.out), prediction.sample.to_dict(), len(meta['classes']))
    if args.picture:
        write_picture(Path(args.picture), prediction.panel())


def report(outputs: Outputs | None, name: str, count: int, skipped: int) -> None:
    """Say what was written where."""
    if outputs is None:
        return
    left = f', {skipped} were there already' if skipped else ''
    if count == 1 and not skipped:
        for path in outputs.paths(name).values():
            if path.is_file():
                print(path)
    else:
        kinds = ', '.join(outputs.kinds)
        print(f'{outputs.out_dir}: {count} samples{left}, each as {kinds}')


@as_tool
def main(argv: list[str] | None = None) -> int:
    args, rest = parse_args(argv)
    require_png(args)
    require_file(args.checkpoint or '://', 'checkpoint')
    names = names_of_model(args.config, args.cfg_options)
    files, changes = parse_files(rest, names)
    absent = [name for name in names if name not in files]
    inferencer = MultimodalInferencer(
        args.config,
        args.checkpoint,
        device=args.device,
        modalities=changes,
        absent=absent,
        size=args.size and tuple(args.size),
        tta=args.tta,
        amp=args.amp,
        freeze=args.freeze,
        channels_last=args.channels_last,
        compile=args.compile,
        cfg_options=args.cfg_options,
    )
    given = inferencer.collect(files)
    outputs = None
    if args.out_dir:
        saved = SAVED if 'all' in args.save else dict.fromkeys(args.save)
        outputs = inferencer.outputs(args.out_dir, [*saved])
        given = outputs.without_own(given)
    if len(given) > 1 and (args.out or args.picture):
        raise ValueError(
            f'`--out` and `--picture` must be of one sample, got {len(given)}: name a '
            'folder, --out-dir'
        )
    name, count, classes = '', 0, np.array([], int)
    predictions = inferencer.stream(given, args.batch_size, outputs, args.skip_existing)
    for prediction in predictions:
        write_one(args, prediction)
        name, count = prediction.name, count + 1
        first = int(bool(prediction.sample.get('reduce_zero_label')))  # in files
        classes = np.union1d(classes, np.unique(prediction.labels) + first)
    for one in absent:
        print(f'Predicted without {one}.')
    if args.out and count:
        print(f'{args.out}: classes {classes.tolist()}')
    report(outputs, name, count, len(given) - count)
    if count > 1:
        print(f'{inferencer.speed.per_second:.3g} images/s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
