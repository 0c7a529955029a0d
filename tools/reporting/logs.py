"""What the logs of a training tell in words: versions, machine, classes, tests."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mmseg_cen.visualization.scalars import read_log

TIME = re.compile(r'^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) - ', re.MULTILINE)
VALIDATED = re.compile(r'Epoch\(val\)\s+\[(\d+)\]')
PROGRESS = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
#: Lines of the log's beginning, or of mmengine's description of the environment.
LINES = {
    'command': re.compile(r'^command: (.+)$', re.MULTILINE),
    'config': re.compile(r'^    config: (.+)$', re.MULTILINE),
    'versions': re.compile(r'^    (Python [\d.]+, torch .+)$', re.MULTILINE),
    'Python': re.compile(r'^    Python: (\S+)', re.MULTILINE),
    'torch': re.compile(r'^    PyTorch: (\S+)', re.MULTILINE),
    'mmengine': re.compile(r'^    MMEngine: (\S+)', re.MULTILINE),
    'processes': re.compile(r'^    (\d+ process.+)$', re.MULTILINE),
    'GPU': re.compile(r'^    GPU [\d,]+: (.+)$', re.MULTILINE),
    'GPUs': re.compile(r'^    GPU number: (\d+)$', re.MULTILINE),
    'compiler': re.compile(r'^    GCC: (.+)$', re.MULTILINE),
    'machine': re.compile(r'^machine: (.+)$', re.MULTILINE),
    'training data': re.compile(r'^training data: (.+)$', re.MULTILINE),
    'validation data': re.compile(r'^validation data: (.+)$', re.MULTILINE),
    'seed': re.compile(r'^    seed: (\S+)$', re.MULTILINE),
}


@dataclass(frozen=True)
class Facts:
    """What the logs tell.

    Args:
        lines: By the names of :data:`LINES`, of the last start that has them.
        batches: Batches of an epoch; 0 if unknown.
        full_epochs: Epochs that were trained to their end.
        spent: How long all starts have run.
        last: When the last line was logged.
        classes: The last table of classes: by the name of each class, the values by the
            heading of the column, e.g. ``'rgb IoU'``, in percent.
        tests: Metrics of each test whose log lies in the work directory, by its time.
        warnings: Warnings of the last start.
    """

    lines: dict[str, str] = field(default_factory=dict)
    batches: int = 0
    full_epochs: frozenset[int] = frozenset()
    spent: timedelta = timedelta()
    last: datetime | None = None
    classes: dict[str, dict[str, float]] = field(default_factory=dict)
    tests: dict[str, dict[str, float]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_logs(folder: Path, starts: tuple[Path, ...]) -> Facts:
    """Read the logs of all starts, and the results of tests, of a work directory."""
    lines: dict[str, str] = {}
    spent, last, batches = timedelta(), None, 0
    full: set[int] = set()
    classes: dict[str, dict[str, float]] = {}
    warnings: tuple[str, ...] = ()
    for start in starts:
        log = read_log(start)
        for text in (_text(start / 'start.log'), log):
            for name, pattern in LINES.items():
                if found := pattern.search(text):
                    lines.setdefault(name, '')
                    lines[name] = found[1]
        times = [
            datetime.strptime(time, '%Y/%m/%d %H:%M:%S') for time in TIME.findall(log)
        ]
        if times:
            spent, last = spent + (times[-1] - times[0]), times[-1]
        for epoch, batch, of in PROGRESS.findall(log):
            batches = int(of)
            full.add(int(epoch) if batch == of else int(epoch) - 1)
        full |= {int(epoch) for epoch in VALIDATED.findall(log)}
        classes = class_table(log) or classes
        warnings = tuple(dict.fromkeys(_warnings(log)))
    return Facts(
        lines, batches, frozenset(full), spent, last, classes, _tests(folder), warnings
    )


def class_table(log: str) -> dict[str, dict[str, float]]:
    """The last table of classes in a log, by the names of the classes."""
    _, marker, rest = log.rpartition('per class results:')
    if not marker:
        return {}
    _, *lines = rest.splitlines() or ['']
    if lines and not lines[0].startswith('+'):  # the toolbox logs the table by itself
        lines = lines[1:]
    rows = []
    for line in lines:
        if not line.startswith(('|', '+')):
            break
        if line.startswith('|'):
            rows.append([cell.strip() for cell in line.strip('|').split('|')])
    if len(rows) < 2:
        return {}
    head, *body = rows
    return {
        row[0]: dict(zip(head[1:], map(_number, row[1:]), strict=True))
        for row in body
        if len(row) == len(head)
    }


def _tests(folder: Path) -> dict[str, dict[str, float]]:
    found = {}
    for path in sorted((*folder.glob('*/*.json'), *folder.glob('*/*/*.json'))):
        if path.stem != path.parent.name:
            continue  # `<time>/vis_data/<time>.json` is the log of a training
        try:
            values = json.loads(path.read_text())
        except (OSError, json.JSONDecodeError):
            continue
        if isinstance(values, dict):
            name = str(path.parent.relative_to(folder))
            found[name] = {k: v for k, v in values.items() if _is_figure(k, v)}
    return found


def _is_figure(key: str, value: object) -> bool:
    return isinstance(value, int | float) and key not in ('time', 'data_time')


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float('nan')


def _warnings(log: str) -> list[str]:
    found = re.findall(r'- WARNING - (.+)$', log, re.MULTILINE)
    return [text for text in found if 'deprecated' not in text and 'alias' not in text]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''
