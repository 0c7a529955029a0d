"""The blocks of code on the pages, and what the comments above them say.

Every block of ``bash`` and ``python`` is run by a test, or its comment says what it
needs that the tests have not. CONTRIBUTING.md has the rule.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')),
    *sorted((ROOT / 'docs').rglob('*.md')),
]

BLOCK = re.compile(
    r'(?:^ *<!-- (?P<note>[^\n]+) -->\n)?'
    r'^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$',
    re.DOTALL | re.MULTILINE,
)
#: What a comment may say that a block needs.
NEEDS = ('data', 'weights', 'a GPU', 'several GPUs', 'a network', 'minutes', 'hours')
#: A command in a sentence.
INLINE = re.compile(r'(?<!`)`((?:\w+=\S* )*(?:python|bash|mmseg-cen) [^`]*)`')
LOOP = re.compile(r'^for (\w+) in (.*?); do\n(.*?)^done\b', re.DOTALL | re.MULTILINE)
#: What stands before a command, or instead of one.
BEFORE = re.compile(r"^(?:wait$|(?:export )?[A-Z]\w*=\S*|/usr/bin/time -f '.*?') *")
#: Brackets around options that may be left out.
OPTIONAL = re.compile(r'(?<=\s)\[(-.*?)\](?=\s|$)')
#: What stands between commands of a line.
BETWEEN = ('&&', '|', '&', ';')


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The file.
        line: Where the code begins, from 1.
        language: Behind the three backticks.
        note: The comment in the line above them, or nothing.
        code: The lines, without the indentation of the block.
    """

    page: Path
    line: int
    language: str
    note: str
    code: str

    @property
    def needs(self) -> str:
        """What it needs that the tests have not, if anything."""
        return self.note.removeprefix('needs ') if 'needs ' in self.note else ''

    @property
    def test(self) -> str:
        """The test that runs it, or the name that a test finds it by, if any."""
        return '' if self.needs else self.note.removeprefix('run by ')

    def __str__(self) -> str:
        """Where it stands."""
        return f'{self.page.relative_to(ROOT)}:{self.line}'


def blocks(page: Path, text: str | None = None) -> Iterator[Block]:
    """All blocks of a page."""
    text = page.read_text(encoding='utf-8') if text is None else text
    for found in BLOCK.finditer(text):
        indent = re.compile(f'^{found["indent"]}', re.MULTILINE)
        yield Block(
            page,
            text.count('\n', 0, found.start('code')) + 1,
            found['language'],
            found['note'] or '',
            indent.sub('', found['code']),
        )


def all_blocks() -> list[Block]:
    """The blocks of all pages."""
    return [block for page in PAGES for block in blocks(page)]


def commands(code: str) -> Iterator[list[str]]:
    """The words of each command of a block of ``bash``, loops written out.

    Left out are comments, variables of the environment, and brackets around options.
    """
    for line in LOOP.sub(_repeated, code.replace('\\\n', ' ')).splitlines():
        line = OPTIONAL.sub(r'\1', line.strip())
        while found := BEFORE.match(line):
            line = line[found.end() :]
        words: list[str] = []
        for word in (*shlex.split(line, comments=True), '&&'):
            if word not in BETWEEN:
                words.append(word)
            elif words:
                yield words
                words = []


def _repeated(loop: re.Match[str]) -> str:
    """The body of a loop for each of its values."""
    name, values, body = loop.groups()
    return ''.join(body.replace(f'${name}', value) for value in values.split())


def inline(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Commands that stand in a sentence or a table, each with its line."""
    for number, line in enumerate(page.read_text(encoding='utf-8').splitlines(), 1):
        for code in INLINE.findall(line):
            for words in commands(code):
                yield number, words


def tool_of(words: list[str]) -> tuple[str, list[str]] | None:
    """The tool that a command calls, as its path below ``tools``, and its arguments."""
    for k, word in enumerate(words):
        if found := re.fullmatch(r'tools/([\w/]+\.(?:py|sh))', word):
            return found[1], words[k + 1 :]
    if words[:1] == ['mmseg-cen']:
        return words[1], words[2:]
    if words[:3] == ['python', '-m', 'mmseg_cen']:
        return words[3], words[4:]
    return None
