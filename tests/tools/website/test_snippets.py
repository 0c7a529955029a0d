"""Python on the pages: configs name what there is, and code runs.

A block whose comment names a test is run by that one; any other is read as a config, or
run here.
"""

import ast
import importlib
import re

import pytest
from website.blocks import ROOT, Block, all_blocks

from mmseg_cen.config_files import read_config

PYTHON = [block for block in all_blocks() if block.language == 'python']
#: `...` among arguments, in place of others.
LEFT_OUT = re.compile(r',\s*\.\.\.(?=\s*[,)\]])|(?<=[,\[(]\n)\s*\.\.\.,?\n')
CODE = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.For)


def parsed(block):
    return ast.parse(LEFT_OUT.sub('', block.code))


def is_config(block):
    """Whether code is data: no imports, no definitions."""
    return not any(isinstance(node, CODE) for node in parsed(block).body)


def values_of(block, folder):
    """What a config gives, or each statement of a piece of one."""
    if '_base_' in block.code:
        (folder / 'snippet.py').write_text(block.code)
        return read_config(str(folder / 'snippet.py'))
    scope = {}
    values = []
    for node in parsed(block).body:
        values.append(
            eval(compile(ast.Expression(node.value), str(block), 'eval'), scope)
        )
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            scope[node.targets[0].id] = values[-1]
    return values


@pytest.mark.parametrize(
    'block', [b for b in PYTHON if is_config(b) and not b.note], ids=str
)
def test_a_config_names_types_and_arguments_that_there_are(
    block, unknown_names, tmp_path
):
    assert not unknown_names(values_of(block, tmp_path))


@pytest.mark.parametrize('block', [b for b in PYTHON if not is_config(b)], ids=str)
def test_what_code_imports_is_there(block):
    for node in ast.walk(parsed(block)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize(
    'block', [b for b in PYTHON if not (is_config(b) or b.test or b.needs)], ids=str
)
def test_code_runs(block, registries, model):
    exec(compile(block.code, str(block), 'exec'), dict(model=model))


@pytest.mark.parametrize(
    ('code', 'wrong'),
    [
        ("dict(type='LoadModalites')", 'LoadModalites'),
        (
            "hook = dict(type='ExchangeStatsHook', intervall=5)",
            'ExchangeStatsHook(intervall=)',
        ),
        (
            "data = dict(dataset=dict(type='NYUDv2Dataset', depht=1))",
            'NYUDv2Dataset(depht=)',
        ),
    ],
)
def test_a_wrong_name_is_found(code, wrong, unknown_names, tmp_path):
    block = Block(ROOT / 'README.md', 1, 'python', '', code)
    assert unknown_names(values_of(block, tmp_path)) == [wrong]
