"""The rows of the paper's tables, and of ours: settings and the paper's figures.

Configs that are rows are written by ``python tools/paper/write_configs.py``, and so is
docs/paper_rows.md; ``python tools/analysis/paper_tables.py`` trains them.
"""

from . import real, real_translation, segmentation, translation
from .row import Leaf, Row, Table

_ALL: dict[str, Table] = {**segmentation.TABLES, **translation.TABLES}
#: The paper's tables, and all.
TABLES: dict[str, Table] = {key: _ALL[key] for key in sorted(_ALL)}
ALL_TABLES: dict[str, Table] = TABLES | real.TABLES | real_translation.TABLES


def rows_of(leaf: Leaf) -> dict[str, list[Row]]:
    """The rows of the paper that have this config, by table."""
    found = {
        key: [row for row in table.rows if row.config == f'{leaf.path}.py']
        for key, table in TABLES.items()
    }
    return {key: rows for key, rows in found.items() if rows}


def leaves() -> list[Leaf]:
    """All configs that the tables write, those first that others are based on."""
    found = {leaf.path: leaf for leaf in segmentation.SETTINGS}
    for table in ALL_TABLES.values():
        for row in table.rows:
            found |= {leaf.path: leaf for leaf in row.leaf.chain()}
    return [*found.values()]
