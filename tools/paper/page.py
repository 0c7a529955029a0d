"""The page of docs/ that lists every row: command, and the paper's figures."""

from .leaves import command_of
from .row import Row, Table
from .rows import TABLES

HEADER = """# The rows of the paper's tables

A row is a training: its command, and the figures of the paper. The commands are for the
paper's data, and need a GPU, and for segmentation ImageNet weights. A whole table, on
other data, with several seeds and the measured figures beside the paper's:

<!-- needs hours -->
```bash
python tools/analysis/paper_tables.py --table 1 --train --data synthetic --seeds 0 1
python tools/analysis/paper_tables.py --table 1 --train --rows no_exchange exchange_half
```

[Ablations](ablations.md) explains this tool and has the figures measured here, and
[fusion](fusion.md) the settings of Table 2. This page and the configs of its rows are
written by `python tools/paper/write_configs.py`, from the rows in `tools/paper/`.
"""
NOTES = {
    '1': 'mIoU in percent. "Own part" is the paper\'s half of the channels.',
    '2': 'mIoU in percent, parameters in millions.',
    '4': 'Streams are fused behind the first, fourth, last or all encoder layers.',
    '6': 'Both errors times 10, as in the paper.',
    '7': 'mIoU in percent; rows of Table 1, and five more.',
    '8': 'Figures of the streams, and of the ensemble.',
    '9': 'Figures of the streams, and of the ensemble.',
    'ablations': 'mIoU in percent.',
}


def text_of_page() -> str:
    """The whole page."""
    return HEADER + ''.join(
        f'\n{_section(key, table)}' for key, table in TABLES.items()
    )


def _section(key: str, table: Table) -> str:
    title = f'Table {key}' if key.isdigit() else 'Sec. 4.1, additional ablations'
    names = {name for row in table.rows for name in row.paper}
    headers = (*table.metrics, 'Params (M)', 'Fusion (M)')
    figures = [name for name in headers if name in names]
    digits = 2 if table.rows[0].translates else 1
    lines = [['row', *table.columns, 'command', *figures]]
    lines.append(['---'] * len(lines[0]))
    lines += [_line(row, figures, digits) for row in table.rows]
    text = ''.join(f'| {" | ".join(line)} |\n' for line in lines)
    note = f'{NOTES[key]}\n\n' if key in NOTES else ''
    return f'## {title}: `--table {key}`\n\n{note}{text}'


def _line(row: Row, figures: list[str], digits: int) -> list[str]:
    values = [
        f'{row.paper[name]:.{digits}f}' if name in row.paper else '' for name in figures
    ]
    return [f'`{row.name}`', *row.cells, f'`{command_of(row)}`', *values]
