"""``python -m mmseg_cen TOOL ...`` and ``mmseg-cen TOOL ...``: the tools, installed.

A wheel has the tools and the configs in the folder ``.mim``, where OpenMMLab's packages
have theirs; in a clone, links lead from there to those of the repository. A tool takes
the place of this process before the package is imported, which takes seconds.
"""

import ast
import os
import sys
from difflib import get_close_matches
from pathlib import Path

MIM = Path(__file__).parent / '.mim'
FOLDERS = ('.', 'analysis', 'deployment', 'dataset_converters', 'model_converters')
#: Other names of tools that are called often.
SHORT = {
    'convert': 'analysis/convert_config.py',
    'flops': 'analysis/get_flops.py',
    'browse': 'analysis/browse_dataset.py',
}
#: Shell scripts that start as many processes as there are GPUs.
SCRIPTS = {
    'dist_train': 'Train: CONFIG GPUS [arguments of train]',
    'dist_test': 'Test: CONFIG CHECKPOINT GPUS [arguments of test]',
}


def is_called() -> bool:
    """Whether this process was started to become a tool."""
    if sys.argv[0] == '-m':  # while Python looks for what it runs
        return sys.orig_argv[sys.orig_argv.index('-m') + 1] == 'mmseg_cen'
    return Path(sys.argv[0]).stem == 'mmseg-cen'


def main() -> None:
    """Become the tool that the first argument names, or tell which there are."""
    name, arguments = (sys.argv[1] if sys.argv[1:] else '--help'), sys.argv[2:]
    if name in ('-h', '--help', 'help'):
        print(overview())
        sys.exit(0)
    found = tools()
    if name not in found:
        close = get_close_matches(name, found, n=1)
        advice = f'did you mean {close[0]!r}?' if close else 'see mmseg-cen --help'
        print(
            f'error: the tool must be one of mmseg-cen --help, got {name!r}: {advice}',
            file=sys.stderr,
        )
        sys.exit(2)
    path = found[name]
    # The Python that this is, for scripts, too.
    program, *before = ['bash'] if path.suffix == '.sh' else [sys.executable]
    # What scripts call, and what --help calls the tool, see tools/_options.py.
    environment = {'PYTHON': sys.executable, **os.environ, 'MMSEG_CEN_TOOL': name}
    os.execvpe(program, [program, *before, str(path), *arguments], environment)


def tools() -> dict[str, Path]:
    """The file of each tool, by its names."""
    root = MIM / 'tools'
    found = {
        path.stem: path
        for folder in FOLDERS
        for path in sorted((root / folder).glob('[!_]*.py'))
        if "\nif __name__ == '__main__':\n" in path.read_text(encoding='utf-8')
    }
    scripts = {name: root / f'{name}.sh' for name in SCRIPTS}
    return found | scripts | {name: root / path for name, path in SHORT.items()}


def overview() -> str:
    """What ``mmseg-cen --help`` prints."""
    others = {path: name for name, path in SHORT.items()}
    lines = [
        'usage: mmseg-cen TOOL [arguments of the tool]',
        '',
        'mmseg-cen TOOL --help tells the arguments of a tool. A config of the package',
        'is written as mmseg_cen::demo/cen_synthetic.py; all of them are in',
        f'{MIM / "configs"}.',
    ]
    folder = None
    for name, path in tools().items():
        place = path.relative_to(MIM / 'tools')
        if name in SHORT:
            continue
        if name not in SCRIPTS and place.parent != folder:
            folder = place.parent
            lines += ['', f'{folder.name or "train and test"}:'.replace('_', ' ')]
        elif name == next(iter(SCRIPTS)):
            lines += ['', 'several processes:']
        names = ', '.join(filter(None, (others.get(str(place)), name)))
        lines.append(f'  {names:<27} {SCRIPTS.get(name) or _summary(path)}')
    return '\n'.join(lines)


def _summary(path: Path) -> str:
    """The first line of a tool's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
    return text.partition('\n')[0].partition(': `')[0].rstrip('.')
