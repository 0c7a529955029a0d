"""What exchange gains where images are translated; the paper has no such table."""

from .domains import DOMAINS
from .row import Leaf, Row, Table
from .translation import ERRORS, row_of, unexchanged

_TASKS = ((('depth', 'normal'), 'rgb'), (('rgb', 'edge'), 'depth'))
_STREAM_ERRORS = {
    f'{source} MAE': f'{source}/MAE' for sources, _ in _TASKS for source in sources
}


def _systems(sources: tuple[str, ...], target: str) -> dict[str, Leaf]:
    """Each source alone, all of them without exchange, and CEN."""
    cen = DOMAINS[sources, target]
    alone = {f'{source} alone': DOMAINS[(source,), target] for source in sources}
    return {**alone, 'no exchange': unexchanged(cen), 'CEN': cen}


def _rows() -> list[Row]:
    rows = []
    for sources, target in _TASKS:
        task = f'{"+".join(sources)} to {target}'
        for system, leaf in _systems(sources, target).items():
            # The config without exchange has the name of CEN's.
            suffix = '_no_exchange' if system == 'no exchange' else ''
            rows.append(row_of(leaf, (task, system), {}, suffix=suffix))
    return rows


TABLES = {
    'real_translation': Table(
        ('Task', 'System'),
        {**_STREAM_ERRORS, **ERRORS, 'PSNR': 'PSNR', 'SSIM': 'SSIM'},
        _rows(),
        # As in Table 6.
        units=dict.fromkeys((*_STREAM_ERRORS, 'MAE', 'root of MSE'), 10.0),
    )
}
