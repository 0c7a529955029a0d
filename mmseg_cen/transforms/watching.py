"""Watch transforms that are not this package's: they must move all modalities alike.

A transform of mmcv, of the toolbox or of a user knows ``img`` and the labels. If it
flips, rotates, crops or resizes, the other modalities stay where they are, and the
network learns from pixels that do not belong together. No size gives a flip away.

So the calls of such a transform are repeated on a stand-in, by the same random draws:
every modality and the labels are replaced by one pattern. A transform that moves all
alike leaves all with one pattern, wherever it has moved it to. Distorted colors, noise,
blur and holes change how the pattern looks, and not where it is.

Samples reach transforms by many ways: data sets, wrappers of mmcv, test-time
augmentation, pipelines of scripts. All of them call the transform, so that the watch is
in the calls of mmcv's ``BaseTransform`` and of both ``Compose``, which hold any other
callables, too. Importing this module puts it there; samples without modalities pass.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import mmcv.transforms
import mmengine.dataset
import mmseg.datasets.transforms
import numpy as np
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import keyed_modalities
from mmseg_cen.once import warn_once

from .moving import Results
from .patterns import displaced, draw_pattern, few_pixels, without_holes
from .randomness import random_state, set_random_state

Transform = Callable[[Results], Any]

# They hand the sample on to transforms, each of which is watched.
WRAPPERS = (
    mmcv.transforms.Compose,
    mmcv.transforms.MultiScaleFlipAug,
    mmcv.transforms.RandomApply,
    mmcv.transforms.RandomChoice,
    mmcv.transforms.TestTimeAug,
    mmseg.datasets.transforms.ResizeShortestEdge,
)

#: The first calls of a transform are watched, and every n-th call after them.
FIRST_CALLS, EVERY = 64, 64

_calls: WeakKeyDictionary[Transform, int] = WeakKeyDictionary()
_within: ContextVar[bool] = ContextVar('within a watched transform', default=False)


def call_watched(
    transform: Transform, results: Results, apply: Transform | None = None
) -> Any:
    """Apply a transform to a sample, and see what it moves.

    Args:
        transform: Any callable that takes and returns a sample.
        results: Sample of a pipeline.
        apply: What the call of the transform does, if that is watched itself.

    Raises:
        ValueError: If the transform moves some modalities or labels away from others.
    """
    apply = apply or transform
    if is_trusted(transform) or _within.get():
        return apply(results)
    keys = _keys_of_arrays(results)
    if len(keys) < 2 or not _is_due(transform):
        return apply(results)
    with _unwatched():
        return _call_twice(transform, results, keys)


def _is_due(transform: Transform) -> bool:
    """Count a call, and tell whether to watch it."""
    try:
        count = _calls[transform] = _calls.get(transform, 0) + 1
    except TypeError:  # it cannot be counted, as it has no hash
        return True
    return count <= FIRST_CALLS or count % EVERY == 0


def is_trusted(transform: Transform) -> bool:
    """Whether a transform moves all modalities alike, or leaves it to others.

    A transform says so itself by an attribute ``moves_alike = True``: one that makes
    something of the image in which no pattern is found again, such as its edges.
    """
    kind = type(transform)
    is_own = kind in WRAPPERS or kind.__module__.startswith('mmseg_cen.')
    return is_own or getattr(transform, 'moves_alike', False) is True


def _keys_of_arrays(results: Any) -> list[str]:
    """Keys of the modalities and labels of a sample that have the size of ``img``."""
    if not isinstance(results, dict):
        return []
    modalities, image = results.get('modalities'), results.get('img')
    if not isinstance(modalities, Mapping) or not isinstance(image, np.ndarray):
        return []
    keys = [*keyed_modalities(results), *results.get('seg_fields', [])]
    return [
        key
        for key in dict.fromkeys(keys)
        if isinstance(array := results.get(key), np.ndarray)
        and array.ndim in {2, 3}
        and array.size
        and array.shape[:2] == image.shape[:2]
    ]


def _call_twice(transform: Transform, results: Results, keys: Sequence[str]) -> Any:
    """Transform a sample, and a stand-in by the same draws if that changed an array."""
    arrays = {key: results[key] for key in keys}
    before = {key: few_pixels(array) for key, array in arrays.items()}
    others = {k: copy.copy(v) for k, v in results.items() if k not in arrays}
    draws = random_state()
    try:
        twin = copy.deepcopy(transform)
    except Exception:  # it holds what cannot be copied, e.g. an open file
        twin = transform
    outputs = transform(results)
    if not _has_arrays(outputs, keys):
        return outputs  # packed, or without a result
    if all(
        outputs[key].shape == array.shape
        and np.array_equal(few_pixels(outputs[key]), before[key])
        for key, array in arrays.items()
    ):
        return outputs
    _refuse_apart(transform, outputs, keys)
    after = random_state()
    set_random_state(draws)
    try:
        patterns = {k: draw_pattern(array, before[k]) for k, array in arrays.items()}
        stand_in = twin({**others, **{k: p.copy() for k, p in patterns.items()}})
    except Exception as error:
        name = _name(transform)
        warn_once(
            f'watch of {name}',
            f'{name} cannot be watched, as it fails on a pattern, {error!r}: make sure '
            'that it moves all modalities and the labels alike.',
        )
    else:
        if _has_arrays(stand_in, keys):
            interpolated = stand_in['img'].shape[:2] != arrays['img'].shape[:2]
            shown = {k: without_holes(stand_in[k], patterns[k]) for k in keys}
            _refuse_apart(transform, shown, keys, 1 + interpolated)
    finally:
        set_random_state(after)
    return outputs


def _has_arrays(results: Any, keys: Sequence[str]) -> bool:
    return isinstance(results, dict) and all(
        isinstance(results.get(key), np.ndarray) and results[key].size for key in keys
    )


def _refuse_apart(
    transform: Transform, results: Results, keys: Sequence[str], least: int = 0
) -> None:
    """Raise a ValueError if arrays differ in size, or, with ``least``, in place."""
    reference = keys[-1]  # labels, if there are any
    shape = results[reference].shape[:2]
    apart = [key for key in keys if results[key].shape[:2] != shape]
    if least and not apart:
        apart = [
            key
            for key in keys[:-1]
            if displaced(results[reference], results[key], least)
        ]
    if not apart:
        return
    name = type(transform).__name__
    ours = TRANSFORMS.module_dict.get(name)
    if hasattr(ours, 'instead'):  # refused, too
        remedy = ours.instead
    elif ours is not None and ours.__module__.startswith('mmseg_cen.'):
        remedy = f'write type={name!r}, or type={f"mmseg.{name}"!r}'
    else:
        remedy = (
            'change only colors, or move all as `mmseg_cen.transforms.moving` does; if '
            'it does, set `moves_alike = True` of the transform'
        )
    others = [key for key in keys if key not in apart]
    raise ValueError(
        f'transforms must move all modalities and the labels alike, got {apart} moved '
        f'apart from {others} by {_name(transform)}: {remedy}'
    )


def _name(transform: Transform) -> str:
    named = transform if hasattr(transform, '__qualname__') else type(transform)
    return f'{named.__module__}.{named.__qualname__}'


@contextmanager
def _unwatched() -> Iterator[None]:
    """Transforms within the one that is watched are part of it."""
    token = _within.set(True)
    try:
        yield
    finally:
        _within.reset(token)


def _call_transform(self: mmcv.transforms.BaseTransform, results: Results) -> Any:
    return call_watched(self, results, self.transform)


def _call_all(self: Any, results: Results | None) -> Any:
    """As both ``Compose`` do: a transform may find that a sample is of no use."""
    for transform in self.transforms:
        if results is None:
            break
        watches_itself = type(transform).__call__ is _call_transform
        results = (
            transform(results) if watches_itself else call_watched(transform, results)
        )
    return results


mmcv.transforms.BaseTransform.__call__ = _call_transform
mmcv.transforms.Compose.transform = _call_all
mmengine.dataset.Compose.__call__ = _call_all
