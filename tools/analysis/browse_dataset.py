"""Draw the samples that a training gets: `browse_dataset.py CONFIG --out browsed`.

The tool of the toolbox of this name draws one image of three channels; this one draws
all modalities and the labels of each sample, behind the whole pipeline: augmented as
the network gets them, so that they show whether they belong together.
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
        '--split', choices=['train', 'val', 'test'], default='train', help='dataloader'
    )
    parser.add_argument('--out', type=Path, default=Path('browsed'), help='folder')
    parser.add_argument('--number', type=int, default=20, help='of samples, at most')
    parser.add_argument('--seed', type=int, default=0, help='of the augmentation')
    parser.add_config_options()
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import numpy as np
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmseg.registry import DATASETS

from mmseg_cen.config_files import dataset_of
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config
from mmseg_cen.visualization.samples import draw_sample


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.number < 1:
        raise ValueError(f'`--number` must be positive, got {args.number}: raise it')
    cfg = load_config(args.config, options=args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(dataset_of(cfg, args.split))
    if 'classes' not in dataset.metainfo:
        raise ValueError(
            'the data set must have `classes`, got a translation: look at its pictures '
            'with --show-dir of tools/test.py'
        )
    set_random_seed(args.seed)
    for index in range(min(args.number, len(dataset))):
        packed = dataset[index]
        sample, inputs = packed['data_samples'], np.asarray(packed['inputs'])
        stem = Path(sample.get('img_path', 'sample')).stem
        path = args.out / f'{index:06d}_{stem}.png'
        picture = draw_sample(inputs, sample, dataset.metainfo)
        write_picture(path, picture)
        print(path)


if __name__ == '__main__':
    main()
