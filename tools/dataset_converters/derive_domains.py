r"""Derive normals, shading and edges from the depth maps and images of a data set.

python tools/dataset_converters/derive_domains.py data/nyudv2_half data/nyudv2_derived \
    --domains normal shade edge texture --scale 2e-4 --camera nyudv2 --smoothing 3 \
    --reach 2 [--jobs N]
python tools/dataset_converters/derive_domains.py data/nyudv2_derived --check

The first folder has depth maps, `depth/{stem}.png`, and images, `rgb/{stem}.jpg`, and
lists of the stems, `train.txt` and the like; without lists, all depth maps are taken.
Written are PNG files, to `{domain}/{stem}.png`, and the lists:

    normal   3 x 8 bit, red, green, blue = x to the right, y up, z toward the camera,
             from -1 to 1
    shade    8 bit, brightness under a lamp at the camera, from 0 to 1
    edge     16 bit, relative steps of depth, from 0 to 1
    texture  16 bit, change of the colors per pixel, from 0 to 1

`options.domains` in meta.json are their options for a data set of the type
MultimodalTranslationDataset. mmseg_cen/translation/derived.py tells how each domain is
computed; `DeriveDomains` in a pipeline does it on the fly.
"""

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from common_options import make_parser

#: What can be derived: the keys of mmseg_cen.translation.derived.RECIPES.
DOMAINS = ('edge', 'normal', 'shade', 'texture')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    option = parser.add_argument
    option(
        '--domains',
        nargs='+',
        choices=DOMAINS,
        default=DOMAINS,
        help='what to derive (default: all)',
    )
    option('--depth', default='depth', help='folder of the depth maps')
    option('--depth-suffix', help='end of their names; default: in meta.json, or .png')
    option(
        '--scale',
        type=float,
        help='their unit in meters; default: in meta.json, or 0.001',
    )
    option(
        '--nodata',
        type=float,
        nargs='*',
        default=[0.0],
        help='stored values of pixels without depth, which get the nearest one',
    )
    option('--rgb', default='rgb', help='folder of the images')
    option('--rgb-suffix', help='end of their names; default: in meta.json, or .jpg')
    option(
        '--camera',
        nargs='+',
        metavar='VALUE',
        help="'nyudv2', or FX FY CX CY WIDTH HEIGHT: focal lengths and optical axis in "
        'pixels, of images of this size; they are scaled to the size of the depth maps',
    )
    option(
        '--smoothing', type=float, default=0.0, help='of the depth, in pixels; 0: none'
    )
    option(
        '--step',
        type=float,
        default=0.02,
        help='steps of the inverse depth, in 1/m, that smoothing keeps',
    )
    option('--reach', type=int, default=1, help='of the differences, in pixels')
    option(
        '--light',
        type=float,
        nargs=3,
        metavar=('X', 'Y', 'Z'),
        help='direction to the light of the shading; default: a lamp at the camera',
    )
    option('--blur', type=float, default=1.0, help='of the images, in pixels')
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import numpy as np
from depth_files import find_depth, known_folder
from numpy.typing import NDArray

from mmseg_cen.door import as_tool
from mmseg_cen.preparation import (
    Folder,
    Plan,
    Sample,
    find_stems,
    run,
)
from mmseg_cen.transforms.surface import parse_camera
from mmseg_cen.translation.derived import DERIVED_FILES, RECIPES, Derivation
from mmseg_cen.translation.domains import Domain, build_domains
from mmseg_cen.translation.loading import load_domain


def convert(
    sample: Sample, files: dict[str, Domain], domains: list[str], derive: Derivation
) -> dict[str, NDArray[np.integer]]:
    """Derive the domains of one sample, in their stored form."""
    images = {}
    for (name, domain), path in zip(files.items(), sample.inputs, strict=True):
        images[name], valid = load_domain(name, domain, path)
        if not valid.any():
            raise ValueError(
                f'{path} must have a valid pixel, got none: leave the sample out'
            )
    derived = derive(domains, **images)
    stored = {
        name: domain.store(derived[name])
        for name, domain in build_domains(DERIVED_FILES).items()
        if name in derived
    }
    # Pictures are written as BGR.
    return {k: v[..., ::-1] if v.ndim == 3 else v for k, v in stored.items()}


def plan(source: Path, args: argparse.Namespace) -> Plan:
    """Plan the derivation: every stem of the lists, or of the depth maps."""
    domains = list(dict.fromkeys(args.domains))
    suffix, unit = find_depth(source, args.depth, args.depth_suffix, args.scale)
    scale = 1e-3 if unit is None else unit
    of_rgb = args.rgb_suffix or known_folder(source, args.rgb).get('suffix', '.jpg')
    known = dict(
        depth=dict(
            suffix=suffix,
            scale=scale,
            nodata=tuple(args.nodata),
            range=(0, 1),  # not used here
        ),
        rgb=dict(suffix=of_rgb),
    )
    origins = sorted({RECIPES[name] for name in domains})
    files = build_domains({name: known[name] for name in origins})
    folders = dict(depth=args.depth, rgb=args.rgb)
    first = folders[origins[0]], str(files[origins[0]].suffix)
    samples = []
    for split, stems in find_stems(source, *first):
        for stem in stems:
            paths = [
                str(source / folders[name] / f'{stem}{domain.suffix}')
                for name, domain in files.items()
            ]
            samples.append(Sample(stem, split, inputs=tuple(paths)))
    derive = Derivation(
        camera=parse_camera(args.camera),
        smoothing=args.smoothing,
        step=args.step,
        reach=args.reach,
        light=args.light,
        blur=args.blur,
    )
    if {'normal', 'shade'} & set(domains) and derive.camera is None:
        raise ValueError(
            "`--camera` must be given for 'normal' and 'shade', got none: name the "
            'camera of the depth maps'
        )
    stored = {name: DERIVED_FILES[name] for name in domains}
    return Plan(
        dataset=f'domains derived from {source.absolute().name}',
        folders={
            name: Folder(dtype=options['dtype'], channels=options.get('channels', 1))
            for name, options in stored.items()
        },
        samples=samples,
        convert=partial(convert, files=files, domains=domains, derive=derive),
        splits={sample.split: None for sample in samples},
        options=dict(
            derivation=asdict(derive), scale=scale, nodata=args.nodata,
            domains=stored,
        ),
    )  # fmt: skip


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, args=args))


if __name__ == '__main__':
    sys.exit(main())
