"""Depth maps of a folder, which a tool has prepared or not."""

from pathlib import Path
from typing import Any

from mmseg_cen.preparation import META, read_meta


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
