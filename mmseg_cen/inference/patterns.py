"""Patterns of paths, ``'d/*_rgb.png'``: the files, and what their stars match."""

import glob
import os
import re


def match_files(path: str) -> tuple[list[str], list[str]]:
    """The files of a pattern, sorted, and a key of each: what the wildcards match."""
    folder, rest = existing_folder(re.sub('/+', '/', path))  # as glob spells its files
    wanted = glob.escape(folder) + rest
    items = sorted(f for f in glob.glob(wanted, recursive=True) if os.path.isfile(f))
    pattern = re.compile(re.escape(folder) + _pattern(rest).pattern)
    found = [pattern.fullmatch(item) for item in items]
    return items, ['/'.join(g for g in m.groups() if g) if m else '' for m in found]


def existing_folder(path: str) -> tuple[str, str]:
    """The folder a pattern begins with, and its rest; ``a [1]/`` may be a name."""
    parts = path.split('/')
    count = next(
        (n for n in range(len(parts) - 1, 0, -1) if os.path.isdir('/'.join(parts[:n]))),
        0,
    )
    folder = ''.join(f'{part}/' for part in parts[:count])
    return folder, path.removeprefix(folder)


def _pattern(path: str) -> re.Pattern[str]:
    """A pattern of a shell as an expression whose groups are what its stars match.

    Wildcards side by side are one group: ``00[0-4]?.png`` has ``31`` of ``0031.png``.
    """
    wildcard = r'\*+|\?|\[[^]]*\]'
    words = {'*': '[^/]*', '**': '.*', '?': '[^/]'}

    def group(wildcards: str) -> str:
        if wildcards == '**/':
            return '(?:(.*)/)?'
        parts = re.findall(wildcard, wildcards)
        return f'({"".join(words.get(w, w.replace("[!", "[^")) for w in parts)})'

    parts = re.split(rf'(\*\*/|(?:{wildcard})+)', path)
    return re.compile(
        ''.join(group(p) if i % 2 else re.escape(p) for i, p in enumerate(parts))
    )
