"""Draw feature maps, averaged over the channels that each modality keeps (Fig. 3).

python tools/analysis/feature_maps.py CONFIG CHECKPOINT 0 1 2 --out maps
python tools/analysis/feature_maps.py CONFIG CHECKPOINT room_2_000003 --layer backbone.layer2.1.bn2

Samples of the test data are given by number or by the name of their image. The picture
of a sample has a row for each stream: of a modality, of a source of a translation, or of
a task: the input, and the means of the channels before the exchange, of the whole image,
also where the config predicts in windows. Without `--layer`, the first layer that
exchanges a channel is drawn.
"""  # noqa: E501

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('samples', nargs='+', help='number, or name of the image')
    parser.add_argument('--layer', help='name of an exchanging layer')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('feature_maps'),
        help='folder of the pictures (default: feature_maps)',
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import cv2
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from torch import nn

from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.hooks.exchange_stats import names_of_streams
from mmseg_cen.launch import check_checkpoint, load_config
from mmseg_cen.models import exchanging_norms
from mmseg_cen.models.pretrained import without_starts
from mmseg_cen.translation.visualization import color_domain, color_limits
from mmseg_cen.visualization import Panel, SampleNames, color_modality, draw_grid
from mmseg_cen.visualization.feature_maps import averaged_maps, kept_groups
from mmseg_cen.visualization.panels import Picture


def choose_layer(model: nn.Module, name: str | None) -> tuple[str, Any]:
    norms = exchanging_norms(model)
    if not norms:
        raise ValueError(
            'CONFIG must be of a network that exchanges channels by scaling factors, '
            'got none: set an exchange_threshold of its backbone or generator'
        )
    if name is None:
        exchanging = (
            key for key, norm in norms.items() if norm.exchange.chosen(norm.gamma).any()
        )
        name = next(exchanging, next(iter(norms)))
    if name not in norms:
        raise ValueError(
            f'`--layer` must be among {list(norms)}, got {name!r}: name one of these'
        )
    return name, norms[name]


def find_sample(dataset: Any, wanted: str) -> int:
    """Index of a sample, by number or by the name of its image.

    What could be both is a number, unless zeros stand before it: `0001` is a name.

    Raises:
        ValueError: If there is no such sample, or several of this name.
    """
    is_number = wanted.isdecimal() and (wanted == '0' or not wanted.startswith('0'))
    if is_number and int(wanted) < len(dataset):
        return int(wanted)
    names = SampleNames(dataset)
    of_samples = [names(dataset.get_data_info(i), '') for i in range(len(dataset))]
    for same in (str.__eq__, lambda name, end: Path(name).name == end):
        found = [i for i, name in enumerate(of_samples) if same(name, wanted)]
        if len(found) > 1:
            raise ValueError(
                f'`samples` must be names of one image each, got {wanted!r}, which is '
                f'{[of_samples[i] for i in found[:5]]}: name it with its folder'
            )
        if found:
            return found[0]
    if wanted.isdecimal() and int(wanted) < len(dataset):
        return int(wanted)
    raise ValueError(
        f'`samples` must be numbers below {len(dataset)} or names of images, got '
        f'{wanted!r}: name a sample of the test data'
    )


def pictures_of(sample: Any) -> dict[str, Picture]:
    """The inputs of a packed sample, by modality or source."""
    info = sample['data_samples']
    translates = 'sources' in info.metainfo_keys()
    channels = info.sources if translates else info.modalities
    pictures = {}
    parts = sample['inputs'].float().split([*channels.values()])
    for name, part in zip(channels, parts, strict=True):
        if translates:
            pictures[name] = color_domain(part, name, color_limits(part, name))
        else:
            pictures[name], _ = color_modality(part.numpy())
    return pictures


@as_tool
@torch.no_grad()
def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(without_starts(cfg.model)).eval()
    if hasattr(model, 'test_cfg'):
        model.test_cfg = ConfigDict(model.test_cfg or {}, mode='whole')
    check_checkpoint(model, args.checkpoint, strict=True)
    layer, norm = choose_layer(model, args.layer)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    seen: list[Any] = []
    norm.exchange.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    streams = names_of_streams(model)
    fate = '~ 0' if norm.exchange_threshold else 'exchanged'
    groups = kept_groups(norm.exchange.chosen(norm.gamma), streams, fate)
    for wanted in args.samples:
        index = find_sample(dataset, wanted)
        sample = dataset[index]
        seen.clear()
        model.test_step(pseudo_collate([sample]))
        maps = averaged_maps(seen[0].float(), groups)
        rows: list[list[Panel | None]] = []
        inputs = [*pictures_of(sample).values()]  # the same for each of several tasks
        for m, name in enumerate(streams):
            picture = inputs[m % len(inputs)]
            row: list[Panel | None] = [Panel(picture, name)]
            for group, values in maps.items():
                number = int(groups[group].sum())
                count = f'{number} channel{"s" * (number != 1)}'
                if values is None:
                    row.append(Panel(np.full_like(picture, 255), group, count))
                    continue
                image = values[0, m].cpu().numpy()
                image = (image - image.min()) / max(np.ptp(image), 1e-12) * 255
                image = cv2.resize(
                    image.astype(np.uint8), picture.shape[1::-1],
                    interpolation=cv2.INTER_NEAREST_EXACT,
                )  # fmt: skip
                colored = cv2.applyColorMap(image, cv2.COLORMAP_VIRIDIS)[..., ::-1]
                row.append(Panel(colored, group, count))
            rows.append(row)
        path = args.out / f'{index:06d}_{layer}.png'
        write_picture(path, draw_grid(rows))
        print(path)


if __name__ == '__main__':
    main()
