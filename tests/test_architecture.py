"""The house: which folder may import which, and how long a file may be."""

import ast
from pathlib import Path

import pytest

import mmseg_cen

PACKAGE = Path(mmseg_cen.__file__).parent

#: Folders and files of the package, floor by floor. Each imports from lower floors
#: only; neighbors on one floor do not know each other.
FLOORS = [
    # What everything stands on: how tools are called, repairs of the libraries, files,
    # how a mistake is said, laws of stored values.
    (
        'command_line',
        'compat',
        'config_types',
        'corruptions',
        'disk',
        'logged_losses',
        'mistakes',
        'once',
        'plausibility',
        'progress',
        'sentinels',
        'slurm',
        'version',
    ),
    # The idea, for any network; scenes to try it on; modalities and their options; how
    # tools begin and end.
    ('streams', 'rooms', 'modality', 'config_files', 'door', 'short_log'),
    # What is done with streams, with files, checkpoints and pictures; how networks run.
    (
        'fusion',
        'freezing',
        'datasets',
        'transforms',
        'visualization',
        'released',
        'checkpoints',
        'modes',
        'zoos',
    ),
    # The seams of the toolbox: backbones, heads, segmentor; converters of data sets.
    ('models', 'preparation'),
    # What a training and a test call.
    ('hooks', 'loops', 'metrics', 'launch', 'cpu_processes'),
    # Image translation, which has networks, data sets, metrics and hooks of its own.
    # So do several tasks at once.
    ('translation', 'multitask'),
    # Files of trained networks, of either kind, that other programs run.
    ('deployment',),
    # From files and arrays to predictions, by trained networks and exported ones.
    ('inference',),
    # The package itself, which registers all of it.
    ('mmseg_cen',),
]
FLOOR = {name: i for i, floor in enumerate(FLOORS) for name in floor}

#: Libraries that only some runs need: no module imports them, but a function does.
SLOW = {'h5py', 'matplotlib', 'onnxruntime', 'scipy', 'tifffile'}

#: A file of more lines says in its first comment why it is one.
MAX_LINES = 300


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob('*.py'))


def house(path: Path) -> str:
    """Folder or file of the package that a source belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    whole = ('__init__.py', '__main__.py')
    return 'mmseg_cen' if first in whole else first.removesuffix('.py')


def imported(path: Path) -> set[str]:
    """Folders and files of the package that a source imports, wherever it does."""
    parents = ('mmseg_cen', *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else ()
            module = '.'.join([*base, *([node.module] if node.module else [])])
            modules = [f'{module}.{alias.name}' for alias in node.names]
        for module in modules:
            package, *rest = module.split('.')
            if package == 'mmseg_cen' and rest:
                found.add(rest[0])
    return found & FLOOR.keys() - {house(path)}


def test_every_folder_stands_on_a_floor():
    assert {house(path) for path in sources()} == FLOOR.keys()


def test_the_graph_of_imports_is_seen():
    """Else, the next tests could not fail."""
    arrows = {(house(path), to) for path in sources() for to in imported(path)}
    assert ('models', 'streams') in arrows
    assert ('fusion', 'streams') in arrows
    assert ('translation', 'hooks') in arrows
    assert len(arrows) > 25


def test_imports_go_down_and_thus_make_no_ring():
    upward = [
        f'{path.relative_to(PACKAGE)} imports {to}'
        for path in sources()
        for to in sorted(imported(path))
        if FLOOR[to] >= FLOOR[house(path)]
    ]
    assert not upward


def test_streams_know_nothing_of_segmentation():
    seen = {
        line.strip()
        for path in (PACKAGE / 'streams').glob('*.py')
        for line in path.read_text(encoding='utf-8').splitlines()
        if 'import' in line and 'mmseg.' in line and 'mmseg.registry' not in line
    }
    assert not seen


def test_no_import_hides_in_a_function():
    hidden = [
        f'{path.relative_to(PACKAGE)}:{node.lineno}'
        for path in sources()
        for function in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom)
        and (node.level or (node.module or '').startswith('mmseg_cen'))
    ]
    assert not hidden


def test_what_only_some_runs_need_is_imported_where_it_is_used():
    """Imports of other libraries stand in functions for this reason only."""
    early, late = set(), set()
    for path in sources():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        for node in ast.walk(tree):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            found = early if node in tree.body else late
            found |= {module.split('.')[0] for module in modules}
    assert not early & SLOW
    assert late - early == SLOW


def test_libraries_are_changed_in_one_file():
    """By assignment; elsewhere, what they offer for it is used: registries."""
    changing = {
        path.relative_to(PACKAGE).as_posix()
        for path in sources()
        for node in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Attribute) for target in node.targets)
    }
    assert changing == {'transforms/watching.py'}


@pytest.mark.parametrize('root', [PACKAGE, PACKAGE.parent / 'tools'])
def test_long_files_say_why(root):
    silent = []
    for path in root.rglob('*.py'):
        lines = path.read_text(encoding='utf-8').splitlines()
        if len(lines) > MAX_LINES:
            comment = next((line for line in lines if line.startswith('# ')), '')
            if 'one file' not in comment:
                silent.append(f'{path.relative_to(root)}: {len(lines)} lines')
    assert not silent


def test_public_names_are_exported_once():
    twice = []
    for path in PACKAGE.rglob('__init__.py'):
        text = path.read_text(encoding='utf-8')
        aliases = [
            alias
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        names = {alias.name for alias in aliases}
        renamed = any(alias.asname for alias in aliases)
        if len(names) < len(aliases) or renamed or '__all__' in text:
            twice.append(str(path.relative_to(PACKAGE)))
    assert not twice
