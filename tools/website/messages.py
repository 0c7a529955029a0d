"""What errors say, read from the code: each is a rule, a value and a fix."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What stands for a value in a message.
VALUE = '…'
#: A message, and no pattern of the messages of libraries.
RULE = re.compile(r'^(?!.*\(\.\*\)).* must .*got ', re.DOTALL)
#: A value that ``str.format`` fills in.
FIELD = re.compile(r'\{\d?(?:!r)?\}')


@lru_cache
def messages() -> dict[str, list[str]]:
    """The messages of each source of the package and the tools, by its path.

    Values are replaced by ``…``, which also stands for what a function puts together.
    """
    found: dict[str, list[str]] = {}
    for folder in ('mmseg_cen', 'tools'):
        for path in sorted((ROOT / folder).rglob('*.py')):
            tree = ast.parse(path.read_text(encoding='utf-8'))
            texts = {FIELD.sub(VALUE, t) for t in _texts(tree) if RULE.search(t)}
            if texts:
                found[path.relative_to(ROOT).as_posix()] = sorted(texts)
    return found


def page_of_messages() -> str:
    """All messages as a page in Markdown."""
    lines = [
        '# All messages',
        '',
        f'What errors say, from the code; `{VALUE}` stands for a value. Each has the '
        'rule, the value that was found and, behind the last colon, what to do. The '
        'frequent ones are explained in [troubleshooting.md](troubleshooting.md).',
    ]
    for name, texts in messages().items():
        lines += ['', f'## {name}', '']
        lines += [f'- ``` {" ".join(text.split())} ```' for text in texts]
    return '\n'.join(lines) + '\n'


def _texts(tree: ast.AST) -> Iterator[str]:
    """Strings that are no part of others."""
    pending = [tree]
    while pending:
        node = pending.pop()
        text = _text(node)
        if text is None:
            pending += ast.iter_child_nodes(node)
        else:
            yield text


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return ''.join(_text(value) or VALUE for value in values)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_text(left), _text(right)]
            return None if parts == [None, None] else ''.join(p or VALUE for p in parts)
    return None
