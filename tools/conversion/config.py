"""A whole mmseg config over several modalities."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmseg_cen.modality import check_modality_names

from .data import convert_dataset, convert_pipelines
from .model import convert_model, convert_preprocessor, dicts_in, exchanges
from .own import use_data
from .text import Name

LEFTOVERS = (  # variables of base files, which every part has copied
    'checkpoint_file',
    'crop_size',
    'data_preprocessor',
    'data_root',
    'dataset_aug',
    'dataset_train',
    'dataset_type',
    'img_ratios',
    'img_scale',
    'norm_cfg',
    'optimizer',
)


def convert_config(
    cfg: Config,
    modalities: Sequence[str],
    exchange_threshold: float = 2e-2,
    sparsity_weight: float = 5e-3,
    layer_norms: bool = False,
    data: Config | None = None,
) -> dict[str, Any]:
    """The whole config over ``modalities``.

    Args:
        cfg: The config of mmseg.
        modalities: Names of the modalities, in their order.
        exchange_threshold: Scaling factors below it are exchanged.
        sparsity_weight: Lambda, if any layer exchanges.
        layer_norms: Whether to exchange by the scaling factors of LayerNorms, too.
        data: A config whose data replace those of ``cfg``.

    Raises:
        ValueError: If the model cannot be converted, or a name cannot be a modality's.
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
    for key in list(new):  # variables of base files, too
        if key.endswith('_pipeline'):
            new[key] = convert_pipelines(new[key], modalities)
        if key.endswith('_dataloader') and new[key]:
            new[key]['dataset'] = convert_dataset(new[key]['dataset'], modalities)
            new[key]['worker_init_fn'] = dict(type='seed_worker')
        if key.endswith('_evaluator') and new[key]:
            for evaluator in dicts_in(new[key]):
                if evaluator.get('type') == 'IoUMetric':
                    evaluator['type'] = 'StreamIoUMetric'
    for key in LEFTOVERS:
        new.pop(key, None)
    if (new.get('tta_model') or {}).get('type') == 'SegTTAModel':
        new['tta_model']['type'] = 'CENTTAModel'
    hooks = new.setdefault('default_hooks', {})
    hooks['random_state'] = dict(type='ResumableRandomnessHook')
    hooks['finite'] = dict(type='FiniteLossHook')
    if (hooks.get('visualization') or {}).get('type') == 'SegVisualizationHook':
        hooks['visualization'] = dict(type='MultimodalVisualizationHook')
    if exchanging:
        new['custom_hooks'] = [
            *(new.get('custom_hooks') or []),
            dict(type='GammaSparsityHook', sparsity_weight=sparsity_weight),
            dict(type='ExchangeStatsHook'),
        ]
    return new if data is None else use_data(new, data, modalities)


def share(cfg: dict[str, Any]) -> dict[str, Any]:
    """Write by name the pipelines, and values that all data sets have in common."""
    named = {k: v for k, v in cfg.items() if k.endswith('_pipeline') and v}
    for key in ('modalities', 'metainfo'):
        values = [d.get(key) for d in _datasets(cfg)]
        if values and values[0] and all(value == values[0] for value in values):
            named[key] = values[0]
    for dataset in _datasets(cfg):
        for key in ('modalities', 'metainfo', 'pipeline'):
            for name, value in named.items():
                if key in dataset and dataset[key] == value:
                    dataset[key] = Name(name)
    cfg = {**named, **cfg}
    for key in ('dataloader', 'evaluator'):
        if cfg.get(f'test_{key}') and cfg[f'test_{key}'] == cfg.get(f'val_{key}'):
            cfg[f'test_{key}'] = Name(f'val_{key}')
    return cfg


def _datasets(cfg: dict[str, Any]) -> list[dict]:
    return [part for part in dicts_in(cfg) if 'type' in part and 'pipeline' in part]
