"""Draw which tokens of each modality are replaced by those of the others (TokenFusion).

python tools/analysis/token_maps.py CONFIG CHECKPOINT 0 1 2 --out token_maps

Samples of the test data are given by number or by the name of their image. The picture
of a sample has a row for each modality: the input, and for each stage of the backbone
the share of its blocks that replace the token, from dark (none) to light (all). It is
of the whole image, also where the config predicts in windows.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config of a model that exchanges tokens')
    parser.add_argument('checkpoint', help='checkpoint of it')
    parser.add_argument('samples', nargs='+', help='number, or name of the image')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('token_maps'),
        help='folder of the pictures (default: token_maps)',
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import cv2
import numpy as np
import torch
from analysis.feature_maps import find_sample, pictures_of
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from torch import Tensor, nn

from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.launch import check_checkpoint, load_config
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.streams.attention_places import block_of
from mmseg_cen.streams.token_loss import token_exchanges
from mmseg_cen.visualization import Panel, draw_grid
from mmseg_cen.visualization.panels import Picture


class ReplacedTokens:
    """Records which tokens the blocks of each stage replace.

    Attributes:
        stages: Masks (M, N) of the blocks of the stages, by the name of the first block
            of a stage, of the last pass, whose batch is one sample.
    """

    def __init__(self, model: nn.Module) -> None:
        self.stages: dict[str, list[Tensor]] = {}
        exchanges = token_exchanges(model)
        if not exchanges:
            raise ValueError(
                'CONFIG must be of a model that exchanges tokens, got one that does '
                "not: set exchange=dict(type='TokenExchange') of its CENBackbone"
            )
        known = set()
        for name, exchange in exchanges.items():
            if exchange.scores in known:
                continue
            known.add(exchange.scores)
            masks = self.stages[block_of(name).removeprefix('backbone.')] = []
            exchange.scores.register_forward_hook(
                lambda _, args, scores, masks=masks, theta=exchange.threshold: (
                    masks.append(scores[0] < theta)
                )
            )

    def clear(self) -> None:
        for masks in self.stages.values():
            masks.clear()


def as_map(values: Tensor, height: int, width: int) -> Tensor:
    """Values of tokens (N,) -> (h, w), the h x w = N nearest to the ratio of an image.

    Args:
        values: Values of tokens, row by row.
        height: Height of the image.
        width: Width of the image.
    """
    N = len(values)
    fitting = [h for h in range(1, N + 1) if N % h == 0]
    h = min(fitting, key=lambda h: abs(np.log(h * h / N * width / height)))
    return values.view(h, N // h)


def colored(share: Tensor, picture: Picture) -> Picture:
    """Shares in [0, 1], (h, w), at the size of a picture."""
    image = (share.cpu().numpy() * 255).round().astype(np.uint8)
    size = picture.shape[1::-1]
    image = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return cv2.applyColorMap(image, cv2.COLORMAP_VIRIDIS)[..., ::-1]


@as_tool
@torch.no_grad()
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(without_starts(cfg.model)).eval()
    model.test_cfg = ConfigDict(model.test_cfg or {}, mode='whole')
    replaced = ReplacedTokens(model)
    check_checkpoint(model, args.checkpoint, strict=True)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for wanted in args.samples:
        index = find_sample(dataset, wanted)
        sample = dataset[index]
        replaced.clear()
        model.test_step(pseudo_collate([sample]))
        rows = []
        for m, (name, picture) in enumerate(pictures_of(sample).items()):
            row = [Panel(picture, name)]
            for stage, masks in replaced.stages.items():
                share = torch.stack([mask[m] for mask in masks]).float().mean(dim=0)
                drawn = colored(as_map(share, *picture.shape[:2]), picture)
                row.append(Panel(drawn, stage, f'{float(share.mean()):.0%} replaced'))
            rows.append(row)
        path = args.out / f'{index:06d}_tokens.png'
        write_picture(path, draw_grid(rows))
        print(path)


if __name__ == '__main__':
    main()
