"""The field ``decoded_cache`` of a config: one cache for all files that it reads."""

import inspect
from typing import Any

from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from .decoded_cache import open_cache
from .labels import LoadAnnotations
from .loading import LoadModalities


def hand_cache_to_loaders(cfg: Config) -> None:
    """Let the transforms that read files keep decoded ones, if the config says where.

    Args:
        cfg: Changed in place: its field ``decoded_cache`` becomes the ``cache`` of each
            LoadModalities and LoadAnnotations that has none.

    Raises:
        ValueError: If the cache cannot be used.
    """
    cache = cfg.pop('decoded_cache', None)
    if open_cache(cache) is None:
        return
    for key, loader in cfg.items():
        if key.endswith('_dataloader') and loader:
            _hand_over(cache, loader.get('dataset'))


def _hand_over(cache: Any, part: Any) -> None:
    """Give a cache to all loading transforms within a part of a config."""
    if isinstance(part, (list, tuple)):
        for one in part:
            _hand_over(cache, one)
    if not isinstance(part, dict):
        return
    for key in ('dataset', 'datasets', 'pipeline', 'transforms'):
        _hand_over(cache, part.get(key))
    kind = part.get('type')
    kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    if inspect.isclass(kind) and issubclass(kind, (LoadModalities, LoadAnnotations)):
        part.setdefault('cache', cache)
