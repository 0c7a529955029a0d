"""The config of each control: what stands in the place of a modality."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmseg.registry import MODELS, TRANSFORMS

from mmseg_cen.models.modalities import names_of
from mmseg_cen.models.segmentor import is_cen_segmentor
from mmseg_cen.transforms.image_only import OfColors

#: Transforms that make the arrays which a control replaces.
LOADING = ('LoadModalities', 'LoadSyntheticRoom', 'EncodeDepth')
REAL = 'real'
#: Controls of networks of one stream.
OF_ONE_STREAM = ('single', 'wide')
#: Controls of data that a sample may refuse: too narrow, or the only one.
OF_SAMPLES = ('other', 'shift')
#: Options of a backbone, and hooks, without a meaning for one stream.
OF_STREAMS = (
    'exchange', 'fusion', 'lora', 'modalities', 'num_modalities', 'pattern',
)  # fmt: skip
HOOKS_OF_EXCHANGE = ('GammaSparsityHook', 'ExchangeStatsHook', 'GammaRecorderHook')


@dataclass(frozen=True)
class Control:
    """A control of a modality.

    Args:
        name: Its name on the command line, and of its folder.
        title: What the network gets, for the table.
        how: What replaces the modality, see ``ReplaceModality``; None: nothing.
        pixels: How far it is shifted.
    """

    name: str
    title: str
    how: str | None = None
    pixels: int | None = None


def replacements(
    modality: str, source: str, shifts: Sequence[int], names: Sequence[str] = ()
) -> list[Control]:
    """The data as they are, and all controls that replace a modality.

    Args:
        modality: Name of the modality.
        source: Name of the modality that is duplicated.
        shifts: By how many pixels the modality is shifted, one control for each.
        names: All modalities of the network, others of which the titles name.
    """
    others = [name for name in names if name not in (modality, source)]
    kept = ', '.join([source, *others])  # as they are in all controls
    twice = ', '.join([f'{source} twice', *others])
    return [
        Control(REAL, f'{kept} and {modality}, as they are'),
        Control('copy', twice, 'copy'),
        Control('noise', f'{kept} and noise', 'noise'),
        Control('other', f"{kept} and another image's {modality}", 'other'),
        *(
            Control(
                f'shift_{pixels}',
                f'{kept} and {modality}, shifted by {pixels} pixels',
                'shift',
                pixels,
            )
            for pixels in shifts
        ),
    ]


def two_streams(cfg: Config) -> tuple[str, ...]:
    """The names of the modalities of a config whose modalities can be replaced.

    Raises:
        ValueError: If the model is no CENSegmentor of several modalities.
    """
    if not is_cen_segmentor(cfg.model):
        raise ValueError(
            "`model.type` must be 'CENSegmentor' for controls of a modality, got "
            f'{cfg.model.get("type")!r}: take the config of a multimodal network'
        )
    names = names_of(cfg.model)
    if len(names) < 2:
        raise ValueError(
            f'a network must have several modalities for controls, got {names}: take '
            'the config of a multimodal network'
        )
    return names


def replaced(
    cfg: Config, control: Control, modality: str, source: str, seed: int
) -> Config:
    """A config with a modality replaced in the data of training, validation and test.

    Noise of a training is drawn anew each time, and that of a test for each sample.

    Raises:
        ValueError: If a pipeline does not begin with the loading of modalities.
    """
    cfg = copy.deepcopy(cfg)
    if control.how is None:
        return cfg
    transform = dict(type='ReplaceModality', modality=modality, how=control.how)
    transform['seed'] = seed
    if control.how == 'copy':
        transform['source'] = source
    if control.how == 'shift':
        transform['pixels'] = control.pixels
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for owner in _with_pipelines(cfg.get(key) or {}):
            own = dict(transform)
            if key == 'train_dataloader' and control.how == 'noise':
                own['seed'] = None
            owner['pipeline'] = _inserted(owner['pipeline'], own)
    if 'tta_pipeline' in cfg:
        cfg.tta_pipeline = _inserted(cfg.tta_pipeline, transform)
    return cfg


def _with_pipelines(node: Any) -> Iterator[Any]:
    """The configs of data sets with a pipeline, within a config."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from _with_pipelines(child)
    elif isinstance(node, dict):
        if 'pipeline' in node:
            yield node
        for key, child in node.items():
            if key != 'pipeline':
                yield from _with_pipelines(child)


def _inserted(pipeline: Sequence[Any], transform: dict[str, Any]) -> list[Any]:
    """A pipeline with a transform behind the last one that makes arrays."""
    last = max((i for i, t in enumerate(pipeline) if t['type'] in LOADING), default=-1)
    if last < 0:
        raise ValueError(
            f'a pipeline must load modalities by one of {LOADING} for controls, got '
            f'{[t["type"] for t in pipeline]}: put ReplaceModality into it yourself'
        )
    return [*pipeline[: last + 1], transform, *pipeline[last + 1 :]]


def one_stream(cfg: Config, name: str) -> Config:
    """The unimodal network of a config: one modality, no exchange and no fusion.

    Args:
        cfg: The config.
        name: The modality that is left.
    """
    cfg = copy.deepcopy(cfg)
    model = cfg.model
    preprocessor = model.data_preprocessor
    if preprocessor.get('num_channels') is None:  # those that the network takes
        whole = MODELS.build({**preprocessor, 'order': names_of(model)})
        preprocessor.num_channels = whole.num_channels
    model.modalities = (name,)
    backbone = model.backbone
    for key in OF_STREAMS:
        backbone.pop(key, None)
    model.pop('subset_distillation', None)
    backbone.exchange_threshold = 0
    for head in heads_of(cfg):
        head.pop('modalities', None)
    preprocessor.pop('order', None)
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for dataset in _with_pipelines(cfg.get(key) or {}):
            own = dataset.get('modalities')
            is_named = isinstance(own, dict)
            dataset['modalities'] = {name: own[name]} if is_named else (name,)
            dataset.pop('order', None)
            dataset.pop('optional', None)
            if prefix := dataset.get('data_prefix'):
                kept = (name, 'seg_map_path')
                dataset.data_prefix = {k: prefix[k] for k in kept if k in prefix}
            dataset['pipeline'] = _of_modality(dataset['pipeline'], name)
    cfg.custom_hooks = [
        hook
        for hook in cfg.get('custom_hooks') or []
        if hook['type'] not in HOOKS_OF_EXCHANGE
    ]
    return cfg


def _of_modality(pipeline: Sequence[Any], name: str) -> list[Any]:
    """A pipeline without what encodes, damages, colors or drops other modalities."""
    kept = []
    for transform in pipeline:
        kind = transform['type']
        found = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
        if name != 'rgb' and isinstance(found, type) and issubclass(found, OfColors):
            continue
        encoded = transform.get('modality', 'depth') if kind == 'EncodeDepth' else name
        damaged = transform.get('modalities') if kind == 'CorruptModalities' else None
        if kind == 'RandomModalityDropout' or encoded != name:
            continue
        if damaged is not None:
            if name not in damaged:
                continue
            transform = {**transform, 'modalities': [name]}
        kept.append(transform)
    return kept


def heads_of(cfg: Config) -> list[Any]:
    """Configs of the decode head and of the auxiliary heads."""
    heads = [cfg.model.decode_head, cfg.model.get('auxiliary_head')]
    flat: list[Any] = []
    for head in heads:
        flat += head if isinstance(head, list | tuple) else [head]
    return [head for head in flat if head]
