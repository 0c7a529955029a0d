"""What a page is made of; the template draws each kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar


class Html(str):
    """Text that stands on the page as it is."""

    def __html__(self) -> str:
        return self


@dataclass(frozen=True)
class Figure:
    """A plot or a picture with its title.

    Args:
        body: SVG, or an ``<img>``.
        title: Above it.
        legend: Name and number of the color of each curve.
        caption: Below it.
        width: ``'third'``, ``'half'`` or ``'wide'``, of the page.
    """

    kind: ClassVar[str] = 'figure'
    body: Html
    title: str
    legend: Sequence[tuple[str, int]] = ()
    caption: str = ''
    width: str = 'third'


@dataclass(frozen=True)
class Table:
    """Rows of cells; a click on a heading sorts them.

    Args:
        head: Headings.
        rows: Cells: text, or numbers, which stand to the right.
        title: Above it.
        caption: Below it.
        digits: Digits behind the point of numbers.
        bars: Headings of columns in percent that have bars behind the numbers.
        width: As of a figure.
    """

    kind: ClassVar[str] = 'table'
    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    title: str = ''
    caption: str = ''
    digits: int = 2
    bars: frozenset[str] = frozenset()
    width: str = 'wide'


@dataclass(frozen=True)
class Facts:
    """Names and values, two columns."""

    kind: ClassVar[str] = 'facts'
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Folded:
    """A long text that opens on a click."""

    kind: ClassVar[str] = 'folded'
    title: str
    text: str


@dataclass(frozen=True)
class Missing:
    """What is not there, and why."""

    kind: ClassVar[str] = 'missing'
    text: str


Block = Figure | Table | Facts | Folded | Missing


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        name: Anchor.
        title: Heading.
        blocks: What it shows, in order.
        lead: A sentence under the heading.
    """

    name: str
    title: str
    blocks: Sequence[Block]
    lead: str = ''


@dataclass(frozen=True)
class Tile:
    """One figure at the top of the page."""

    name: str
    value: str
    note: str = ''


@dataclass(frozen=True)
class Page:
    """A report.

    Args:
        title: Heading.
        state: ``finished``, ``running`` or ``stopped``; empty for several runs.
        words: What is said beside it.
        tiles: Figures at the top.
        sections: Parts.
        legend: Colors of the runs, if there are several.
        written: When and how the page was written.
    """

    title: str
    state: str
    words: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    legend: Sequence[tuple[str, int]] = ()
    written: str = field(default='')
