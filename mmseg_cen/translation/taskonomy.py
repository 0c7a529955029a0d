"""Taskonomy: indoor scenes in many domains."""

from collections.abc import Mapping, Sequence
from math import expm1
from typing import Any

from mmseg.registry import DATASETS

from .dataset import MultimodalTranslationDataset

# Stored as multiples of 1/512 m, up to 128 m; 65535 stands for no data. Encoded by the
# logarithm of 1 + the stored value, over 11.1, as in the released code of CEN.
DEPTH: dict[str, Any] = dict(
    dtype='uint16',
    scale=1 / 512,
    nodata=(65535,),
    range=(0.0, expm1(11.1) / 512),
    log_unit=1 / 512,
)
# Soft edges have no unit: the released code takes this range of the stored values.
EDGE: dict[str, Any] = dict(
    dtype='uint16', range=(0.0, 11355.0), interpolation='bilinear'
)
DOMAINS: dict[str, dict[str, Any]] = dict(
    rgb={},
    depth_euclidean=DEPTH,
    depth_zbuffer=DEPTH,
    edge_texture=EDGE,
    edge_occlusion=EDGE,
    # 127 stands for 0 in these two.
    normal=dict(channels=3, dtype='uint8', scale=1 / 127, offset=-1.0, vectors=True),
    # The third channel of the files is empty.
    principal_curvature=dict(
        channels=2,
        stored_channels=3,
        dtype='uint8',
        scale=1 / 127,
        offset=-1.0,
        range=(-1.0, 1.0),
    ),
    reshading=dict(dtype='uint8', scale=1 / 255),
)
# The names that the paper uses.
ALIASES = dict(
    depth='depth_euclidean',
    edge='edge_occlusion',
    texture='edge_texture',
    shade='reshading',
    curvature='principal_curvature',
)


@DATASETS.register_module()
class TaskonomyDataset(MultimodalTranslationDataset):
    """Taskonomy, in the layout of its tiny and larger downloads.

    ``{domain}/point_{p}_view_{v}_domain_{domain}.png`` below ``data_root``, with the
    folders of buildings in between, if there are several. The lines of ``ann_file`` are
    ``point_{p}_view_{v}``, or ``{building}/point_{p}_view_{v}``.

    The domains are rgb, depth_euclidean, depth_zbuffer, edge_texture, edge_occlusion,
    normal, principal_curvature and reshading, also under the names of the paper: depth
    (depth_euclidean), edge (edge_occlusion), texture (edge_texture), shade (reshading)
    and curvature (principal_curvature).

    Zamir et al., "Taskonomy: Disentangling Task Transfer Learning", CVPR 2018.

    Args:
        sources: Names of the sources, in the order of the streams.
        target: Name of the target.
        domains: Options of some domains that replace the defaults: depth with a metric
            range, for example, is ``depth=dict(range=(0, 10), log_unit=None)``.
        data_prefix: Folders of the domains, by default Taskonomy's own names.
        file_pattern: See :class:`MultimodalTranslationDataset`.
        **kwargs: Passed to :class:`MultimodalTranslationDataset`.
    """

    def __init__(
        self,
        sources: Sequence[str],
        target: str,
        domains: Mapping[str, Mapping[str, Any]] | None = None,
        data_prefix: Mapping[str, str | None] | None = None,
        file_pattern: str = '{domain}/{stem}_domain_{domain}{suffix}',
        **kwargs: Any,
    ) -> None:
        own, prefixes = domains or {}, dict(data_prefix or {})
        # What is said of a domain holds under both of its names.
        named = {name: {**DOMAINS[name], **own.get(name, {})} for name in DOMAINS}
        known = named | {alias: named[name] for alias, name in ALIASES.items()}
        folders = {
            alias: name if prefixes.get(name) is None else prefixes[name]
            for alias, name in ALIASES.items()
        }
        super().__init__(
            sources,
            target,
            {
                name: {**known.get(name, {}), **own.get(name, {})}
                for name in [*known, *(own.keys() - known.keys())]
            },
            data_prefix=folders | prefixes,
            file_pattern=file_pattern,
            **kwargs,
        )
