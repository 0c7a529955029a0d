"""What a row of a table is made of: a config leaf, options, and the paper's figures."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Leaf:
    """A config file, which :mod:`paper.write_configs` writes.

    Args:
        path: Its path in the folder of configs, without the suffix.
        title: What it is, in a line.
        base: The leaf it adds its settings to, or paths of files in the folder of
            configs that others have written.
        settings: What it sets, by top-level name, as literal values.
        note: Sentences for the reader, beyond the figures.
        comments: A comment for the line of a setting, by top-level name.
        modality: The only modality of a unimodal network.
    """

    path: str
    title: str
    base: 'Leaf | tuple[str, ...]'
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ''
    comments: dict[str, str] = field(default_factory=dict)
    modality: str | None = None

    def chain(self) -> Iterator['Leaf']:
        """The leaves that this one is based on, and itself, the first one first."""
        if isinstance(self.base, Leaf):
            yield from self.base.chain()
        yield self


@dataclass(frozen=True)
class Row:
    """A training and the figures that the paper has of it.

    Args:
        name: Folder of its runs.
        cells: Its text in the first columns.
        paper: Figures by header.
        leaf: Its config.
        options: Settings in place of the leaf's, as by ``--cfg-options``.
    """

    name: str
    cells: tuple[str, ...]
    paper: dict[str, float]
    leaf: Leaf
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """The leaf's path in the folder of configs."""
        return f'{self.leaf.path}.py'

    @property
    def translates(self) -> bool:
        """Whether it is an image translation, and no segmentation."""
        return self.leaf.path.startswith('translation/')


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Args:
        columns: Headers of the first columns.
        metrics: Headers of the figures, and their keys in the log.
        rows: Its rows.
        claims: The paper's statements on it: of two rows, the first is the better one.
        units: Factors on the logged figures, by header.
        base: The row that all others are compared with, image by image.
    """

    columns: tuple[str, ...]
    metrics: dict[str, str]
    rows: list[Row]
    claims: tuple[tuple[str, str, str], ...] = ()
    units: dict[str, float] = field(default_factory=dict)
    base: str | None = None
