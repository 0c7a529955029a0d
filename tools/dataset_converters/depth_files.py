"""Depth maps of a folder, which a tool has prepared or not."""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import islice
from operator import add
from pathlib import Path
from typing import Any

from mmseg_cen.modality import Modality
from mmseg_cen.plausibility import ANYWHERE, doubts
from mmseg_cen.preparation import META, read_image, read_meta
from mmseg_cen.sentinels import Limits, check_storable
from mmseg_cen.transforms.inspection import WITHOUT_UNIT, summarize_depth

INSPECTED = 4


def known_folder(source: Path, name: str) -> dict[str, Any]:
    """What the meta.json of a folder says of one below it; {} if there is none."""
    if not (source / META).is_file():
        return {}
    return dict(read_meta(source)['folders'].get(name, {}))


def find_depth(
    source: Path, name: str, suffix: str | None, scale: float | None
) -> tuple[str, float | None]:
    """End of the names of depth maps, and meters per stored unit, None if not known.

    Args:
        source: The folder, in whose meta.json is what is not given.
        name: Folder of the depth maps below it.
        suffix: End of their names, if it is given.
        scale: Their unit, if it is given.

    Raises:
        ValueError: If the folder holds inverse depth.
    """
    known = known_folder(source, name)
    if '/m' in (known.get('unit') or ''):
        raise ValueError(
            f'{source / name} must hold depth, got the unit {known["unit"]}: choose '
            'another --depth'
        )
    unit = known.get('scale') if scale is None else scale
    return suffix or known.get('suffix', '.png'), unit


def doubtful_depth(
    paths: Iterable[str], scale: float, invalid: Sequence[Limits], is_relative: bool
) -> list[str]:
    """Doubts about the first depth maps, see :mod:`mmseg_cen.plausibility`.

    Args:
        paths: The files; those that cannot be read are named when they are converted.
        scale: Meters per stored unit.
        invalid: Ranges of stored values of no depth, besides 0.
        is_relative: Whether the unit does not matter.

    Raises:
        ValueError: If the files cannot hold one of the values of no depth.
    """
    summaries = []
    for path in islice(paths, INSPECTED):
        try:
            stored = read_image(path)
        except (ValueError, OSError):
            continue
        check_storable(invalid, str(stored.dtype), '--depth-invalid')
        if stored.ndim == 2:
            summaries.append(summarize_depth(stored, Modality(invalid=invalid)))
    found = doubts(reduce(add, summaries), scale, ANYWHERE) if summaries else {}
    words = WITHOUT_UNIT if is_relative else tuple(found)
    return [text for word, text in found.items() if word in words]
