"""Python source of a config, in the order of its keys."""

import textwrap
from keyword import iskeyword
from typing import Any

WIDTH = 88


class Name(str):
    """A value that is written as the name of another one."""


def text_of(value: Any, indent: int = 0, taken: int = 0) -> str:
    """Python source of ``value``, in the order of its keys.

    The dump of mmengine sorts the keys, and thereby the streams.

    Args:
        value: A config, or a part of it.
        indent: Indentation of all lines but the first.
        taken: Columns of the first and the last line that other text takes.
    """
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict) and all(map(_is_name, value)):
        start, end = 'dict(', ')'
        parts = [f'{k}={text_of(v, indent + 4, len(k) + 2)}' for k, v in value.items()]
    elif isinstance(value, dict):
        start, end = '{', '}'
        parts = [
            f'{k!r}: {text_of(v, indent + 4, len(repr(k)) + 3)}'
            for k, v in value.items()
        ]
    elif isinstance(value, (list, tuple)):
        start, end = '()' if isinstance(value, tuple) else '[]'
        parts = [text_of(part, indent + 4, 1) for part in value]
    else:
        return repr(value)
    line = ', '.join(parts)
    if isinstance(value, tuple) and len(value) == 1:
        line += ','
    if '\n' not in line and indent + taken + len(line) + len(start) + 1 <= WIDTH:
        return f'{start}{line}{end}'
    margin = ' ' * (indent + 4)
    if isinstance(value, (list, tuple)) and all(len(part) < 30 for part in parts):
        words = ' '.join(f'{part},'.replace(' ', '\0') for part in parts)
        lines = textwrap.wrap(words, WIDTH - len(margin), break_on_hyphens=False)
        body = '\n'.join(margin + line.replace('\0', ' ') for line in lines)
    else:
        body = '\n'.join(f'{margin}{part},' for part in parts)
    return f'{start}\n{body}\n{" " * indent}{end}'


def _is_name(key: Any) -> bool:
    return str(key).isidentifier() and not iskeyword(str(key))


def source(cfg: dict[str, Any]) -> str:
    """Python source of a config file: a statement for each top-level name."""
    return ''.join(
        f'{key} = {text_of(value, 0, len(key) + 3)}\n' for key, value in cfg.items()
    )
