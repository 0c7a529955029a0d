"""The command line that every tool has, read before anything that takes seconds.

torch, mmengine and mmseg take seconds to import, and ``import mmseg_cen`` needs them:
it registers all of the package, for configs that name it in ``custom_imports`` and
nothing else. So what reads options stands here, outside of the package, and imports the
standard library only. A tool reads them first, and imports the rest below::

    from _options import ToolParser


    def parse_args(argv: list[str] | None = None) -> argparse.Namespace: ...


    if __name__ == '__main__':
        parse_args()  # --help and wrong options end here, before the slow imports

    import mmseg_cen
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

#: What an installed package calls the tool; tools that it starts have no such name.
NAME = os.environ.pop('MMSEG_CEN_TOOL', None)
#: What ``--amp`` takes, see :mod:`mmseg_cen.modes.precision`.
PRECISIONS = ('auto', 'bf16', 'fp16')


def called(tool: str) -> str:
    """The command of another tool, such as ``'train'``, in the way of this one."""
    return f'mmseg-cen {tool}' if NAME else f'python tools/{tool}.py'


def config_name(path: str) -> str:
    """What a command has for a config, such as ``'cen/pspnet_r101_nyud.py'``."""
    return f'mmseg_cen::{path}' if NAME else f'configs/{path}'


class ToolParser(argparse.ArgumentParser):
    """A parser of a command line, with the option that every tool has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault('prog', NAME and f'mmseg-cen {NAME}')
        super().__init__(*args, **kwargs)
        self.add_argument(
            '--debug',
            action='store_true',
            default=argparse.SUPPRESS,
            help='end with the traceback where something is wrong',
        )

    def format_help(self) -> str:
        """The help, with commands as the tool was called."""
        words = super().format_help()
        if NAME:  # tools/ lies within the package then
            words = re.sub(r'python tools/(?:\w+/)*(\w+)\.py', r'mmseg-cen \1', words)
        return words

    def add_modes(self) -> None:
        """Add ``--amp``, ``--channels-last`` and ``--compile``."""
        self.add_argument(
            '--amp',
            nargs='?',
            const='auto',
            choices=PRECISIONS,
            help='automatic mixed precision; without a type, fp16 on a GPU and bf16 on '
            'a CPU',
        )
        self.add_argument(
            '--channels-last',
            action='store_true',
            help='keep the channels of a pixel side by side in memory',
        )
        self.add_argument(
            '--compile',
            action='store_true',
            help='compile the network by torch.compile; the first iterations take '
            'minutes',
        )

    def add_launcher(self) -> None:
        """Add ``--launcher``, and the number of a process that old launchers give."""
        self.add_argument(
            '--launcher',
            choices=['none', 'pytorch', 'slurm', 'mpi'],
            default='none',
            help='what has started several processes, see docs/many_gpus.md',
        )
        self.add_argument(
            '--local_rank',
            '--local-rank',
            type=int,
            default=0,
            help=argparse.SUPPRESS,
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; what follows ``--amp`` is its type only if it is one."""
        args = [*(sys.argv[1:] if args is None else args)]
        for i, arg in enumerate(args):
            if arg == '--amp' and not {*args[i + 1 : i + 2]} & {*PRECISIONS}:
                args[i] = '--amp=auto'
        return super().parse_known_args(args, namespace)

    def add_config_options(self) -> None:
        """Add ``--cfg-options``."""
        self.add_argument(
            '--cfg-options',
            nargs='+',
            action=ConfigOptions,
            metavar='KEY=VALUE',
            help='override settings of the config, e.g. train_dataloader.batch_size=4 '
            'key="[a,b]" key="[(a,b),(c,d)]"',
        )


class ConfigOptions(argparse.Action):
    """``KEY=VALUE`` as mmengine reads it, with a message where there is no value."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if wrong := [v for v in values if not re.match(r'[^=]+=', v)]:
            parser.error(f'`{option_string}` must be KEY=VALUE, got {wrong}: add them')
        from mmengine.config import DictAction  # without torch, but half a second

        action = DictAction(self.option_strings, self.dest, nargs='+')
        try:
            action(parser, namespace, values, option_string)
        except (AssertionError, RecursionError):  # brackets that are not paired
            parser.error(
                f'values of `{option_string}` must be plain ones or lists of them, in '
                f'brackets that are closed, got {values}: write dicts in a config'
            )


def picture_path(out: str | Path) -> Path:
    """The picture that ``--out`` names.

    Raises:
        ValueError: If its suffix is of no picture.
    """
    if Path(out).suffix.lower() not in ('.png', '.jpg', '.jpeg'):
        raise ValueError(
            f'`--out` must end with .png or .jpg, got {str(out)!r}: name a picture'
        )
    return Path(out)
