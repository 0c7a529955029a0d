"""A report: its parts in order, and the page that shows them."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from mmseg_cen.disk import write_atomically
from mmseg_cen.version import __version__
from mmseg_cen.visualization.names import unique_names

from .blocks import Page, Section, Table
from .classes import Predicted, calibration_section, class_section, sample_section
from .curves import curve_sections
from .gamma import gamma_section
from .overview import comparison_section, run_section, tiles
from .reading import Run, read_run

TEMPLATES = Path(__file__).parent / 'templates'


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read work directories, with a short name for each.

    Raises:
        FileNotFoundError: If one of them is none.
        ValueError: If a log is damaged.
    """
    folders = [*{folder.resolve(): folder for folder in folders}.values()]
    names = unique_names(str(folder.resolve() / 'run') for folder in folders)
    return [
        read_run(folder, _short(names[str(folder.resolve() / 'run')], folder))
        for folder in folders
    ]


def _short(name: str, folder: Path) -> str:
    """The name of a run; a seed is none without the folder above it."""
    short = name.removesuffix('/run').removesuffix('run') or folder.resolve().name
    above = folder.resolve().parent.name
    return f'{above}/{short}' if re.fullmatch(r'seed_?\d+', short) else short


def page_of(runs: Sequence[Run], predicted: Predicted, is_quick: bool = False) -> Page:
    """The report of one run, or of several side by side."""
    several = len(runs) > 1
    sections: list[Section | None] = []
    if several:
        sections.append(comparison_section(runs))
    sections += curve_sections(runs)
    sections.append(gamma_section(runs, is_quick))
    sections.append(class_section(predicted))
    sections.append(calibration_section(predicted))
    sections.append(sample_section(predicted))
    sections += [run_section(run, several) for run in runs]
    state, words = ('', f'{len(runs)} runs') if several else runs[0].state
    now = datetime.now()
    return Page(
        title=' · '.join(run.name for run in runs),
        state=state,
        words=words,
        tiles=[] if several else tiles(runs[0]),
        sections=[section for section in sections if section is not None],
        legend=[(run.name, k) for k, run in enumerate(runs)] if several else [],
        written=f'{now:%Y-%m-%d %H:%M} by mmseg_cen {__version__}',
    )


def require_jinja() -> None:
    """Refuse to begin what ends with a page that cannot be rendered.

    Raises:
        ValueError: If Jinja2 is missing.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise ValueError(
            'Jinja2 must be installed to write a report, got none: pip install '
            "'mmseg-cen[report]'"
        ) from error


def render(page: Page) -> str:
    """The page as HTML, with all that it needs.

    Raises:
        ValueError: If Jinja2 is missing.
    """
    require_jinja()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['cell'] = cell
    style, script = (
        (TEMPLATES / name).read_text(encoding='utf-8')
        for name in ('report.css', 'report.js')
    )
    template = environment.get_template('report.html.j2')
    return template.render(page=page, style=style, script=script)


def cell(value: str | float, table: Table) -> str:
    """A number with the digits of its table; text as it is."""
    if isinstance(value, str):
        return value
    if not np.isfinite(value):
        return '\N{EN DASH}' if np.isnan(value) else f'{value}'
    if value and abs(value) < 10**-table.digits:
        return f'{value:.1e}'
    return f'{value:.{table.digits}f}'


def write_report(
    runs: Sequence[Run], predicted: Predicted, path: Path, is_quick: bool = False
) -> None:
    """Write the report of some runs as one file.

    Args:
        runs: One training, or several.
        predicted: What each of them predicts, or why that is not known.
        path: The file.
        is_quick: Whether figures are left out that take seconds to draw.

    Raises:
        OSError: If it cannot be written.
    """
    write_atomically(path, render(page_of(runs, predicted, is_quick)).encode())
