"""All pages: links lead somewhere, named paths exist, commands have their options."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS
from torch.testing import assert_close

ROOT = Path(__file__).parents[1]
DOCS = ROOT / 'docs'
FRONT = [ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')]
PAGES = [*FRONT, *sorted(DOCS.glob('*.md'))]
EACH_PAGE = pytest.mark.parametrize(
    'page', PAGES, ids=lambda page: str(page.relative_to(ROOT))
)

FENCE = re.compile(r'^```.*?^```', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
HEADING = re.compile(r'^#+ +(.+?) *$', re.MULTILINE)
FOLDERS = 'configs|docs|mmseg_cen|requirements|tests|tools'
PATH = re.compile(rf'(?<![\w/.-])(?:{FOLDERS})/[\w./*{{}},-]*')
COMMAND = re.compile(r'python (tools/[\w/]+\.py)([^`\n#|]*)')
OPTION = re.compile(r'(?<![\w-])--[a-z][\w-]*')


def links(text: str) -> list[str]:
    """Targets of the links to files of the repository."""
    prose = re.sub(r'`[^`\n]*`', '', FENCE.sub('', text))
    return [link for link in LINK.findall(prose) if ':' not in link]


@lru_cache
def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as the forge makes them."""
    headings = HEADING.findall(FENCE.sub('', page.read_text(encoding='utf-8')))
    kept = (re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings)
    return {heading.replace(' ', '-') for heading in kept}


def dead_links(text: str, folder: Path) -> list[str]:
    """Links of a page in ``folder`` that lead nowhere."""
    dead = []
    for link in links(text):
        name, _, anchor = link.partition('#')
        target = folder / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


def paths(text: str) -> list[str]:
    """Paths of the repository that a page names, with ``*`` and ``{a,b}``."""
    return [path.rstrip('.,') for path in PATH.findall(text)]


def alternatives(path: str) -> list[str]:
    """The paths that ``{a,b}`` in a path stands for."""
    if not (braces := re.search(r'\{([^{}]*)\}', path)):
        return [path]
    start, end = path[: braces.start()], path[braces.end() :]
    middles = braces[1].split(',')
    return [p for middle in middles for p in alternatives(start + middle + end)]


def missing_paths(text: str) -> list[str]:
    """Named paths that do not exist, or match nothing."""
    single = {p for path in paths(text) for p in alternatives(path)}
    return sorted(path for path in single if not any(ROOT.glob(path.rstrip('/'))))


def options(text: str) -> list[tuple[str, str]]:
    """Tools with their options, as commands of a page name them."""
    commands = COMMAND.findall(text.replace('\\\n', ' '))
    return [
        (tool, option) for tool, rest in commands for option in OPTION.findall(rest)
    ]


def files_of(module: str, beside: Path) -> list[Path]:
    """Sources of a module of this repository: a file, or all files of a package."""
    for root in (beside, ROOT / 'tools', ROOT):
        place = root / module.replace('.', '/')
        if place.with_suffix('.py').is_file():
            return [place.with_suffix('.py')]
        if (place / '__init__.py').is_file():
            return sorted(place.glob('*.py'))
    return []


@lru_cache
def options_of(source: Path) -> frozenset[str]:
    """Options that are written in a tool, or in a module that the tool imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Constant) and OPTION.fullmatch(str(node.value)):
            found.add(str(node.value))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            of_tools = ROOT / 'tools' in source.parents
            for file in files_of(node.module, source.parent) if of_tools else []:
                found |= options_of(file)
    return frozenset(found)


def unknown_options(text: str) -> list[str]:
    """Options in commands of a page that their tool does not have."""
    return [
        f'{tool} {option}'
        for tool, option in options(text)
        if not (ROOT / tool).is_file() or option not in options_of(ROOT / tool)
    ]


@EACH_PAGE
def test_a_page_is_checked_and_has_no_dead_end(page):
    text = page.read_text(encoding='utf-8')
    assert links(text) or paths(text) or options(text)
    assert not dead_links(text, page.parent)
    assert not missing_paths(text)
    assert not unknown_options(text)


def test_links_paths_and_options_are_seen():
    """Else, the test of the pages could not fail."""
    text = '\n'.join(page.read_text(encoding='utf-8') for page in PAGES)
    assert len(links(text)) > 60
    assert any('#' in link for link in links(text))
    assert len(set(paths(text))) > 80
    assert len(set(options(text))) > 20
    assert ('tools/dataset_converters/nyudv2.py', '--check') in options(text)


@pytest.mark.parametrize(
    ('text', 'check'),
    [
        ('[a](no_such_page.md)', lambda text: dead_links(text, DOCS)),
        ('[a](models.md#no-such-heading)', lambda text: dead_links(text, DOCS)),
        ('`configs/cen/no_such.py`', missing_paths),
        ('configs/cen/{pspnet_r101,no_such}_nyud.py.', missing_paths),
        ('`tools/analysis/no_such_*.py`', missing_paths),
        ('python tools/train.py CONFIG \\\n    --no-such', unknown_options),
        ('python tools/no_such.py --jobs 2', unknown_options),
    ],
)
def test_a_dead_end_is_found(text, check):
    assert len(check(text)) == 1


def test_the_index_links_every_page():
    index = DOCS / 'README.md'
    linked = {link.partition('#')[0] for link in links(index.read_text('utf-8'))}
    pages = {page.name for page in DOCS.glob('*.md')} - {index.name}
    assert not pages - linked


def test_the_data_set_of_any_modalities_loads(tmp_path):
    page = (DOCS / 'modalities.md').read_text('utf-8')
    block = re.search(r'<!-- dataset -->\n```python\n(.*?)```', page, re.DOTALL)
    scope: dict = {}
    exec(block[1], scope)
    for name, file, image in [
        ('color', 'a.jpg', np.full((480, 640, 3), 90, np.uint8)),
        ('depth', 'a.png', np.full((480, 640), 1500, np.uint16)),
        ('labels', 'a.png', np.ones((480, 640), np.uint8)),
    ]:
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / file), image)
    (tmp_path / 'thermal').mkdir()
    np.save(tmp_path / 'thermal/a.npy', np.full((480, 640), 300, np.float32))
    (tmp_path / 'train.txt').write_text('a\n')
    data = DATASETS.build({**scope['dataset'], 'data_root': str(tmp_path)})
    sample = data[0]
    assert len(sample['inputs']) == 3 + 1 + 1
    assert_close(sample['inputs'][3].max().item(), 1.5)
    assert sample['inputs'][4].max() == 300
    assert list(sample['data_samples'].modalities) == ['rgb', 'depth', 'thermal']
