"""What a checkpoint was trained as: modalities, exchange, classes and units.

Tensors do not tell. Private norms of two modalities have the same shapes, so that a
checkpoint of (rgb, depth) fits a network of (depth, rgb), and is wrong in it; type,
layers and threshold of the exchange decide what a trained network computes. A
checkpoint carries a description of all that in its ``meta``, as plain values.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.state import unwrap
from mmseg_cen.streams.token_loss import token_exchanges

#: Key of the description in the ``meta`` of a checkpoint.
TRAINED_AS = 'trained_as'
#: Options of a modality that tell the units of its arrays.
_UNITS = ('scale', 'offset', 'range', 'log_unit', 'channels')


def describe_training(model: nn.Module, dataset: Any = None) -> dict[str, Any]:
    """What a model is trained as, in plain values.

    Args:
        model: The network, which may be wrapped.
        dataset: The data set, which may be wrapped; it tells classes and units.

    Returns:
        ``modalities`` and, of several tasks, ``tasks``, names in the order of the
        streams; ``exchanges``, the number of exchanging layers by type of the exchange,
        which may be none; ``exchange_threshold`` and ``exchange_scope``, lists of the
        different ones of all layers; the ``token_threshold`` of exchanges of tokens,
        likewise; ``normalized``, channels in their order, means and standard deviations
        of each modality; ``classes``, or the ``target`` of a translation; ``units`` of
        each modality. What is not known is left out.
    """
    model = unwrap(model)
    found: dict[str, Any] = dict(modalities=list(_names(model)))
    found['tasks'] = list(getattr(model, 'tasks', ()))
    exchanges: list[Any] = [norm.exchange for norm in exchanging_norms(model).values()]
    types = Counter(type(getattr(e, 'leader', e)).__name__ for e in exchanges)
    found['exchanges'] = dict(sorted(types.items()))
    found['exchange_threshold'] = sorted({float(e.threshold) for e in exchanges})
    found['exchange_scope'] = sorted({str(e.scope) for e in exchanges})
    tokens = token_exchanges(model).values()
    found['token_threshold'] = sorted({float(e.threshold) for e in tokens})
    found['normalized'] = _normalization(getattr(model, 'data_preprocessor', None))
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    metainfo = getattr(dataset, 'metainfo', None) or {}
    found['classes'] = [str(name) for name in metainfo.get('classes') or ()]
    found['target'] = getattr(dataset, 'target', None)
    found['units'] = _units(getattr(dataset, 'modalities', None))
    # That nothing is exchanged is known, too.
    return {k: value for k, value in found.items() if value or k == 'exchanges'}


def check_trained_as(
    checkpoint: Any, now: Mapping[str, Any], filename: str = 'the checkpoint'
) -> list[str]:
    """Compare what a checkpoint was trained as with what it is used as.

    Args:
        checkpoint: What the file holds. One without a description passes.
        now: Description of the network that is to have its weights.
        filename: Name of the file, for messages.

    Returns:
        What differs, but may be meant so, a sentence each.

    Raises:
        ValueError: If modalities, tasks or classes are the same in another order.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    then = meta.get(TRAINED_AS) if isinstance(meta, dict) else None
    if not isinstance(then, dict):
        return []
    known = [key for key in then if key in now and then[key] != now[key]]
    for key in ('modalities', 'tasks', 'classes'):
        if key in known and sorted(then[key]) == sorted(now[key]):
            raise ValueError(_wrong_order(key, then[key], now[key], filename))
    return [
        f'{filename} was trained with {key}={old}, and is used with {key}={new}: '
        f'set it in the config as it was, unless the change is meant'
        for key in known
        for old, new in [_differing(then[key], now[key])]
    ]


def _names(model: nn.Module) -> tuple[str, ...]:
    """Names of the modalities or sources of a model, in the order of the streams."""
    preprocessor = getattr(model, 'data_preprocessor', None)
    for part, attribute in ((preprocessor, 'modalities'), (model, 'sources')):
        if getattr(part, attribute, None):
            return tuple(map(str, getattr(part, attribute)))
    return tuple(map(str, getattr(model, 'modalities', None) or ()))


def _normalization(preprocessor: Any) -> dict[str, dict[str, list[float]]]:
    """Channels, means and standard deviations of each modality of a preprocessor."""
    names = getattr(preprocessor, 'modalities', None)
    if not isinstance(names, dict) or not hasattr(preprocessor, 'channel_index'):
        return {}
    rows = {
        key: getattr(preprocessor, attribute).flatten().tolist()
        for key, attribute in dict(
            channels='channel_index', mean='mean', std='std'
        ).items()
    }
    width = len(rows['mean']) // len(names)
    found = {}
    for m, name in enumerate(names):
        own = {key: row[m * width : (m + 1) * width] for key, row in rows.items()}
        first = min(own['channels'])
        own['channels'] = [channel - first for channel in own['channels']]
        found[str(name)] = own
    return found


def _units(modalities: Any) -> dict[str, dict[str, Any]]:
    """The options that tell the units of the modalities of a data set."""
    if not isinstance(modalities, Mapping):
        return {}
    return {
        str(name): {
            key: list(value) if isinstance(value, tuple) else value
            for key in _UNITS
            if (value := getattr(modality, key, None)) is not None
        }
        for name, modality in modalities.items()
    }


def _wrong_order(key: str, then: list[str], now: list[str], filename: str) -> str:
    where = dict(
        modalities=f'modalities={tuple(then)} of the model (`sources` of a '
        f'translation, or `order` of a preprocessor alone)',
        tasks=f'tasks={tuple(then)} of the model',
        classes=f'metainfo=dict(classes={tuple(then)}) of the data set',
    )[key]
    return (
        f'`{key}` must be in the order that {filename} was trained with, '
        f'{tuple(then)}, got {tuple(now)}: set {where}'
    )


def _differing(then: Any, now: Any) -> tuple[Any, Any]:
    """The parts of two values in which they differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [key for key in then if key in now and then[key] != now[key]]
        if keys:
            pairs = {key: _differing(then[key], now[key]) for key in keys}
            old, new = ({key: pair[i] for key, pair in pairs.items()} for i in (0, 1))
            return old, new
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now) == 1:
        return then[0], now[0]
    return then, now
