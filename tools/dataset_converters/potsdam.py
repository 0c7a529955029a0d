"""Prepare ISPRS Potsdam (RGB, near infrared and height from above, 6 classes).

python tools/dataset_converters/potsdam.py Potsdam data/potsdam

The download (https://www.isprs.org/resources/datasets/benchmarks/UrbanSemLab/) has, in
any folders, of each tile

top_potsdam_2_10_RGBIR.tif    4_Ortho_RGBIR
dsm_potsdam_02_10.tif         1_DSM
top_potsdam_2_10_label.tif    5_Labels_all

Written are rgb/, ir/, dsm/ (1 cm above the lowest point of the tile), label/ (0..5, 255
is void) and the lists train (24 tiles) and val (14) of MMSegmentation; `--check`
verifies such a folder. Tiles are cut into equal parts, 12 x 12 of 500 x 500 pixels;
each pixel is in one of them.
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
    """RGB (as BGR) and near infrared of an image of four channels.

    Raises:
        ValueError: If it has another number of channels.
    """
    if image.ndim != 3 or image.shape[2] != 4:
        raise ValueError(
            f'the images must have 4 channels, red, green, blue and infrared, got an '
            f'array of shape {image.shape}: take 4_Ortho_RGBIR'
        )
    return dict(rgb=image[..., :3], ir=image[..., 3])


TILES = Tiles(
    'ISPRS Potsdam',
    files=dict(
        image=r'(?:^|/)top_potsdam_(\d+)_(\d+)_RGBIR\.tif$',
        dsm=r'(?:^|/)dsm_potsdam_(\d+)_(\d+)\.tif$',
        label=r'(?:^|/)top_potsdam_(\d+)_(\d+)_label(?:_noBoundary)?\.tif$',
    ),
    folders=dict(rgb=Folder(channels=3), ir=Folder()),
    split_image=split_image,
    splits=dict(
        train=(
            '2_10', '2_11', '2_12', '3_10', '3_11', '3_12', '4_10', '4_11', '4_12',
            '5_10', '5_11', '5_12', '6_7', '6_8', '6_9', '6_10', '6_11', '6_12', '7_7',
            '7_8', '7_9', '7_10', '7_11', '7_12',
        ),
        val=(
            '2_13', '2_14', '3_13', '3_14', '4_13', '4_14', '4_15', '5_13', '5_14',
            '5_15', '6_13', '6_14', '6_15', '7_13',
        ),
    ),
)  # fmt: skip


@as_tool
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(args, partial(plan, tiles=TILES, clip=args.clip))


if __name__ == '__main__':
    sys.exit(main())
