"""Commands on the pages: tools and configs take their options.

Those that need nothing are run by tests/tools/website/test_running.py.
"""

import re
import shlex

from _options import ToolParser
from website.blocks import PAGES, ROOT, all_blocks, commands, inline, tool_of

from mmseg_cen.command_line import SCRIPTS, tools
from mmseg_cen.config_files import merge_options, read_config

BLOCKS = all_blocks()
IN_BLOCKS = [
    (str(block), words)
    for block in BLOCKS
    if block.language == 'bash'
    for words in commands(block.code)
]
#: But for the rows of the paper, whose page is written from their configs.
IN_SENTENCES = [
    (f'{page.relative_to(ROOT)}:{line}', words)
    for page in PAGES
    if page.name != 'paper_rows.md'
    for line, words in inline(page)
]
COMMANDS = IN_BLOCKS + IN_SENTENCES
#: Programs of others, whose arguments are theirs.
OTHERS = (
    '.venv/bin/python', 'cd', 'export', 'mkdir', 'mkdocs', 'pip', 'pre-commit',
    'python', 'sbatch', 'unzip', 'wget', 'zip',
)  # fmt: skip
CONFIG = re.compile(r'configs/\S+\.py|mmseg(?:_cen)?::\S+\.py')
#: The last one has the options of the network that it is given: see its own test.
NOT_PARSED = ('--help', 'TOOL', 'run_tests.sh', 'deployment/onnx_example.py')
#: Options of tools/infer.py that the network decides about.
OF_FILES = re.compile(r'--(?:resize-)?(?:rgb|depth|thermal)(?:-unit|-invalid)?')
#: What a reader replaces, where a tool wants a number.
NUMBER = re.compile(r'^(?:[A-Z]|GPUS)$')


def called(words):
    """The Python tool that a command calls in the end, and its arguments."""
    name, arguments = tool_of(words)
    path = tools().get(name, ROOT / 'tools' / name).resolve()
    if path.stem in SCRIPTS:  # CONFIG [CHECKPOINT] GPUS
        number = 1 if path.stem == 'dist_train' else 2
        assert re.fullmatch(r'\d+|GPUS', arguments[number]), words
        arguments = [*arguments[:number], *arguments[number + 1 :]]
        path = path.with_name(path.stem.removeprefix('dist_') + '.py')
    elif path.suffix == '.sh':
        path = path.with_suffix('.py')
    return path, [NUMBER.sub('1', a) for a in arguments if a != '...']


def is_name(where, words):
    """Whether a sentence speaks of a tool, without a command."""
    return len(words) == 2 and (where, words) in IN_SENTENCES


def has_options(parsed):
    """Whether all options are known; infer.py returns those that the network has."""
    rest = parsed[1] if isinstance(parsed, tuple) else []
    return all(OF_FILES.fullmatch(word) for word in rest if word.startswith('-'))


def test_every_command_has_arguments_that_its_tool_takes(parse_arguments, capsys):
    wrong = []
    for where, words in COMMANDS:
        if tool_of(words) is None:
            known = words[0] in OTHERS
        elif tool_of(words)[0] in NOT_PARSED:
            known = True
        else:
            path, arguments = called(words)
            try:
                known = path.is_file() and (
                    is_name(where, words)
                    or has_options(parse_arguments(path, *arguments))
                )
            except SystemExit as end:
                known = end.code == 0
        if not known:
            *_, said = ['no such tool', *capsys.readouterr().err.splitlines()]
            wrong.append(f'{where}: {shlex.join(words)}: {said}')
    assert not wrong, '\n'.join(wrong)


def test_what_a_command_sets_has_a_place_in_its_config(unknown_names):
    """Configs without options are those of tests/test_configs.py."""
    wrong, seen = [], set()
    parser = ToolParser()
    parser.add_config_options()
    for where, words in COMMANDS:
        options = [word for word in words if re.match(r'[a-z_]\w*[.\w]*=', word)]
        for name in filter(CONFIG.fullmatch, words):
            if (name, *options) in seen or not (options or '::' in name):
                continue
            seen.add((name, *options))
            cfg = read_config(name if '::' in name else str(ROOT / name))
            given = ['--cfg-options', *options] if options else []
            merge_options(cfg, parser.parse_args(given).cfg_options or {})
            wrong += [f'{where}: {shlex.join(words)}: {w}' for w in unknown_names(cfg)]
    assert len(seen) > 10
    assert not wrong, '\n'.join(wrong)


def test_what_pip_installs_is_an_extra_of_the_package():
    project = (ROOT / 'pyproject.toml').read_text()
    part = project.partition('[project.optional-dependencies]')[2].partition('\n[')[0]
    extras = {*re.findall(r'^(\w+) = ', part, re.MULTILINE)}
    found = [
        extra
        for _, words in COMMANDS
        for word in words
        if (named := re.fullmatch(r'(?:\.|mmseg-cen)\[(.*)\]', word))
        for extra in named[1].split(',')
    ]
    assert len(found) > 5
    assert not {*found} - extras
