"""Prepare ISPRS Vaihingen (infrared, red, green and height from above, 6 classes).

python tools/dataset_converters/vaihingen.py Vaihingen data/vaihingen

The download (https://www.isprs.org/resources/datasets/benchmarks/UrbanSemLab/) has of
each tile, in the folders top/, dsm/ and gts*/,

top/top_mosaic_09cm_area1.tif                     infrared, red, green
dsm/dsm_09cm_matching_area1.tif
gts_for_participants/top_mosaic_09cm_area1.tif    colors of the classes

Written are irrg/, dsm/ (1 cm above the lowest point of the tile), label/ (0..5, 255 is
void) and the lists train (16 tiles) and val (17) of MMSegmentation; `--check` verifies
such a folder. Tiles are cut into equal parts of at most 512 x 512 pixels; each pixel is
in one of them.
"""

import argparse
import sys
from functools import partial

from common_options import add_clip, make_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_clip(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from isprs_tiles import Array, Tiles, plan

from mmseg_cen.door import as_tool
from mmseg_cen.preparation import Folder, run


def split_image(image: Array) -> dict[str, Array]:
    """Infrared, red, green, as BGR is for red, green, blue.

    Raises:
        ValueError: If it has another number of channels.
    """
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f'the images must have 3 channels, infrared, red and green, got an array '
            f'of shape {image.shape}: take the folder top/'
        )
    return dict(irrg=image)


TILES = Tiles(
    'ISPRS Vaihingen',
    files=dict(
        image=r'(?:^|/)top/top_mosaic_09cm_(area\d+)\.tif$',
        dsm=r'(?:^|/)dsm_09cm_matching_(area\d+)\.tif$',
        label=r'(?:gts|ground_truth)[^/]*/'
        r'top_mosaic_09cm_(area\d+)(?:_noBoundary)?\.tif$',
    ),
    folders=dict(irrg=Folder(channels=3)),
    split_image=split_image,
    splits=dict(
        train=tuple(
            f'area{n}'
            for n in (1, 3, 5, 7, 11, 13, 15, 17, 21, 23, 26, 28, 30, 32, 34, 37)
        ),
        val=tuple(
            f'area{n}'
            for n in (
                2, 4, 6, 8, 10, 12, 14, 16, 20, 22, 24, 27, 29, 31, 33, 35, 38,
            )
        ),
    ),
)  # fmt: skip


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, tiles=TILES, clip=args.clip))


if __name__ == '__main__':
    sys.exit(main())
