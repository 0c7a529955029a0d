"""Draw what several trained networks make of the same images, side by side.

python tools/analysis/compare_translations.py WORK_DIR WORK_DIR ... --samples 0 57 120 --out panels.png

Each row of the picture is a sample of the test data: the sources of all networks, the
target, and the image (the ensemble) of each network with its MAE and PSNR. The networks
are the last checkpoints of work directories, such as those of paper_tables.py, and are
called by the names of their configs there. They must translate to one target; their
sources may differ.
"""  # noqa: E501

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser, picture_path


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'work_dirs',
        nargs='+',
        type=Path,
        metavar='WORK_DIR',
        help='folder of a training, with its config and checkpoint',
    )
    parser.add_argument(
        '--samples', nargs='+', required=True, help='number, or name of the image'
    )
    parser.add_argument('--titles', nargs='+', help='names of the networks')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('translations.png'),
        help='picture to write (default: translations.png)',
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import torch
from analysis.feature_maps import find_sample, pictures_of
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.checkpoints.latest import latest_checkpoint
from mmseg_cen.config_files import configs_in
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.launch import check_checkpoint, load_config
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.translation import CENPix2Pix, CyclicPix2Pix
from mmseg_cen.translation.outputs import named_outputs, target_and_validity
from mmseg_cen.translation.visualization import color_domain, errors_of, target_panel
from mmseg_cen.visualization import Panel, draw_grid
from mmseg_cen.visualization.samples import title


class Network:
    """A trained network and its test data.

    Args:
        work_dir: Work directory of its training.
        name: What it is called; by default as its config.

    Raises:
        ValueError: If the folder has no config, no checkpoint, or those of something
            else than a translation to one target.
    """

    def __init__(self, work_dir: Path, name: str | None = None) -> None:
        configs, checkpoint = configs_in(work_dir), None
        if configs:
            checkpoint = latest_checkpoint(str(work_dir))
        if checkpoint is None:
            raise ValueError(
                f'`WORK_DIR` must hold the config and a checkpoint of a training, got '
                f'{str(work_dir)!r}: name the folder that tools/train.py has written'
            )
        self.name = name or configs[-1].stem
        cfg = load_config(str(configs[-1]))
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        self.model = MODELS.build(cfg.model).eval()
        translates = isinstance(self.model, CENPix2Pix)
        if not translates or isinstance(self.model, CyclicPix2Pix):
            raise ValueError(
                f'`WORK_DIR` must be of an image translation to one target, got '
                f'{str(work_dir)!r} of a {type(self.model).__name__}: draw it by '
                f'tools/test.py --show-dir'
            )
        check_checkpoint(self.model, checkpoint, strict=True)
        self.dataset = DATASETS.build(cfg.test_dataloader.dataset)

    def predict(self, sample: Any) -> dict[str, Any]:
        """The fields of a sample of the data, with the predicted image."""
        return self.model.test_step(pseudo_collate([sample]))[0].to_dict()


def row_of(networks: list[Network], wanted: str) -> list[Panel | None]:
    """Sources, target, and the image of each network of one sample.

    Raises:
        ValueError: If there is no such sample, or networks have other targets there.
    """
    sources: dict[str, Panel] = {}
    predicted: list[Panel] = []
    for network in networks:
        sample = network.dataset[find_sample(network.dataset, wanted)]
        for name, picture in pictures_of(sample).items():
            sources.setdefault(name, Panel(picture, title(name)))
        fields = network.predict(sample)
        truth = target_and_validity(fields)
        if network is networks[0]:
            first, domain = truth, fields['target']
            target, limits = target_panel(*truth, domain)
        elif fields['target'] != domain or not torch.equal(truth[0], first[0]):
            raise ValueError(
                f'the networks must translate to the same images, got others of '
                f'{networks[0].name} and {network.name} for sample {wanted}: draw '
                f'networks of one target and of the same test data'
            )
        image = named_outputs(fields)[ENSEMBLE].cpu()
        picture = color_domain(image, domain, limits)
        predicted.append(Panel(picture, network.name, errors_of(image, *truth)))
    return [*sources.values(), target, *predicted]


@as_tool
@torch.no_grad()
def main() -> None:
    args = parse_args()
    titles = args.titles or [None] * len(args.work_dirs)
    if len(titles) != len(args.work_dirs):
        raise ValueError(
            f'`--titles` must be {len(args.work_dirs)} names, one for each WORK_DIR, '
            f'got {len(titles)}: add or remove some'
        )
    out = picture_path(args.out)
    networks = [*map(Network, args.work_dirs, titles)]
    picture = draw_grid([row_of(networks, wanted) for wanted in args.samples])
    write_picture(out, picture)
    print(out)


if __name__ == '__main__':
    main()
