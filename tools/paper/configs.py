"""Configs of the rows of the paper's tables, on the network of some data.

A row's settings (convs, norms, exchange, fusion, ensemble, penalty; of a translation,
its domains) are put onto the network of the data: of a segmentation, the demo's for
`synthetic`, a ResNet-50 from scratch for `nyud_half`, the paper's for `nyud`; of a
translation, a small one for `synthetic` and `nyud_half_small`, the paper's for
`nyud_half` and `taskonomy`.
"""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from paper_rows import Row

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'
NUM_LAYERS = 8  # of the encoder in configs/translation/fusion
SEGMENTATION = {
    'synthetic': 'demo/cen_synthetic.py',
    'nyud_half': 'cen/refinenet_r50_nyud_half.py',
    'nyud': 'cen/refinenet_r101_nyud.py',
}
#: Files of the data, the model and the schedule in configs/translation/_base_, and
#: what is set in them.
TRANSLATION: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    'synthetic': (
        'synthetic',
        'cen_pix2pix_small',
        'pix2pix_short',
        {'model.generator.num_downs': 6}
        | {
            f'{split}_dataloader.dataset.image_size': (64, 64)
            for split in ('train', 'val', 'test')
        },
    ),
    'nyud_half_small': ('nyudv2_half_128', 'cen_pix2pix_small', 'pix2pix_short', {}),
    'nyud_half': ('nyudv2_half', 'cen_pix2pix', 'pix2pix_300e', {}),
    'taskonomy': ('taskonomy', 'cen_pix2pix', 'pix2pix_300e', {}),
}
#: What a row may set of a network, and what it is where nothing is said.
BACKBONE = dict(
    num_modalities=2, convs='shared', norms='private', exchange=None, pattern=None,
    exchange_threshold=2e-2, exchange_scope='own', fusion=None,
)  # fmt: skip
HEAD = dict(convs='shared', norms='private', ensemble='alpha')
GENERATOR = dict(
    convs='shared', norms='private', decoder_norms='shared', exchange=None, fusion=None,
    exchange_threshold=1e-2, exchange_scope='own',
)  # fmt: skip

#: Parts of a config that decide the figures of a training, and hooks that do not.
TRAINING = (
    'model', 'train_dataloader', 'val_dataloader', 'val_evaluator', 'train_cfg',
    'optim_wrapper', 'param_scheduler', 'randomness', 'custom_hooks',
)  # fmt: skip
OBSERVERS = ('ExchangeStatsHook', 'GammaRecorderHook', 'FiniteLossHook')


def settings(cfg: Config, num_downs: int | None = None) -> dict[str, Any]:
    """What tells one row from another, of any config.

    Args:
        cfg: The config.
        num_downs: Layers of the U-Net as whose fusion that of the config is told.
    """
    penalties = [h for h in cfg.get('custom_hooks', []) if 'Sparsity' in h['type']]
    found: dict[str, Any] = {
        'penalty': penalties[0].get('scope', 'own') if penalties else None
    }
    if 'generator' in cfg.model:
        found['sources'] = tuple(cfg.model.sources)
        found['target'] = cfg.train_dataloader.dataset.target
        parts = {'generator': (cfg.model.generator, GENERATOR)}
    else:
        found['modalities'] = tuple(cfg.model.decode_head.get('modalities', ()))
        parts = {
            'backbone': (cfg.model.backbone, BACKBONE),
            'decode_head': (cfg.model.decode_head, HEAD),
        }
    for name, (part, defaults) in parts.items():
        values = Config(dict(part)).to_dict()
        for key, default in defaults.items():
            value = values.get(key, default)
            if key == 'exchange_threshold':  # of which the data decide the size
                value = None if value is None else value > 0
            if key == 'fusion' and value and num_downs:
                value = at_depth(value, num_downs)
            found[f'{name}.{key}'] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """Lists for tuples, so that configs that were written and read compare equal."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def differences(first: Config, second: Config) -> list[str]:
    """Keys of what decides the figures of a training, and differs in two configs."""

    def part(cfg: Config, key: str) -> Any:
        value = cfg.get(key)
        if key == 'custom_hooks':
            value = [h for h in value or [] if h['type'] not in OBSERVERS]
        return _plain(value)

    return [key for key in TRAINING if part(first, key) != part(second, key)]


def build_config(row: Row, data: str, epochs: int | None, seed: int) -> Config:
    """The training of a row.

    Args:
        row: The row.
        data: Name of the data.
        epochs: Epochs; by default, those of the network of the data.
        seed: Seed.

    Raises:
        ValueError: The row cannot be trained on these data, or for so many epochs.
    """
    if epochs is not None and epochs < 1:
        raise ValueError(f'--epochs must be at least 1, got {epochs}')
    leaf = load_leaf(row)
    known = TRANSLATION if 'generator' in leaf.model else SEGMENTATION
    if data not in known:
        raise ValueError(f'--data of this table is one of {list(known)}, got {data!r}')
    cfg = (translation if known is TRANSLATION else segmentation)(leaf, data)
    set_epochs(cfg, epochs)
    cfg.randomness = dict(seed=seed)
    # Two, as mmengine removes an old one before the new one is written.
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=2
    )
    cfg.default_hooks.pop('visualization', None)
    return cfg


def load_leaf(row: Row) -> Config:
    """The config of a row, with its options."""
    leaf = Config.fromfile(CONFIGS / row.config)
    leaf.merge_from_dict(row.options)
    return leaf


def segmentation(leaf: Config, data: str) -> Config:
    """The network of the data with the settings of a config."""
    cfg = Config.fromfile(CONFIGS / SEGMENTATION[data])
    for part, defaults in (('backbone', BACKBONE), ('decode_head', HEAD)):
        take_settings(cfg.model[part], leaf.model[part], defaults)
    names = tuple(leaf.model.decode_head.modalities)
    cfg.model.decode_head.modalities = names
    if leaf.model.backbone.get('num_modalities') == 1:
        keep_modality(cfg, names[0])
    take_hooks(cfg, leaf)
    return cfg


def take_settings(part: Config, of_leaf: Config, defaults: dict[str, Any]) -> None:
    """Put the settings of a part of a leaf onto that of another config."""
    for key, default in defaults.items():
        value = of_leaf.get(key, default)
        if key == 'exchange_threshold' and value:
            value = part.exchange_threshold  # of which the data decide the size
        if value != default or key in part:
            part[key] = value


def take_hooks(cfg: Config, leaf: Config) -> None:
    """Leave those hooks that a leaf has, too, with the scope of its penalty."""
    kept = {hook['type'] for hook in leaf.get('custom_hooks', [])}
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook['type'] in kept]
    for hook in cfg.custom_hooks:
        if hook['type'] == 'GammaSparsityHook':
            hook['scope'] = settings(leaf)['penalty']


def keep_modality(cfg: Config, name: str) -> None:
    """Leave one modality in the data and their preprocessor."""
    preprocessor = cfg.model.data_preprocessor
    preprocessor.modalities = {name: preprocessor.modalities[name]}
    preprocessor.num_channels = 3
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg[key].dataset
        dataset.modalities = {name: dataset.get('modalities', {}).get(name, {})}


def translation(leaf: Config, data: str) -> Config:
    """The U-Net of the data with the settings of a config."""
    dataset, model, schedule, options = TRANSLATION[data]
    bases = [
        str(CONFIGS / 'translation/_base_' / f'{base}.py')
        for base in (
            'runtime',
            f'datasets/{dataset}',
            f'models/{model}',
            f'schedules/{schedule}',
        )
    ]
    cfg = Config.fromstring(f'_base_ = {bases!r}\n', '.py')
    cfg.merge_from_dict(options)
    sources = tuple(leaf.model.sources)
    cfg.sources = cfg.model.sources = cfg.model.data_preprocessor.sources = sources
    generator, of_leaf = cfg.model.generator, leaf.model.generator
    for key in ('num_modalities', 'in_channels', 'out_channels'):
        generator[key] = of_leaf[key]
    take_settings(generator, of_leaf, GENERATOR)
    if generator.get('fusion'):
        generator.fusion = at_depth(generator.fusion, generator.num_downs)
    cfg.model.discriminator.in_channels = leaf.model.discriminator.in_channels
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        target = leaf.train_dataloader.dataset.target
        cfg[key].dataset.update(sources=sources, target=target)
    take_hooks(cfg, leaf)
    if model == 'cen_pix2pix':
        cfg.val_evaluator = cfg.test_evaluator = leaf.test_evaluator
        cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs  # FID takes its time
    else:
        cfg.test_evaluator = cfg.val_evaluator
    return cfg


def at_depth(fusion: dict[str, Any], num_downs: int) -> dict[str, Any]:
    """A fusion in the U-Net of 8 layers, at like depths of one of another number.

    The first layer stays the first, the last one the last, and all stay all; the
    fourth is the one in the middle.
    """
    layers = [int(stage.removeprefix('conv')) for stage in fusion['stages']]
    depths = dict.fromkeys(-(-layer * num_downs // NUM_LAYERS) for layer in layers)
    return {**fusion, 'stages': tuple(f'conv{depth}' for depth in depths)}


def set_epochs(cfg: Config, epochs: int | None) -> None:
    """Shorten or lengthen a training with its schedule, and the penalty with it."""
    before = cfg.train_cfg.max_epochs
    epochs = before if epochs is None else epochs
    ratio = epochs / before
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = min(epochs, cfg.train_cfg.get('val_interval', 1))
    if epochs == before:
        return
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        by_epoch = scheduler.get('by_epoch', True)
        if scheduler['type'] == 'LinearLR' and not by_epoch:
            continue  # a warm-up of some iterations
        if by_epoch and 'begin' in scheduler:  # others begin after the warm-up
            scheduler['begin'] = round(scheduler['begin'] * ratio)
        for key in ('end', 'milestones'):
            if isinstance(scheduler.get(key), int):
                scheduler[key] = max(1, round(scheduler[key] * ratio))
            elif key in scheduler:
                scheduler[key] = [max(1, round(m * ratio)) for m in scheduler[key]]
        if 'T_max' in scheduler:
            scheduler['T_max'] = scheduler['end'] - scheduler.get('begin', 0)
    for hook in cfg.get('custom_hooks', []):
        if hook['type'] == 'GammaSparsityHook':
            # Scaling factors fall by the penalty in each step: fewer, larger ones.
            hook['sparsity_weight'] = hook.get('sparsity_weight', 5e-3) / ratio
