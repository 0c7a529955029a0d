"""Make a multimodal config of any mmseg config.

python tools/analysis/convert_config.py mmseg::pspnet/pspnet_r50-d8_4xb4-80k_ade20k-512x512.py \
    configs/my_pspnet.py --modalities rgb depth

The model keeps its parts, within CENBackbone and EnsembleHead; the data set gets one
folder for each modality, the pipelines load and pack all of them. What the config
cannot know is marked CHECK in the new one: how the other modalities are stored.
"""  # noqa: E501

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import argparse
import copy
import inspect
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from mmseg_cen.launch import exit_on_user_error, require_file
from mmseg_cen.modality import check_modality_names
from mmseg_cen.models import exchanging_norms

SEGMENTORS = ('EncoderDecoder', 'CascadeEncoderDecoder')
LEFTOVERS = (  # variables of base files, of which everything is a copy
    'checkpoint_file',
    'crop_size',
    'data_preprocessor',
    'data_root',
    'dataset_type',
    'img_ratios',
    'img_scale',
    'norm_cfg',
    'optimizer',
)
RENAMED = {
    'LoadImageFromFile': 'LoadModalities',
    'PackSegInputs': 'PackMultimodalInputs',
}
HEADER = """# {source} over {modalities}.
#
# CHECK before training: how the modalities are stored (suffix, dtype, factor to
# physical units), their folders in `data_prefix`, `ann_file`; and in
# model.data_preprocessor, their mean and std.
"""
WIDTH = 88


# --- model ---------------------------------------------------------------------------


def convert_model(
    model: ConfigDict,
    modalities: Sequence[str],
    exchange_threshold: float = 2e-2,
    layer_norms: bool = False,
) -> ConfigDict:
    """The model over ``modalities``: CENBackbone and EnsembleHead around its parts.

    Raises:
        ValueError: The segmentor is none of :data:`SEGMENTORS`.
    """
    model = copy.deepcopy(model)
    if model.type not in SEGMENTORS:
        raise ValueError(
            f'a model of type {" or ".join(SEGMENTORS)} can be converted, got '
            f'{model.type!r}'
        )
    model.type = 'CENSegmentor'
    model.pop('num_stages', None)
    if pretrained := model.pop('pretrained', None):
        model.backbone.setdefault(
            'init_cfg', dict(type='Pretrained', checkpoint=pretrained)
        )
    model.backbone = dict(
        type='CENBackbone',
        num_modalities=len(modalities),
        exchange_threshold=exchange_threshold,
        backbone=model.backbone,
    )
    if layer_norms:
        model.backbone.layer_norms = True

    def ensemble(head: Any) -> dict[str, Any]:
        return dict(type='EnsembleHead', modalities=list(modalities), head=head)

    model.decode_head = ensemble(model.decode_head)
    if auxiliary := model.get('auxiliary_head'):
        model.auxiliary_head = (
            [ensemble(head) for head in auxiliary]
            if isinstance(auxiliary, list)
            else ensemble(auxiliary)
        )
    return model


def convert_preprocessor(
    preprocessor: ConfigDict, modalities: Sequence[str]
) -> dict[str, Any]:
    """Per modality what was for all: the values of 'rgb' stay, depth is in metres."""
    kept = {
        key: value
        for key, value in preprocessor.items()
        if key not in ('type', 'mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')
    }

    def options(name: str) -> dict[str, Any]:
        if name == 'rgb':
            keys = ('mean', 'std', 'bgr_to_rgb')
            return {key: preprocessor[key] for key in keys if key in preprocessor}
        if name == 'depth':
            return dict(mean=[0.0], std=[1.0])
        return dict(mean=[127.5], std=[127.5])

    return dict(
        type='MultimodalPreprocessor',
        modalities={name: options(name) for name in modalities},
        num_channels=3,
        **kept,
    )


def exchanges(model: ConfigDict) -> bool:
    """Whether some layer exchanges channels. Builds the model, and so checks it."""
    model = copy.deepcopy(model)
    for part in _dicts(model):
        part.pop('pretrained', None)
        if 'checkpoint' in (part.get('init_cfg') or {}):
            part['init_cfg'] = None
    return bool(exchanging_norms(MODELS.build(model)))


def _dicts(cfg: Any) -> list[dict]:
    """All dicts within a config, outermost first."""
    if isinstance(cfg, dict):
        return [cfg, *(part for value in cfg.values() for part in _dicts(value))]
    if isinstance(cfg, (list, tuple)):
        return [part for value in cfg for part in _dicts(value)]
    return []


# --- data ----------------------------------------------------------------------------


def convert_pipelines(cfg: Any, modalities: Sequence[str]) -> Any:
    """``cfg`` with the transforms of :data:`RENAMED` exchanged, wherever they are."""
    if isinstance(cfg, dict):
        kind = cfg.get('type')
        if kind == 'LoadImageFromFile':
            return dict(type=RENAMED[kind])
        parts = {k: convert_pipelines(v, modalities) for k, v in cfg.items()}
        return {**parts, 'type': RENAMED[kind]} if kind in RENAMED else parts
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(
            convert_pipelines(part, modalities)
            for part in cfg
            if 'rgb' in modalities or not _is_photometric(part)
        )
    return cfg


def _is_photometric(transform: Any) -> bool:
    return isinstance(transform, dict) and (
        transform.get('type') == 'PhotoMetricDistortion'
    )


def convert_dataset(dataset: ConfigDict, modalities: Sequence[str]) -> dict[str, Any]:
    """The data set over ``modalities``, within the wrappers that it has."""
    if 'pipeline' not in dataset:  # RepeatDataset, ConcatDataset
        for key in ('dataset', 'datasets'):
            inner = dataset.get(key)
            if isinstance(inner, dict):
                dataset[key] = convert_dataset(inner, modalities)
            elif inner:
                dataset[key] = [convert_dataset(part, modalities) for part in inner]
        return dataset
    kind: Any = DATASETS.get(dataset['type'])
    settings = {**_defaults(kind), **dataset}
    images = (dataset.get('data_prefix') or {}).get('img_path', '')
    suffix = settings['img_suffix']
    prefixes = {name: _folder(images, name) for name in modalities}
    if 'rgb' in prefixes:
        prefixes['rgb'] = images
    if 'seg_map_path' in (dataset.get('data_prefix') or {}):
        prefixes['seg_map_path'] = dataset['data_prefix']['seg_map_path']
    own = ('type', 'data_prefix', 'img_suffix', 'pipeline', 'metainfo')
    return dict(
        type='MultimodalSegDataset',
        metainfo={**kind.METAINFO, **(dataset.get('metainfo') or {})},
        modalities={name: _modality(name, suffix) for name in modalities},
        data_prefix=prefixes,
        seg_map_suffix=settings['seg_map_suffix'],
        reduce_zero_label=settings['reduce_zero_label'],
        **{
            key: value
            for key, value in dataset.items()
            if key not in (*own, 'seg_map_suffix', 'reduce_zero_label')
        },
        pipeline=convert_pipelines(dataset['pipeline'], modalities),
    )


def _defaults(kind: type) -> dict[str, Any]:
    """Default arguments of a data set, with those of its bases."""
    defaults: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if '__init__' in vars(base) and base is not object:
            parameters = inspect.signature(base.__init__).parameters.values()
            defaults |= {p.name: p.default for p in parameters}
    return defaults


def _folder(images: str, name: str) -> str:
    """Folder of a modality beside that of the images: images/train -> depth/train."""
    return '/'.join([name, *images.split('/')[1:]])


def _modality(name: str, image_suffix: str) -> dict[str, Any]:
    if name == 'rgb':
        return dict(suffix=image_suffix)
    suffix = str(Path('x' + image_suffix).with_suffix('.png'))[1:]
    suffix = suffix.replace('leftImg8bit', name)
    if name == 'depth':  # 16 bit, millimetres
        return dict(suffix=suffix, dtype='uint16', scale=1e-3, fill='nearest')
    return dict(suffix=suffix)


# --- config --------------------------------------------------------------------------


def convert_config(
    cfg: Config,
    modalities: Sequence[str],
    exchange_threshold: float = 2e-2,
    sparsity_weight: float = 5e-3,
    layer_norms: bool = False,
) -> dict[str, Any]:
    """The whole config over ``modalities``.

    Raises:
        ValueError: The model cannot be converted, or names are not those of modalities.
    """
    check_modality_names(list(modalities))
    preprocessor = convert_preprocessor(cfg.model.data_preprocessor, modalities)
    model = convert_model(cfg.model, modalities, exchange_threshold, layer_norms)
    model.data_preprocessor = preprocessor
    exchanging = exchanges(model)

    new = cfg.to_dict()
    imports = new.pop('custom_imports', None) or dict(imports=[])
    names = imports['imports']
    names = [names] if isinstance(names, str) else list(names)
    new['custom_imports'] = dict(
        imports=['mmseg_cen', *names], allow_failed_imports=False
    )
    new['model'] = model.to_dict()
    for key in list(new):  # base files define pieces that the parts have copied
        if key.endswith('_pipeline'):
            new[key] = convert_pipelines(new[key], modalities)
        if key.endswith('_dataloader') and new[key]:
            new[key]['dataset'] = convert_dataset(new[key]['dataset'], modalities)
            new[key]['worker_init_fn'] = dict(type='seed_worker')
        if key.endswith('_evaluator') and new[key]:
            for evaluator in _dicts(new[key]):
                if evaluator.get('type') == 'IoUMetric':
                    evaluator['type'] = 'StreamIoUMetric'
    for key in LEFTOVERS:
        new.pop(key, None)
    if (new.get('tta_model') or {}).get('type') == 'SegTTAModel':
        new['tta_model']['type'] = 'CENTTAModel'
    hooks = new.setdefault('default_hooks', {})
    hooks['random_state'] = dict(type='ResumableRandomnessHook')
    if (hooks.get('visualization') or {}).get('type') == 'SegVisualizationHook':
        hooks['visualization'] = dict(type='MultimodalVisualizationHook')
    if exchanging:
        new['custom_hooks'] = [
            *(new.get('custom_hooks') or []),
            dict(type='GammaSparsityHook', sparsity_weight=sparsity_weight),
            dict(type='ExchangeStatsHook'),
        ]
    return new


# --- text ----------------------------------------------------------------------------


class Name(str):
    """A value of the config that stands under a name of its own."""


def share(cfg: dict[str, Any]) -> dict[str, Any]:
    """Give what all data sets have alike a name, and the pipelines theirs."""
    named = {k: v for k, v in cfg.items() if k.endswith('_pipeline') and v}
    for key in ('modalities', 'metainfo'):
        values = [d[key] for d in _datasets(cfg)]
        if values and all(value == values[0] for value in values):
            named[key] = values[0]
    for dataset in _datasets(cfg):
        for key in ('modalities', 'metainfo', 'pipeline'):
            for name, value in named.items():
                if dataset[key] == value:
                    dataset[key] = Name(name)
    cfg = {**named, **cfg}
    for key in ('dataloader', 'evaluator'):
        if cfg.get(f'test_{key}') and cfg[f'test_{key}'] == cfg.get(f'val_{key}'):
            cfg[f'test_{key}'] = Name(f'val_{key}')
    return cfg


def _datasets(cfg: dict[str, Any]) -> list[dict]:
    return [d for d in _dicts(cfg) if d.get('type') == 'MultimodalSegDataset']


def text_of(value: Any, indent: int = 0, taken: int = 0) -> str:
    """Python source of ``value``, in the order of its keys.

    mmengine's own dump sorts them, and with them the streams.

    Args:
        value: A config, or a part of it.
        indent: Columns before the lines of the text, but the first.
        taken: Columns before the first line, and after the last.
    """
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict) and all(str(key).isidentifier() for key in value):
        start, end = 'dict(', ')'
        parts = [f'{k}={text_of(v, indent + 4, len(k) + 2)}' for k, v in value.items()]
    elif isinstance(value, dict):
        start, end = '{', '}'
        parts = [
            f'{k!r}: {text_of(v, indent + 4, len(repr(k)) + 3)}'
            for k, v in value.items()
        ]
    elif isinstance(value, (list, tuple)):
        start, end = '()' if isinstance(value, tuple) else '[]'
        parts = [text_of(part, indent + 4, 1) for part in value]
    else:
        return repr(value)
    line = ', '.join(parts)
    if isinstance(value, tuple) and len(value) == 1:
        line += ','
    if '\n' not in line and indent + taken + len(line) + len(start) + 1 <= WIDTH:
        return f'{start}{line}{end}'
    margin = ' ' * (indent + 4)
    if isinstance(value, (list, tuple)) and all(len(part) < 30 for part in parts):
        words = ' '.join(f'{part},'.replace(' ', '\0') for part in parts)
        lines = textwrap.wrap(words, WIDTH - len(margin), break_on_hyphens=False)
        body = '\n'.join(margin + line.replace('\0', ' ') for line in lines)
    else:
        body = '\n'.join(f'{margin}{part},' for part in parts)
    return f'{start}\n{body}\n{" " * indent}{end}'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config file, or mmseg::family/name.py')
    parser.add_argument('out', type=Path, help='where the new config goes')
    parser.add_argument('--modalities', nargs='+', required=True, metavar='NAME')
    parser.add_argument('--exchange-threshold', type=float, default=2e-2)
    parser.add_argument('--sparsity-weight', type=float, default=5e-3)
    parser.add_argument(
        '--layer-norms',
        action='store_true',
        help='exchange by the scaling factors of LayerNorms, too (beyond the paper)',
    )
    return parser.parse_args()


def load(path: str) -> Config:
    """Read a config file, or one of an installed package: `mmseg::pspnet/....py`.

    Raises:
        FileNotFoundError: If there is none.
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
        cfg = convert_config(
            load(args.config),
            args.modalities,
            args.exchange_threshold,
            args.sparsity_weight,
            args.layer_norms,
        )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    header = HEADER.format(source=args.config, modalities=', '.join(args.modalities))
    lines = [
        f'{key} = {text_of(v, 0, len(key) + 3)}\n' for key, v in share(cfg).items()
    ]
    args.out.write_text(header + ''.join(lines))
    print(f'{args.out} is written: look for CHECK in its first lines')
    if not any(h['type'] == 'GammaSparsityHook' for h in cfg.get('custom_hooks') or []):
        print(
            'No layer exchanges channels: the streams are averaged only. A network '
            'with LayerNorm exchanges with --layer-norms.'
        )


if __name__ == '__main__':
    main()
