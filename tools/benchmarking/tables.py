"""Tables of Markdown."""

from typing import Any


def markdown(lines: list[list[Any]]) -> str:
    """Cells, the first line the head, as a table of Markdown."""
    head, *rows = lines
    rule = ['---'] * len(head)
    return '\n'.join(
        '| ' + ' | '.join(map(str, cells)) + ' |' for cells in (head, rule, *rows)
    )
