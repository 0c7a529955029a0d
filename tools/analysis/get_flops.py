"""Count operations and parameters of a network: `get_flops.py CONFIG --size 480 640`.

Part by part, for one sample, of all modalities and of one. The tool of the toolbox of
this name makes an image of three channels; this one packs all modalities.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--size',
        '--shape',
        type=int,
        nargs=2,
        default=[480, 640],
        metavar=('HEIGHT', 'WIDTH'),
        help='of the images (default: 480 640)',
    )
    parser.add_config_options()
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from benchmarking.networks import network_of, num_modalities, packed_channels
from benchmarking.operations import Part, count_parts
from benchmarking.tables import markdown

from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config


def table(parts: list[Part], num_modalities: int) -> str:
    """The parts as a table of Markdown, the last one being the total."""
    total = parts[-1].operations
    head = ['part', 'operations, G', 'share', 'of one modality, G', 'parameters, M']
    lines = [[*head, 'of one modality alone, M']]
    for part in parts:
        lines.append(
            [
                part.name,
                f'{part.operations / 1e9:.3f}',
                f'{100 * part.operations / total:.1f} %',
                f'{part.operations / num_modalities / 1e9:.3f}',
                f'{part.parameters / 1e6:.3f}',
                f'{part.private / 1e6:.3f}',
            ]
        )
    return markdown(lines)


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if min(args.size) < 1:
        raise ValueError(
            f'`--size` must be positive, got {args.size}: give height and width'
        )
    cfg = load_config(args.config, options=args.cfg_options)
    model = network_of(cfg)
    channels, M = packed_channels(model), num_modalities(model)
    parts = count_parts(model, (1, channels, *args.size))
    print(f'input: {channels} channels of {args.size[0]}x{args.size[1]} pixels')
    print(
        f'operations: {parts[-1].operations / 1e9:.3f} G, '
        f'{parts[-1].macs / 1e9:.3f} G of them in convolutions and matrix products'
    )
    print(f'parameters: {parts[-1].parameters / 1e6:.3f} M')
    print(f'modalities: {M}', table(parts, M), sep='\n\n')


if __name__ == '__main__':
    main()
