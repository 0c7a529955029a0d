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

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__.split('\n')[0])
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
    parser.add_argument(
        '--exchange-threshold',
        type=float,
        default=2e-2,
        help='theta: channels of smaller scaling factors are exchanged (default: 0.02)',
    )
    parser.add_argument(
        '--sparsity-weight',
        type=float,
        default=5e-3,
        help='lambda: weight of the penalty on scaling factors (default: 0.005)',
    )
    parser.add_argument(
        '--layer-norms',
        action='store_true',
        help='exchange by the scaling factors of LayerNorms, too (TokenFusion, Eq. 10)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a file of this name'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from conversion.config import convert_config, share
from conversion.own import modalities_of
from conversion.text import source
from mmengine.registry import init_default_scope

from mmseg_cen.config_files import read_config
from mmseg_cen.disk import write_new
from mmseg_cen.door import as_tool

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


@as_tool
def main() -> None:
    args = parse_args()
    init_default_scope('mmseg')
    data = None if args.data is None else read_config(args.data)
    if args.modalities is None and data is None:
        raise ValueError(
            '`--modalities` must be given without --data, got none: name them'
        )
    cfg = read_config(args.config)
    if 'modalities' in cfg.get('model', {}) or 'EnsembleHead' in str(cfg.get('model')):
        raise ValueError(
            f'`config` must be of a model of one image, got {args.config!r}, which is '
            'multimodal: train it as it is'
        )
    modalities = args.modalities or list(modalities_of(data))
    cfg = convert_config(
        cfg,
        modalities,
        args.exchange_threshold,
        args.sparsity_weight,
        args.layer_norms,
        data,
    )
    if data is not None and data.get('work_dir'):
        cfg['work_dir'] = f'{data.work_dir}_{args.out.stem}'  # of one data set
    header = (HEADER if data is None else DATA_HEADER).format(
        source=args.config, data=args.data, modalities=', '.join(modalities)
    )
    write_new(args.out, (header + source(share(cfg))).encode(), args.overwrite)
    print(f'{args.out} is written: look for CHECK in its first lines')
    if not any(h['type'] == 'GammaSparsityHook' for h in cfg.get('custom_hooks') or []):
        print(
            'No layer exchanges channels, so the streams are only averaged; networks '
            'with LayerNorm exchange with --layer-norms'
        )


if __name__ == '__main__':
    main()
