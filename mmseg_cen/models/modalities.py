"""The names of the modalities: said once, to the segmentor, and known to its parts."""

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.registry import MODELS as ROOT_MODELS
from mmseg.registry import MODELS

from mmseg_cen.streams.build import arguments_of

#: The modalities of a model that nobody names.
RGBD = ('rgb', 'depth')
#: Name of the only stream behind a fusion that merges all of them.
FUSED = 'fused'


def names_of(parts: dict[str, Any]) -> tuple[str, ...]:
    """The names of the modalities that the parts of a model say.

    Args:
        parts: Configs of the model's parts, see :func:`hand_down`, and ``modalities``,
            if they are said.

    Returns:
        ``modalities``, or else the names that the decode head has for the streams it
        sees, the names of the backbone, or the ``order`` of the preprocessor. If nobody
        says names, ``'rgb'`` and ``'depth'``; a head of merged streams leaves it to the
        preprocessor.

    Raises:
        ValueError: If nobody says the names, and the preprocessor has others than
            ``'rgb'`` and ``'depth'``; or if the names are not distinct.
    """
    backbone, head = parts['backbone'], parts['decode_head']
    preprocessor = parts.get('data_preprocessor')
    options = preprocessor if isinstance(preprocessor, dict) else {}
    known = tuple(options.get('modalities') or ())
    names = (
        parts.get('modalities'),
        None if _merges(backbone) else head.get('modalities'),
        backbone.get('modalities'),
        options.get('order'),
    )
    said = next((each for each in names if each is not None), None)
    if said is not None:
        return check_names(said)
    if head.get('modalities') is not None and known:
        return known
    if known and {*known} != {*RGBD}:
        raise ValueError(
            f'`modalities` of the CENSegmentor must name the streams in their order, '
            f'got none and a data_preprocessor of {known}: set '
            f'model.modalities={known}, in your order'
        )
    return RGBD


def _merges(backbone: dict[str, Any]) -> bool:
    return bool((backbone.get('fusion') or {}).get('merges', False))


def hand_down(
    modalities: Sequence[str] | None, parts: dict[str, Any]
) -> dict[str, Any]:
    """Tell the parts of a model the modalities, where their configs do not.

    Args:
        modalities: Names of the modalities, in the order of the streams; ``None``: see
            :func:`names_of`.
        parts: Configs of the backbone, the heads (or a list of auxiliary heads) and the
            data preprocessor, by argument of the segmentor. They are not changed.

    Returns:
        The configs, completed: ``num_modalities`` of the backbone, ``modalities`` of
        the heads (``'fused'`` behind a fusion that merges), and ``order`` of the
        preprocessor.

    Raises:
        ValueError: If nobody says the names, or they are not distinct.
    """
    if not isinstance(parts['decode_head'], dict):
        raise ValueError(
            f'`decode_head` of a CENSegmentor must be the config of one EnsembleHead, '
            f'got {type(parts["decode_head"]).__name__}: put the heads of a cascade '
            f"into dict(type='EnsembleHead', head=[...])"
        )
    parts = {
        name: copy.deepcopy(part) if isinstance(part, (dict, list, tuple)) else part
        for name, part in parts.items()
    }
    names = names_of({**parts, 'modalities': modalities})
    backbone = parts['backbone']
    if backbone.get('modalities') is None:
        _tell(backbone, 'num_modalities', len(names))
    for key in ('decode_head', 'auxiliary_head'):
        heads = parts[key] if isinstance(parts[key], (list, tuple)) else [parts[key]]
        for head in heads:
            _tell(head, 'modalities', (FUSED,) if _merges(backbone) else names)
    preprocessor = parts['data_preprocessor']
    known = preprocessor.get('modalities') if isinstance(preprocessor, dict) else None
    if {*names} <= {*(known or ())}:
        _tell(preprocessor, 'order', names)
    return parts


def _tell(cfg: Any, argument: str, value: Any) -> None:
    """Add an argument to a config whose type has it, unless the config does."""
    if not isinstance(cfg, dict) or cfg.get(argument) is not None:
        return
    part = cfg.get('type')
    if isinstance(part, str):
        part = MODELS.get(part) or ROOT_MODELS.get(part)
    if part is not None and argument in arguments_of(part):
        cfg[argument] = value


def check_names(modalities: Sequence[str]) -> tuple[str, ...]:
    """Return the names of modalities as a tuple.

    Raises:
        ValueError: If they are no distinct names.
    """
    names = () if isinstance(modalities, str) else tuple(modalities)
    if not names or len({*names}) < len(names):
        raise ValueError(
            f'`modalities` must be distinct names in the order of the streams, got '
            f"{modalities!r}: give a tuple such as ('rgb', 'depth')"
        )
    return names


def check_agreement(
    said: dict[str, tuple[str, ...] | None], num_modalities: int | None, merges: bool
) -> None:
    """Refuse parts of a model that disagree about the modalities.

    Args:
        said: Names of the modalities by who says them; ``None``: the part says none.
            The names of heads count unless streams are merged before.
        num_modalities: Number of modalities of the backbone; ``None``: it has none.
        merges: Whether heads see one merged stream.

    Raises:
        ValueError: If names, their order or their number differ.
    """
    inputs = {
        part: names
        for part, names in said.items()
        if names is not None and not (merges and part.endswith('head'))
    }
    heads = {n for part, n in said.items() if n is not None and part.endswith('head')}
    wrong_heads = len(heads) > 1 or (merges and any(len(n) != 1 for n in heads))
    counts = {len(names) for names in inputs.values()} | {num_modalities} - {None}
    if len({*inputs.values()}) > 1 or len(counts) > 1 or wrong_heads:
        parts = {part: names for part, names in said.items() if names is not None}
        merged = ' whose streams are merged' if merges else ''
        raise ValueError(
            f'names, order and number of the modalities must agree in all parts of a '
            f'CENSegmentor, got {parts} and a backbone of num_modalities='
            f'{num_modalities}{merged}: say them once, as `modalities` of the '
            f'CENSegmentor, which a base config may set'
        )
