r"""Write an encoding of the depth maps of a prepared data set, such as HHA.

python tools/dataset_converters/encode_depth.py data/nyudv2 data/nyudv2/encoded \
    --encoding hha --camera nyudv2 --missing nearest [--jobs N]
python tools/dataset_converters/encode_depth.py data/nyudv2/encoded --check

The first folder has depth maps, `depth/{stem}.png`, and lists of the stems, `train.txt`
and the like; without lists, all depth maps are taken. Meters per stored unit come from
its meta.json, or from --scale. Written are PNG files, `{encoding}/{stem}.png`, and the
lists. Their values are the same as with `EncodeDepth` in a pipeline, the channels of
pictures in the order of their names:

    hha            3 x 8 bit, horizontal disparity, height above ground, angle with
                   gravity
    jet, turbo     3 x 8 bit, red, green, blue
    minmax         16 bit, from 0 to 1
    log, inverse   16 bit, 1/10000 (and 1/10000 per meter), up to 6.5535

At the end it prints the lines for a config, which are `options.config` in meta.json,
too. Normals are not among the encodings, because they must turn with an image that is
flipped: leave them to `EncodeDepth`.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common_options import make_parser

# Stored steps per unit of encodings of 16 bits; pictures have none.
STEPS = {'hha': None, 'jet': None, 'turbo': None,
         'minmax': 65535, 'log': 10000, 'inverse': 10000}  # fmt: skip

#: How missing depth may be filled: mmseg_cen.modality.FILLS.
FILLS = ('nearest', 'inpaint')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    option = parser.add_argument
    option(
        '--encoding',
        choices=list(STEPS),
        default='hha',
        help='see above (default: hha)',
    )
    option('--depth', default='depth', help='folder of the depth maps')
    option('--depth-suffix', help='end of their names; default: in meta.json, or .png')
    option('--scale', type=float, help='their unit in meters; default: in meta.json')
    option(
        '--depth-invalid',
        metavar='VALUE,...',
        help='stored values of no depth, besides 0 and NaN: 65535, -1 or a range, '
        '60000..65535; if the first is negative, --depth-invalid=-1,65535',
    )
    option(
        '--camera',
        nargs='+',
        metavar='VALUE',
        help="for hha: 'nyudv2', or FX FY CX CY WIDTH HEIGHT: focal lengths and "
        'optical axis in pixels, of images of this size; they are scaled to the size '
        'of the depth maps',
    )
    option(
        '--missing', choices=FILLS, help='how missing depth is filled; default: it is 0'
    )
    option(
        '--range',
        nargs=2,
        type=float,
        metavar=('NEAR', 'FAR'),
        help='meters, for minmax, jet and turbo; default: of each image',
    )
    option(
        '--gravity',
        nargs=3,
        type=float,
        metavar=('X', 'Y', 'Z'),
        help='for hha: its direction in the frame of a camera that is mounted, x to '
        'the right, y down, z ahead; default: estimated for each image',
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import cv2
import numpy as np
from depth_files import doubtful_depth, find_depth

from mmseg_cen.door import as_tool
from mmseg_cen.modality import Modality
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    find_stems,
    read_groups,
    read_image,
    read_meta,
    run,
)
from mmseg_cen.sentinels import Limits, find_invalid, parse_invalid
from mmseg_cen.transforms import EncodeDepth
from mmseg_cen.transforms.surface import parse_camera


def convert(
    sample: Sample,
    encode: EncodeDepth,
    steps: int | None,
    invalid: Sequence[Limits] = (),
) -> dict[str, np.ndarray | bytes]:
    """Encode the depth map of one sample."""
    depth = read_image(sample.inputs[0])
    if depth.ndim != 2:
        raise ValueError(
            f'{sample.inputs[0]} must have one channel, got shape {depth.shape}: '
            'encode stored depth only'
        )
    depth = np.where(find_invalid(depth, invalid), 0, depth)
    results = dict(modalities=dict(depth=Modality()), img=depth)
    image = encode.transform(results)['img']
    if steps is not None:
        stored = np.rint(image * steps)
        if stored.max() > 65535:
            raise ValueError(
                f'{sample.inputs[0]}: {encode.encoding} must be at most '
                f'{65535 / steps:g} to be stored in 16 bits, got {image.max():g}: is '
                '--scale right? Else choose --encoding minmax, or EncodeDepth in the '
                'pipeline'
            )
        return {encode.encoding: stored.astype('uint16')}
    # Run lengths make areas of one color as small as slower searches do.
    options = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    _, content = cv2.imencode('.png', image, options)
    return {encode.encoding: content.tobytes()}


def plan(source: Path, args: argparse.Namespace) -> Plan:
    """Plan the encoding: every stem of the lists, or of the depth maps."""
    suffix, scale = find_depth(source, args.depth, args.depth_suffix, args.scale)
    if scale is None:
        raise ValueError(
            f'`--scale` must be given for {source / args.depth}, whose unit is not '
            'known, got none: give the meters per stored unit, e.g. --scale 0.001 for '
            'millimeters'
        )
    encode = EncodeDepth(
        args.encoding,
        intrinsics=parse_camera(args.camera),
        scale=scale,
        missing=args.missing,
        depth_range=args.range,
        gravity=args.gravity,
    )
    invalid = parse_invalid(args.depth_invalid and args.depth_invalid.split(','))
    groups = read_groups(source)
    samples = [
        Sample(
            stem,
            split,
            inputs=(str(source / args.depth / f'{stem}{suffix}'),),
            groups=groups.get(stem, {}),
        )
        for split, stems in find_stems(source, args.depth, suffix)
        for stem in stems
    ]
    steps = STEPS[args.encoding]
    config: dict[str, Any] = dict(dtype='uint16', scale=1 / (steps or 1))
    if steps is None:
        config = dict(dtype='uint8', channels=3, interpolation='nearest')
    paths = (path for sample in samples for path in sample.inputs)
    options: dict[str, Any] = dict(
        encoding=repr(encode), config={args.encoding: config}
    )
    if invalid:
        options['invalid'] = invalid
    return Plan(
        dataset=f'depth of {source.absolute().name}, encoded',
        folders={
            args.encoding: Folder(dtype=config['dtype'], channels=3 if not steps else 1)
        },
        samples=samples,
        convert=partial(convert, encode=encode, steps=steps, invalid=invalid),
        splits={sample.split: None for sample in samples},
        options=options,
        warnings=doubtful_depth(paths, scale, invalid, encode.is_relative),
    )


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    status = run(args, partial(plan, args=args))
    if not status and not args.check:
        config = read_meta(args.out)['options']['config']
        name, options = next(iter(config.items()))
        values = ', '.join(f'{key}={value!r}' for key, value in options.items())
        print(f'modalities=dict({name}=dict({values}))')
        # As the data set looks for it, whose `data_root` is the folder that was read.
        root, folder = Path(args.source).resolve(), Path(args.out).resolve() / name
        place = folder.relative_to(root) if folder.is_relative_to(root) else folder
        print(f'data_prefix=dict({name}={place.as_posix()!r})')
    return status


if __name__ == '__main__':
    sys.exit(main())
