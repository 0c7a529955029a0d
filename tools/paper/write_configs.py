"""Write the configs that are rows of the paper's tables, and docs/paper_rows.md.

python tools/paper/write_configs.py

A row's settings and figures stand in tools/paper/segmentation.py and translation.py
only: change them there, and call this.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return ToolParser(description=__doc__.splitlines()[0]).parse_args(argv)


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

from paper.leaves import text_of_leaf
from paper.page import text_of_page
from paper.rows import leaves

from mmseg_cen.door import as_tool

ROOT = Path(__file__).parents[2]


def files() -> dict[str, str]:
    """The text of each written file, by its path in the repository."""
    texts = {f'configs/{leaf.path}.py': text_of_leaf(leaf) for leaf in leaves()}
    return {**texts, 'docs/paper_rows.md': text_of_page()}


@as_tool
def main() -> None:
    texts = files()
    for path, text in texts.items():
        (ROOT / path).write_text(text)
    print(f'{len(texts)} files are written')


if __name__ == '__main__':
    main()
