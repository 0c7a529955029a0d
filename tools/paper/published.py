"""Tables on pages of the documentation, below the commands that print them."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmseg_cen.disk import read_text, write_atomically

#: Options that say where something is, or how many are trained at a time.
_ELSEWHERE = ('--page', '--work-dir', '--jobs', '--collect', '--train', '--debug')


def command_of(argv: Sequence[str]) -> str:
    """The command that trains and prints a table, from the options of a call.

    Without the places of one's own machine; of weights, the name of the file.
    """
    options: list[list[str]] = []
    for word in argv:
        name, *value = word.split('=', 1) if word.startswith('--') else (word,)
        if word.startswith('--'):
            options.append([name, *value])
        else:
            options[-1].append(word)
    kept = [words for words in options if words[0] not in _ELSEWHERE]
    for words in kept:
        if words[0] == '--weights':
            words[1] = Path(words[1]).name
    table, *others = kept
    words = [*table, '--train', *(word for option in others for word in option)]
    return shlex.join(['python', 'tools/analysis/paper_tables.py', *words])


def publish(page: Path, name: str, text: str) -> None:
    """Write a table on a page, in place of what it had of this name.

    What people have written around it stays. A page that does not have it yet gets it
    at its end.

    Args:
        page: The file; made if it does not exist.
        name: Name of the table.
        text: The table, and all that belongs to it.
    """
    begin, end = f'<!-- {name}: begin -->', f'<!-- {name}: end -->'
    block = f'{begin}\n\n{text}\n\n{end}'
    before = read_text(page) if page.exists() else '# Results\n'
    known = re.compile(f'{re.escape(begin)}.*?{re.escape(end)}', re.DOTALL)
    if known.search(before):
        after = known.sub(lambda _: block, before)
    else:
        after = f'{before.rstrip()}\n\n{block}\n'
    write_atomically(page, after.encode())
