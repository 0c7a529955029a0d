"""Configs of the rows on the network of any data.

A row's settings are added to the network of the data. Of a segmentation, this is the
demo's for `synthetic`, a ResNet-50 from scratch for `nyud_half`, one of half the width
with ImageNet weights for `nyud_r50half`, and the paper's for `nyud`; of a translation,
a small one for `synthetic` and `nyud_half_small`, and the paper's for `nyud_half` and
`taskonomy`.
"""

import copy
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .comparison import OBSERVERS, flat, plain
from .depth import at_depth
from .domains import PIX2PIX
from .row import Row
from .schedule import set_epochs
from .segmentation import CEN

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'configs'


@dataclass(frozen=True)
class Network:
    """The network, data and schedule that rows add their settings to.

    Args:
        files: Config files, in the folder of configs.
        options: What is set in them.
        generative: Whether FID and KID are measured, which takes its time: only
            behind the last epoch then.
    """

    files: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    generative: bool = False


def _pix2pix(dataset: str, model: str, schedule: str) -> tuple[str, ...]:
    parts = (
        'runtime',
        f'datasets/{dataset}',
        f'models/{model}',
        f'schedules/{schedule}',
    )
    return tuple(f'translation/_base_/{part}.py' for part in parts)


SEGMENTATION = {
    'synthetic': Network(('demo/cen_synthetic.py',)),
    'nyud_half': Network(('cen/refinenet_r50_nyud_half.py',)),
    'nyud_r50half': Network(('cen/pspnet_r50half_nyud_quarter.py',)),
    'nyud': Network(CEN),
}
TRANSLATION = {
    'synthetic': Network(
        _pix2pix('synthetic', 'cen_pix2pix_small', 'pix2pix_short'),
        {'model.generator.num_downs': 6}
        | {
            f'{split}_dataloader.dataset.image_size': (64, 64)
            for split in ('train', 'val', 'test')
        },
    ),
    'nyud_half_small': Network(
        ('translation/_base_/nyudv2_half_small.py',),
        # Colors are a guess; more would trade MAE for vividness.
        {'model.gan_weight': 0.1, 'train_cfg.val_interval': 8},
    ),
    'nyud_half': Network(
        _pix2pix('nyudv2_half', 'cen_pix2pix', 'pix2pix_300e'), generative=True
    ),
    'taskonomy': Network(PIX2PIX, generative=True),
}
#: Keys of a model that the data decide, where the row leaves them as they are.
DECIDED_BY_DATA = re.compile(
    r'data_preprocessor\.(modalities\..*|num_channels|size|seg_pad_val)'
    r'|backbone\.(depth|base_channels|stem_channels|style|norm_eval|init_cfg.*)'
    r'|backbone\.(strides|dilations|contract_dilation)'
    r'|decode_head\.head\..*'  # another decoder and number of classes
    r'|generator\.(num_downs|base_channels|dropout)'
    r'|discriminator\.base_channels'
    r'|gan_weight|generator\.track_running_stats'
    r'|(backbone|generator)\.exchange_threshold'
)
#: Arguments of hooks that the data decide.
_HOOK_ARGUMENTS = ('sparsity_weight', 'target_share', 'mode', 'interval')
_VARIABLES = ('choice',)  # of leaves, whose values are in other settings, too


def build_config(row: Row, data: str, epochs: int | None, seed: int) -> Config:
    """The training of a row.

    Args:
        row: The row.
        data: Name of the data.
        epochs: Epochs; by default, as many as the network of the data has.
        seed: Seed.

    Raises:
        ValueError: If the row cannot be trained on these data, or for so many epochs,
            or if its config has settings that the training would lack.
    """
    if epochs is not None and epochs < 1:
        raise ValueError(
            f'`--epochs` must be at least 1, got {epochs}: give a larger number'
        )
    networks = networks_of(row)
    if data not in networks:
        raise ValueError(
            f'`--data` must be one of {list(networks)}, got {data!r}: other data have '
            'no network for the rows of this table'
        )
    cfg = network(row, data)
    add_settings(cfg, row)
    if lost := lost_settings(cfg, row, data):
        raise ValueError(
            f'`{row.name}` must have the settings of configs/{row.config}, got other '
            f'ones of {", ".join(lost)}: write settings of rows in tools/paper, not '
            'in their configs'
        )
    if row.translates and networks[data].generative:
        cfg.val_evaluator = cfg.test_evaluator
        cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs
    elif row.translates:
        cfg.test_evaluator = cfg.val_evaluator
    set_epochs(cfg, epochs)
    cfg.randomness = dict(seed=seed)
    # Two, as mmengine removes an old one before the new one is written.
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=2
    )
    cfg.default_hooks.pop('visualization', None)
    return cfg


def networks_of(row: Row) -> dict[str, Network]:
    """The networks that a row can be trained on, by the name of the data."""
    return TRANSLATION if row.translates else SEGMENTATION


def load_leaf(row: Row) -> Config:
    """The config of a row, with its options."""
    leaf = load((row.config,))
    leaf.merge_from_dict(row.options)
    return leaf


def load(files: tuple[str, ...]) -> Config:
    """One config file, or several as the base files of a config."""
    return copy.deepcopy(_load(files))


@cache
def _load(files: tuple[str, ...]) -> Config:
    if len(files) == 1:
        return Config.fromfile(CONFIGS / files[0])
    bases = [str(CONFIGS / path) for path in files]
    return Config.fromstring(f'_base_ = {bases!r}\n', '.py')


def network(row: Row, data: str) -> Config:
    """The network of some data, as it is without the settings of the row."""
    chosen = networks_of(row)[data]
    cfg = load(chosen.files)
    cfg.merge_from_dict(chosen.options)
    if row.leaf.modality:
        keep_modality(cfg, row.leaf.modality)
    return cfg


def add_settings(cfg: Config, row: Row) -> None:
    """Add the settings of a row to the network of some data."""
    for leaf in row.leaf.chain():
        settings = copy.deepcopy(leaf.settings)
        hooks = settings.pop('custom_hooks', None)
        cfg.merge_from_dict({k: v for k, v in settings.items() if k not in _VARIABLES})
        if hooks is not None:
            choose_hooks(cfg, hooks)
    cfg.merge_from_dict(row.options)
    if (cfg.model.get('generator') or {}).get('fusion'):
        generator = cfg.model.generator
        generator.fusion = at_depth(generator.fusion, generator.num_downs)
    for hook in cfg.custom_hooks:
        if hook['type'] == 'GammaSparsityHook':
            hook.setdefault('scope', 'own')


def choose_hooks(cfg: Config, hooks: list[dict[str, Any]]) -> None:
    """Leave the hooks of a list, with the numbers that the data decide.

    Observers are left out where the network of the data has none.
    """
    present = {hook['type']: hook for hook in cfg.custom_hooks}
    chosen = []
    for hook in hooks:
        known = present.get(hook['type'], {})
        if known or hook['type'] not in OBSERVERS:
            numbers = {key: known[key] for key in _HOOK_ARGUMENTS if key in known}
            chosen.append({**known, **hook, **numbers})
    cfg.custom_hooks = chosen


def lost_settings(cfg: Config, row: Row, data: str) -> list[str]:
    """Keys of what the config of a row sets, and its training on some data does not.

    Whole models are compared, and the hooks that decide figures. Where the data decide
    a value, it is expected to be the one of their network, unless the row changes it.
    """
    leaf = load_leaf(row)
    paper = load((*networks_of(row).values(),)[-1].files)
    of_paper, of_data = flat(paper.model), flat(network(row, data).model)
    expected, found = flat(leaf.model), flat(cfg.model)
    for key in {*expected, *found}:
        decided = DECIDED_BY_DATA.fullmatch(key)
        if decided and expected.get(key) == of_paper.get(key):
            expected[key] = of_data.get(key)
    if fusion := (leaf.model.get('generator') or {}).get('fusion'):
        stages = at_depth(fusion, cfg.model.generator.num_downs)['stages']
        expected['generator.fusion.stages'] = plain(stages)
    lost = {k for k in {*expected, *found} if expected.get(k) != found.get(k)}
    if _deciding_hooks(leaf) != _deciding_hooks(cfg):
        lost.add('custom_hooks')
    return sorted(lost)


def _deciding_hooks(cfg: Config) -> dict[str, Any]:
    """Hooks that decide figures, without the numbers that the data decide."""
    hooks = {}
    for hook in cfg.get('custom_hooks') or []:
        if hook['type'] not in OBSERVERS:
            options = {k: v for k, v in hook.items() if k not in _HOOK_ARGUMENTS}
            hooks[hook['type']] = plain({'scope': 'own', **options})
    return hooks


def keep_modality(cfg: Config, name: str) -> None:
    """Leave one modality in the data, with the channels of ImageNet's weights."""
    cfg.model.data_preprocessor.num_channels = 3
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg[key].dataset
        dataset.modalities = {name: dataset.get('modalities', {}).get(name, {})}
