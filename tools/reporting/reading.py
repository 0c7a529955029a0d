"""What a training leaves in its work directory, as one object."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_cen.checkpoints import is_training
from mmseg_cen.config_files import configs_in, read_config
from mmseg_cen.hooks.gamma_recorder import RECORD, GammaRecord, read_record
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.curves import APART
from mmseg_cen.visualization.scalars import Curve, collect, read_starts

from .logs import Facts, read_logs

#: Keys of what hooks log between two lines of the training.
BETWEEN = ('exchange/', 'alpha/')


@dataclass(frozen=True)
class Run:
    """A training, finished or not.

    Args:
        folder: Its work directory.
        name: A short name, different from those of other runs on the page.
        curves: Scalars of the training, over its iterations.
        validations: Scalars of the validations, over epochs or iterations.
        starts: Folders ``<time>`` of the training and of each time it was resumed.
        facts: What the logs tell.
        epochs: Iterations at the end of each logged epoch.
        missing: What could not be read, in words.
    """

    folder: Path
    name: str
    curves: dict[str, Curve]
    validations: dict[str, Curve]
    starts: tuple[Path, ...]
    facts: Facts
    epochs: dict[int, int]
    missing: list[str] = field(default_factory=list)

    @cached_property
    def config(self) -> Config | None:
        """The config as it ran: the newest copy."""
        copies = [p for start in self.starts for p in start.glob('vis_data/config.py')]
        own = configs_in(self.folder)
        for path in (*reversed(copies), *reversed(own)):
            try:
                return read_config(str(path))
            except (ValueError, OSError):
                continue
        return None

    @property
    def config_file(self) -> Path | None:
        """The copy of the config in the work directory."""
        own = configs_in(self.folder)
        return own[-1] if own else None

    @cached_property
    def outputs(self) -> list[str]:
        """Streams, in the order of the modalities, and the ensemble."""
        keys = [*self.validations, *self.curves]
        found = [k.split('/')[0] for k in keys if re.fullmatch(r'\w+/(mIoU|MAE)', k)]
        found += [k.split('/')[1] for k in keys if re.fullmatch(r'alpha/\w+', k)]
        streams = [name for name in dict.fromkeys(found) if name not in APART]
        return [*streams, ENSEMBLE] if streams else [ENSEMBLE]

    @property
    def is_translation(self) -> bool:
        """Whether images are translated, not labeled."""
        config = self.config
        model = str(config.model.get('type', '')) if config else ''
        return 'Pix2Pix' in model or 'MAE' in self.validations

    @property
    def unit(self) -> str:
        """What validations are counted in."""
        steps = [curve[0][-1] for curve in self.validations.values()]
        if self.epochs and (not steps or max(steps) <= max(self.epochs)):
            return 'epoch'
        return 'iteration'

    @property
    def length(self) -> tuple[int, int, str]:
        """How far the training is, of how much, in which unit; 0 where unknown."""
        train_cfg = (self.config.get('train_cfg') if self.config else None) or {}
        unit = 'epochs' if train_cfg.get('max_epochs') else 'iterations'
        of = int(train_cfg.get('max_epochs') or train_cfg.get('max_iters') or 0)
        noted = self.folder / 'last_checkpoint'
        name = noted.read_text().strip() if self.is_own(noted) else ''
        kind = 'epoch' if unit == 'epochs' else 'iter'
        number = re.search(rf'{kind}_(\d+)\.pth$', name)
        done = [int(number[1])] if number else []
        if unit == 'epochs':
            done += [epoch for epoch in self.epochs if epoch in self.facts.full_epochs]
        elif any(len(steps) for steps, _ in self.curves.values()):
            done.append(int(max(steps[-1] for steps, _ in self.curves.values())))
        return max(done, default=0), of, unit

    def is_own(self, file: Path) -> bool:
        """Whether a file is there, and of no training before this one in the folder."""
        if not file.is_file():
            return False
        logs = [*self.folder.glob('*/vis_data/scalars.json')]
        if len(logs) == len(self.starts):
            return True
        # Names of folders are times of the place where it was trained.
        first = [path for path in self.starts[0].rglob('*') if path.is_file()]
        begun = min(path.stat().st_mtime for path in first)
        return file.stat().st_mtime >= begun

    @property
    def state(self) -> tuple[str, str]:
        """``finished``, ``running`` or ``stopped``, and how far, in words."""
        done, of, unit = self.length
        if of and done >= of:
            words = 'finished'
            state = 'finished'
        else:
            state = 'running' if is_training(self.folder) else 'stopped'
            words = 'in training' if state == 'running' else 'unfinished'
        words += f', {done} of {of} {unit}' if of else f', {done} {unit}'
        if (times := len(self.starts) - 1) > 0:
            words += f', resumed {"once" if times == 1 else f"{times} times"}'
        return state, words

    @cached_property
    def gamma(self) -> GammaRecord | None:
        """The record of the scaling factors, or None."""
        path = self.folder / RECORD
        if not self.is_own(path):
            return None
        try:
            record = read_record(path)
        except ValueError as error:
            self.missing.append(str(error))
            return None
        return record if record.layers else None


def read_run(folder: Path, name: str) -> Run:
    """Read a work directory.

    Raises:
        FileNotFoundError: If no training has logged there.
        ValueError: If a log is damaged.
    """
    found = read_starts(folder)
    lines = [line for start in found for line in start.lines]
    train = [line for line in lines if _is_of_training(line)]
    starts = tuple(start.folder for start in found)
    return Run(
        folder=folder,
        name=name,
        curves=collect(train),
        validations=collect(line for line in lines if not _is_of_training(line)),
        starts=starts,
        facts=read_logs(folder, starts),
        epochs={
            int(line['epoch']): int(line['iter']) for line in train if 'epoch' in line
        },
    )


def _is_of_training(line: dict[str, Any]) -> bool:
    """Whether a line is of the training itself, or of a hook within it."""
    return 'iter' in line or all(k.startswith(BETWEEN) for k in line if k != 'step')


def flatten(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """The leaves of a config by dotted name; short lists are leaves."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from flatten(part, f'{name}.{key}' if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(v, dict) for v in value):
        for number, part in enumerate(value):
            yield from flatten(part, f'{name}[{number}]')
    else:
        yield name, value


def parse_time(folder: Path) -> datetime | None:
    """When a start began, by the name of its folder."""
    try:
        return datetime.strptime(folder.name, '%Y%m%d_%H%M%S')
    except ValueError:
        return None
