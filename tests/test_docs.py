"""What the pages of docs/ say about files and options is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.name for path in (ROOT / 'docs').glob('*.md'))
FILE = r'(?:configs|tools|tests|docs|requirements)/[\w/-]+\.(?:py|sh|md|txt)'


@pytest.mark.parametrize('page', PAGES)
def test_every_path_that_is_named_exists(page):
    named = re.findall(rf'(?<![\w/]){FILE}', (ROOT / 'docs' / page).read_text())
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize('page', PAGES)
def test_every_option_of_a_command_is_one_of_its_tool(page):
    text = (ROOT / 'docs' / page).read_text().replace('\\\n', ' ')
    for tool, rest in re.findall(r'python (tools/[\w/]+\.py)([^`\n]*)', text):
        source = (ROOT / tool).read_text()
        if 'add_arguments(parser)' in source:
            source += (ROOT / 'mmseg_cen/datasets/preparation.py').read_text()
        if 'from paper.tables import main' in source:
            source += (ROOT / 'tools/paper/tables.py').read_text()
        for option in re.findall(r'(?<= )--[\w-]+', rest):
            assert f"'{option}'" in source, f'{tool} has no {option}'
