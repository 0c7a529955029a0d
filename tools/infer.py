"""Predict one sample from its files.

python tools/infer.py CONFIG CHECKPOINT --rgb room.png --depth room_depth.png --out room_labels.png

There is an option for each modality of the network. The files are read as the config
says of those of its test: the same types, channels and units. Depth that cannot be
meters in that unit is warned of. A modality without a file is absent.
"""  # noqa: E501

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The arguments, and the options of the modalities, which the config names."""
    files = ' '.join(['--rgb', 'FILE', '--depth', 'FILE'])
    parser = ToolParser(
        usage=f'%(prog)s CONFIG CHECKPOINT {files} ... --out PNG [--picture PNG]',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out',
        required=True,
        metavar='PNG',
        help='the predicted classes, as an image of their indices',
    )
    parser.add_argument(
        '--picture', metavar='PNG', help='modalities and predictions, for people'
    )
    parser.add_modes()
    parser.add_argument(
        '--freeze',
        action='store_true',
        help='do not compute channels that the exchange replaces',
    )
    return parser.parse_known_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import numpy as np
import torch
from _unlabeled import without_labels
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner.amp import autocast
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.datasets import MultimodalSegDataset
from mmseg_cen.disk import write_picture
from mmseg_cen.door import as_tool
from mmseg_cen.freezing import freeze_exchange
from mmseg_cen.launch import check_checkpoint, load_config, require_file
from mmseg_cen.models.modalities import names_of
from mmseg_cen.modes import check_precision, set_modes, set_network_modes
from mmseg_cen.visualization.class_maps import write_classes
from mmseg_cen.visualization.samples import draw_sample


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


def parse_files(rest: list[str], names: tuple[str, ...]) -> dict[str, str]:
    """The file of each modality.

    Raises:
        ValueError: If an option is unknown, there is no file, or it does not exist.
    """
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    for name in names:
        parser.add_argument(f'--{name}')
    try:
        files, unknown = parser.parse_known_args(rest)
    except argparse.ArgumentError as error:
        raise ValueError(f'options must be pairs, got {error}: correct them') from error
    given = {name: path for name, path in vars(files).items() if path is not None}
    options = ', '.join(f'--{name} FILE' for name in names)
    if unknown:
        raise ValueError(
            f'files must be given as {options}, the modalities of the network, got '
            f'{" ".join(unknown)}: correct it'
        )
    if not given:
        raise ValueError(f'files must be given as {options}, got none: add them')
    for name, path in given.items():
        require_file(path, f'file of {name}')
    return given


def dataset_of(cfg: Config) -> Mapping[str, Any]:
    """The data set of the test, within wrappers.

    Raises:
        ValueError: If it is of another type, whose files are not described.
    """
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset or 'datasets' in dataset:
        dataset = dataset.get('dataset') or dataset['datasets'][0]
    found = DATASETS.get(dataset['type'])
    if found is None or not issubclass(found, MultimodalSegDataset):
        raise ValueError(
            '`test_dataloader.dataset` must be a MultimodalSegDataset, which describes '
            f'files, got {dataset["type"]}: use a config of such a data set'
        )
    return dict(dataset)


def load_sample(
    dataset: Mapping[str, Any], names: tuple[str, ...], files: Mapping[str, str]
) -> dict[str, Any]:
    """Load the files of a sample by the pipeline of a data set, without labels."""
    build = DATASETS.get(dataset['type']).build_modalities
    known = build(dataset.get('modalities'))
    pipeline = Compose(dataset['pipeline'])
    pipeline.transforms = without_labels(pipeline.transforms)
    first = next(iter(files.values()))
    sample = dict(
        img_path=files.get('rgb', first),
        modality_paths={name: files.get(name, '') for name in names},
        modalities={name: known[name] for name in names},
        absent=tuple(name for name in names if name not in files),
        seg_fields=[],
        sample_idx=0,
    )
    try:
        for transform in pipeline.transforms:
            if hasattr(transform, 'inspect'):
                transform.inspect([sample], pipeline.transforms)
        return pipeline(sample)
    except ValueError as error:
        folder = dataset.get('data_root') or 'the folders of the config'
        raise ValueError(
            f'{error}; files must be stored as those in {folder} are'
        ) from error


def classes_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The classes of a data set, and their colors if there are any."""
    found = DATASETS.get(dataset['type'])
    return {**found.METAINFO, **(dataset.get('metainfo') or {})}


@as_tool
def main(argv: list[str] | None = None) -> int:
    args, rest = parse_args(argv)
    require_png(args)
    cfg = load_config(args.config)
    require_file(args.checkpoint, 'checkpoint')
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = dataset_of(cfg)
    names = names_of(cfg.model)
    files = parse_files(rest, names)
    set_modes(cfg, args)
    precision = check_precision(args.amp, '--amp') if args.amp else None
    data = load_sample(dataset, names, files)
    model = MODELS.build(cfg.model)
    check_checkpoint(model, args.checkpoint, strict=True)
    model.to(get_device()).eval()
    if args.freeze:
        model = freeze_exchange(model)
    modes = {mode: cfg[mode] for mode in ('channels_last', 'compile') if mode in cfg}
    set_network_modes(model, **modes)
    with torch.no_grad(), autocast(enabled=bool(args.amp), dtype=precision):
        (sample,) = model.test_step(pseudo_collate([data]))
    labels = sample.pred_sem_seg.data.squeeze(0).cpu().numpy()
    meta = classes_of(dataset)
    write_classes(Path(args.out), sample.to_dict(), len(meta['classes']))
    if args.picture:
        picture = draw_sample(data['inputs'].numpy(), sample, meta)
        write_picture(Path(args.picture), picture)
    for name in names:
        if name not in files:
            print(f'Predicted without {name}.')
    print(f'{args.out}: classes {np.unique(labels).tolist()}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
