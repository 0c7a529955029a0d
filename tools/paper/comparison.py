"""Which row a config belongs to, and in which settings two configs differ."""

from typing import Any

from mmengine.config import Config

from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.models.modalities import names_of

from .depth import at_depth

#: Settings by which rows are told apart, and the defaults of the network.
BACKBONE = dict(
    num_modalities=2, convs='shared', norms='private', exchange=None, pattern=None,
    exchange_threshold=2e-2, exchange_scope='own', fusion=None, lora=None,
)  # fmt: skip
HEAD = dict(convs='shared', norms='private', ensemble='alpha')
GENERATOR = dict(
    convs='shared', norms='private', decoder_norms='shared', exchange=None, fusion=None,
    exchange_threshold=1e-2, exchange_scope='own',
)  # fmt: skip
#: Transforms that no row has: controls, and trainings for missing or noisy modalities.
REPLACING = ('ReplaceModality', 'CorruptModalities', 'RandomModalityDropout')

OPTIMIZATION = ('optim_wrapper', 'param_scheduler')
#: Parts of a config that decide the figures of a training, besides the seed.
TRAINING = (
    'model', 'train_dataloader', 'val_dataloader', 'val_evaluator', 'train_cfg',
    *OPTIMIZATION, 'custom_hooks',
)  # fmt: skip
#: Hooks that decide no figure of a training; networks of some data lack one.
OBSERVERS = ('ExchangeStatsHook', 'GammaRecorderHook', 'FiniteLossHook')


def settings(cfg: Config, num_downs: int | None = None) -> dict[str, Any]:
    """The settings of any config by which rows are told apart.

    Args:
        cfg: The config.
        num_downs: The fusion is told as if the U-Net had this number of layers.
    """
    penalties = [h for h in cfg.get('custom_hooks', []) if 'Sparsity' in h['type']]
    found: dict[str, Any] = {
        'penalty': penalties[0].get('scope', 'own') if penalties else None,
        'subset_distillation': plain(cfg.model.get('subset_distillation')),
        'replaced': [
            transform.type
            for dataset in innermost(cfg.train_dataloader.dataset)
            for transform in dataset.get('pipeline') or ()
            if transform.type in REPLACING
        ],
    }
    if 'generator' in cfg.model:
        found['sources'] = tuple(cfg.model.sources)
        datasets = innermost(cfg.train_dataloader.dataset)
        found['target'] = next(datasets).get('target')
        parts = {'generator': (cfg.model.generator, GENERATOR)}
    else:
        found['modalities'] = names_of(cfg.model)
        parts = {
            'backbone': (cfg.model.backbone, BACKBONE),
            'decode_head': (cfg.model.decode_head, HEAD),
        }
    for name, (part, defaults) in parts.items():
        values = Config(dict(part)).to_dict()
        for key, default in defaults.items():
            value = values.get(key, default)
            if key == 'exchange_threshold':  # the data decide the number
                value = None if value is None else value > 0
            if key == 'fusion' and value and num_downs:
                value = at_depth(value, num_downs)
            found[f'{name}.{key}'] = plain(value)
    return found


def plain(value: Any) -> Any:
    """Lists for tuples, so that configs that were written and read compare equal."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def flat(cfg: Any, prefix: str = '') -> dict[str, Any]:
    """All values of a config by their dotted keys."""
    found: dict[str, Any] = {}
    for key, value in cfg.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f'{prefix}{key}.')
        else:
            found[f'{prefix}{key}'] = plain(value)
    return found


def differences(first: Config, second: Config) -> list[str]:
    """Keys of what decides figures, :data:`TRAINING` and the start, in two configs."""
    parts = decisive(first), decisive(second)
    keys = [key for key in TRAINING if parts[0][key] != parts[1][key]]
    keys += ['randomness'] * (first.get('randomness') != second.get('randomness'))
    if not first.get('resume') and not second.get('resume'):  # else its checkpoint
        keys += ['load_from'] * (first.get('load_from') != second.get('load_from'))
    return keys


def differences_of_systems(first: Config, second: Config) -> list[str]:
    """Keys of what makes two trainings of one row two systems, beside their data.

    How they load samples and validate does not.
    """
    parts = decisive(first), decisive(second)
    for part in parts:
        part['train_dataloader.batch_size'] = part['train_dataloader'].get('batch_size')
        for hook in part['custom_hooks']:
            if 'Sparsity' in hook['type']:
                hook.setdefault('scope', 'own')
    keys = ('model', 'train_dataloader.batch_size', *OPTIMIZATION, 'custom_hooks')
    return [key for key in keys if parts[0][key] != parts[1][key]]


def decisive(cfg: Config) -> dict[str, Any]:
    """What decides the figures of a training but the seed: :data:`TRAINING`."""
    found = {key: cfg.get(key) for key in TRAINING}
    metrics = found['val_evaluator'] or []
    found['val_evaluator'] = [
        {k: v for k, v in metric.items() if k != 'per_image_file'}
        for metric in (metrics if isinstance(metrics, (list, tuple)) else [metrics])
    ]
    found['custom_hooks'] = [
        hook for hook in found['custom_hooks'] or [] if hook['type'] not in OBSERVERS
    ]
    return plain(found)
