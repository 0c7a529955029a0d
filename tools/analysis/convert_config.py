"""Make a multimodal config of any mmseg config.

python tools/analysis/convert_config.py mmseg::pspnet/pspnet_r50-d8_4xb4-80k_ade20k-512x512.py \
    configs/my_pspnet.py --modalities rgb depth

CENBackbone and EnsembleHead wrap the parts of the model; the data set gets a folder for
each modality, and the pipelines load and pack all of them. How the other modalities are
stored is a guess, which the new config marks with CHECK.

python tools/analysis/convert_config.py mmseg::pspnet/pspnet_r50-d8_4xb4-80k_ade20k-512x512.py \
    configs/my_pspnet.py --data data/mine/config.py

The model and its schedule on the data of a config that from_folders.py wrote, or of one
of configs/_base_/datasets.
"""  # noqa: E501

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import argparse
import inspect
import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmseg_cen.launch import exit_on_user_error, require_file

sys.path.insert(0, str(Path(__file__).parents[1]))
from conversion.config import convert_config, share
from conversion.own import modalities_of
from conversion.text import source

DATA_HEADER = """# {source} on the data of {data}: {modalities}.
#
# CHECK before training: the schedule and the batch size, which are those of the two
# configs; and mean and std of the modalities in model.data_preprocessor
# (tools/analysis/dataset_stats.py measures them).
"""
HEADER = """# {source} over {modalities}.
#
# CHECK before training: how the modalities are stored (suffix, dtype, factor to
# physical units), their folders in `data_prefix`, `ann_file`; and in
# model.data_preprocessor, their mean and std.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file, or mmseg::family/name.py')
    parser.add_argument('out', type=Path, help='file of the new config')
    parser.add_argument(
        '--modalities',
        nargs='+',
        metavar='NAME',
        help='needed without --data; with it, all that the data have',
    )
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='a config of several modalities, whose data the model is put on',
    )
    parser.add_argument('--exchange-threshold', type=float, default=2e-2)
    parser.add_argument('--sparsity-weight', type=float, default=5e-3)
    parser.add_argument(
        '--layer-norms',
        action='store_true',
        help='exchange by the scaling factors of LayerNorms, too (beyond the paper)',
    )
    return parser.parse_args()


def load(path: str) -> Config:
    """Read a config file, or one of an installed package: ``mmseg::pspnet/….py``.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    if '::' in path:
        package, name = path.split('::', 1)
        root = Path(inspect.getfile(__import__(package))).parent
        path = str(root / '.mim' / 'configs' / name)
    require_file(path, 'config')
    return Config.fromfile(path)


def main() -> None:
    args = parse_args()
    init_default_scope('mmseg')
    with exit_on_user_error():
        data = None if args.data is None else load(args.data)
        if args.modalities is None and data is None:
            raise ValueError(
                '`--modalities` must be given without --data, got none: name them'
            )
        modalities = args.modalities or list(modalities_of(data))
        cfg = convert_config(
            load(args.config),
            modalities,
            args.exchange_threshold,
            args.sparsity_weight,
            args.layer_norms,
            data,
        )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    header = (HEADER if data is None else DATA_HEADER).format(
        source=args.config, data=args.data, modalities=', '.join(modalities)
    )
    args.out.write_text(header + source(share(cfg)))
    print(f'{args.out} is written: look for CHECK in its first lines')
    if not any(h['type'] == 'GammaSparsityHook' for h in cfg.get('custom_hooks') or []):
        print(
            'No layer exchanges channels, so the streams are only averaged; networks '
            'with LayerNorm exchange with --layer-norms'
        )


if __name__ == '__main__':
    main()
