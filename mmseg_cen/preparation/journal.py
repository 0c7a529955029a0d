"""The journal of a conversion: which samples are finished, so that it can go on.

The first line is the header, what all samples depend on; each other line is the
:class:`Record` of a finished sample. `meta.json` replaces the journal in the end.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmseg_cen.disk import write_atomically

from .files import fingerprint_file
from .layout import META, Record, read_meta
from .plan import Plan

JOURNAL = '.journal.jsonl'


def make_header(plan: Plan) -> dict[str, Any]:
    """What all samples of a data set depend on, as JSON stores it."""
    header = dict(
        dataset=plan.dataset,
        options=dict(plan.options),
        folders={name: asdict(folder) for name, folder in plan.folders.items()},
        sources={
            name: fingerprint_file(path)
            for name, path in zip(_names(plan.sources), plan.sources, strict=True)
        },
    )
    return dict(json.loads(json.dumps(header)))


def _names(paths: Sequence[str]) -> list[str]:
    """Names of files, with their folder if that alone tells them apart."""
    count = Counter(Path(path).name for path in paths)
    return [
        '/'.join(Path(path).parts[-1 if count[Path(path).name] == 1 else -2 :])
        for path in paths
    ]


def open_journal(
    out: Path, header: dict[str, Any], stems: Collection[str]
) -> dict[str, Record]:
    """Records of the finished samples, from the journal or `meta.json`.

    Records of other ``stems`` are forgotten, and their files removed; all of them if
    options or download have changed.

    Args:
        out: The folder that is written.
        header: What all samples depend on, see :func:`make_header`.
        stems: The samples that are wanted.

    Raises:
        ValueError: If the folder holds another data set.
    """
    path = out / JOURNAL
    old: dict[str, Any] | None = None
    records: dict[str, Record] = {}
    if path.is_file():
        old, records = _read_journal(path)
    elif (out / META).is_file():
        meta = read_meta(out)
        old = {key: meta.get(key) for key in header}
        records = {s['stem']: Record(**s) for s in meta['samples']}
    if old is not None and old['dataset'] != header['dataset']:
        raise ValueError(
            f'`out` must be a folder of {header["dataset"]}, got {out}, which holds '
            f'{old["dataset"]}: choose another folder'
        )
    changed = old is not None and _text(old) != _text(header)
    if changed:
        print('options or download have changed: all samples are converted again')
    for stem in [stem for stem in records if changed or stem not in stems]:
        for name, folder in (old or header)['folders'].items():
            (out / name / f'{stem}{folder["suffix"]}').unlink(missing_ok=True)
        del records[stem]
    lines = [json.dumps(header) + '\n', *map(journal_line, records.values())]
    write_atomically(path, ''.join(lines).encode())
    return records


def _text(header: dict[str, Any]) -> str:
    """A header as text: NaN, which an option may be, equals itself there."""
    return json.dumps(header, sort_keys=True)


def journal_line(record: Record) -> str:
    """The line that enters a finished sample into the journal."""
    return json.dumps(asdict(record)) + '\n'


def _read_journal(path: Path) -> tuple[dict[str, Any] | None, dict[str, Record]]:
    header, records = None, {}
    for line in path.read_text(errors='replace').splitlines():
        try:
            values = json.loads(line)
            if header is None:
                header = dict(values)
            else:
                records[values['stem']] = Record(**values)
        except (ValueError, TypeError, KeyError):
            break  # the line that was being written when the process was killed
    return header, records
