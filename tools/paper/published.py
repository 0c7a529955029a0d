"""Tables on pages of the documentation, below the commands that print them."""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg_cen.datasets.of_config import innermost
from mmseg_cen.disk import read_text, write_atomically

from .configs import network, networks_of
from .row import Table
from .runs import Run, run_config

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


def other_than_command(
    table: Table, runs: dict[str, list[Run]], args: argparse.Namespace
) -> str:
    """In what collected runs are others than the command of their page trains.

    Args:
        table: The table.
        runs: Its runs by the name of the row.
        args: The options of the command: ``data``, ``epochs`` and ``seeds``.

    Returns:
        Both, in words; empty if they are the same.

    Raises:
        ValueError: If a row has no network for such data.
    """
    found: dict[str, set[Any]] = dict(epochs=set(), seeds=set(), data=set())
    wanted: dict[str, set[Any]] = dict(epochs=set(), seeds={*args.seeds}, data=set())
    for row in table.rows:
        if args.data not in networks_of(row):
            raise ValueError(
                f'`--data` must be one of {list(networks_of(row))}, got {args.data!r}: '
                'the command of a page trains with it, name the data of the runs'
            )
        of_row = [run_config(run.folder) for run in runs.get(row.name, ())]
        for cfg in filter(None, of_row):
            trained = network(row, args.data)
            found['epochs'].add(cfg.train_cfg.max_epochs)
            wanted['epochs'].add(args.epochs or trained.train_cfg.max_epochs)
            found['seeds'].add((cfg.get('randomness') or {}).get('seed'))
            for kinds, config in ((found, cfg), (wanted, trained)):
                dataset = next(innermost(config.train_dataloader.dataset))
                kinds['data'].add(dataset['type'])
    return '; '.join(
        f'{key} {_listed(found[key])} and not {_listed(wanted[key])}'
        for key in found
        if found[key] != wanted[key]
    )


def _listed(values: set[Any]) -> str:
    return ', '.join(sorted(map(str, values)))


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
