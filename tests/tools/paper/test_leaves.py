"""Configs and the page of the rows are what the tables write."""

from pathlib import Path

import pytest
from paper.leaves import command_of
from paper.rows import TABLES
from paper.write_configs import files

ROOT = Path(__file__).parents[3]
# Folders and files with configs of rows only.
WRITTEN = (
    'configs/ablation/*.py',
    'configs/fusion/**/*.py',
    'configs/_base_/fusion/*.py',
    'configs/translation/fusion/*.py',
    'configs/translation/sharing/*.py',
    'configs/translation/*_to_*.py',
)


def test_files_are_byte_for_byte_what_the_tables_write():
    """After a change of rows, call `python tools/paper/write_configs.py`."""
    differing = [
        path
        for path, text in files().items()
        if (ROOT / path).read_bytes() != text.encode()
    ]
    assert differing == []


def test_no_config_lies_beside_the_written_ones():
    found = {
        str(path.relative_to(ROOT))
        for pattern in WRITTEN
        for path in ROOT.glob(pattern)
        if 'nyud_half' not in path.stem  # which is no data of the paper
    }
    written = {path for path in files() if path.startswith('configs/')}
    assert found == written


def test_a_written_config_is_a_command_and_lines_that_fit():
    for path, text in files().items():
        if path.endswith('.py') and '_base_' not in path:
            assert text.split('\n')[2] == f'python tools/train.py {path}'
            assert max(map(len, text.split('\n'))) <= 88, path


def test_the_command_of_a_row_leads_to_its_settings():
    rows = [row for table in TABLES.values() for row in table.rows]
    texts = [command_of(row) for row in rows]
    others = 20 * 3 + 6 + 6  # places of fusions, and rows of Tables 8 and 9
    assert sum('--cfg-options' in text for text in texts) == others
    assert (
        'python tools/train.py configs/translation/sharing/shade_texture_to_rgb.py '
        '--cfg-options model.generator.convs=private '
        'model.generator.decoder_norms=private'
    ) in texts
    assert (
        'python tools/train.py configs/translation/fusion/align_rgb_edge_to_depth.py '
        '--cfg-options model.generator.fusion.stages="[conv8]"'
    ) in texts


@pytest.mark.parametrize(
    ('path', 'figures'),
    [
        ('ablation/exchange_all', "Paper's mIoU: 49.8, RGB 48.6, depth 39.0, Tables"),
        ('ablation/drop', "Paper's mIoU: 47.5, Sec. 4.1, additional ablations."),
        ('fusion/same/concat_all', 'with 129.4 M parameters, 11.2 M of them for the'),
        ('translation/depth_to_rgb', "Paper's FID / KID: 113.91 / 5.68, Table 5."),
        (
            'translation/rgb_edge_to_depth',
            "Paper's MAE / root of MSE: 0.028 / 0.066, Table 6.",
        ),
        (
            'translation/fusion/concat_shade_texture_to_rgb',
            'Early: 87.46 / 3.64\n    model.generator.fusion.stages="[conv1]"\n'
            'Middle: 95.16 / 4.67, as it stands\n',
        ),
        (
            'translation/sharing/shade_texture_depth_to_rgb',
            'unshared gamma, beta only: 92.25 / 4.02\n'
            '    model.generator.norms=private_affine\n',
        ),
    ],
)
def test_a_config_states_the_figures_of_its_rows(path, figures):
    assert figures in files()[f'configs/{path}.py']


def test_the_page_has_a_line_for_each_row_of_each_table():
    page = files()['docs/paper_rows.md']
    for key, table in TABLES.items():
        section = page.split(f'`--table {key}`\n')[1].split('\n## ')[0]
        lines = [line for line in section.split('\n') if line.startswith('| `')]
        header = section.split('| row |')[1].split('\n')[0].split('|')[:-1]
        header = ['row', *(name.strip() for name in header)]
        for row, line in zip(table.rows, lines, strict=True):
            cells = [cell.strip() for cell in line.split('|')[1:-1]]
            assert cells[0] == f'`{row.name}`'
            assert f'`{command_of(row)}`' in cells
            figures = {
                name: float(cell)
                for name, cell in zip(header, cells, strict=True)
                if name in row.paper
            }
            assert figures == row.paper
