"""A runner whose log begins with a page."""

import logging
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import mmcv
import mmengine
import mmseg
import torch
from mmengine.dist import is_main_process, master_only
from mmengine.logging import MMLogger, print_log
from mmengine.runner import Runner

from .disk import set_aside
from .version import __version__

#: Beside the log: environment, command, config, hooks, sizes of the data sets, and how
#: each parameter was initialized. ``tools/analysis/report.py`` reads it.
DETAILS = 'start.log'


class ShortLogRunner(Runner):
    """mmengine's runner, whose log does not begin with hundreds of lines.

    The console and the log tell versions, device, config and hooks in a few lines. What
    mmengine logs of them is in ``<work_dir>/<time>/start.log``; with
    ``log_level='DEBUG'`` it is in the log.

    Unlike mmengine's, the runner keeps a config in the work directory that was edited:
    its copy of the config that runs replaces copies of earlier runs only.
    """

    logger: logging.Logger

    def build_logger(
        self, log_level: int | str = 'INFO', *args: Any, **kwargs: Any
    ) -> MMLogger:
        level = getattr(logging, log_level) if isinstance(log_level, str) else log_level
        self._is_short = level > logging.DEBUG
        return super().build_logger(log_level, *args, **kwargs)

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        if not self._is_short:
            super()._log_env(env_cfg)
            return
        with self._details() as details:
            logger = self.logger
            self.logger = details
            super()._log_env(env_cfg)
            self.logger = logger
            command = shlex.join([Path(sys.executable).name, *sys.argv])
            details.info(f'command: {command}')
            details.info(f'machine: {platform.platform()}, {os.cpu_count()} cores')
        device = 'CPU'
        if torch.cuda.is_available():
            device = torch.cuda.get_device_name()
        versions = dict(
            Python=sys.version.split()[0],
            torch=torch.__version__,
            mmengine=mmengine.__version__,
            mmcv=mmcv.__version__,
            mmseg=mmseg.__version__,
            mmseg_cen=__version__,
        )
        lines = [
            ', '.join(f'{name} {version}' for name, version in versions.items()),
            f'{self.world_size} process(es), {device}, seed {self.seed}',
            f'config: {self.cfg.filename}',
            f'environment, config, hooks and initialization: {self._details_file()}',
        ]
        self.logger.info('\n    '.join(['start', *lines]))

    def build_train_loop(self, loop: Any) -> Any:
        return self._with_size('training', super().build_train_loop(loop))

    def build_val_loop(self, loop: Any) -> Any:
        return self._with_size('validation', super().build_val_loop(loop))

    def _with_size(self, name: str, loop: Any) -> Any:
        """Note in the details how many samples a loop has."""
        if self._is_short:
            with self._details() as details:
                details.info(f'{name} data: {len(loop.dataloader.dataset)} samples')
        return loop

    def get_hooks_info(self) -> str:
        text = super().get_hooks_info()
        if not self._is_short:
            return str(text)
        with self._details() as details:
            details.info(text)
        return ', '.join(type(hook).__name__ for hook in self.hooks)

    def _init_model_weights(self) -> None:
        with self._initialization_in_details() if self._is_short else nullcontext():
            super()._init_model_weights()

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        # mmengine logs three lines of each parameter that has settings of its own.
        with self._options_in_details() if self._is_short else nullcontext():
            return super().build_optim_wrapper(optim_wrapper)

    @master_only
    def dump_config(self) -> None:
        source = self.cfg.filename
        name = f'{self.timestamp}.py' if source is None else os.path.basename(source)
        path = Path(self.work_dir, name)
        if path.is_file():
            if source is not None and path.samefile(source):
                return  # the config that runs lies in the work directory itself
            text = path.read_bytes()
            copies = path.parent.glob('*/vis_data/*.py')
            if text != self.cfg.pretty_text.encode() and not any(
                copy.read_bytes() == text for copy in copies
            ):
                old = set_aside(path)
                print_log(f'{path} was edited: it is {old} now', 'current')
        super().dump_config()

    def _details_file(self) -> str:
        return os.path.join(self._log_dir, DETAILS)

    @contextmanager
    def _details(self) -> Iterator[logging.Logger]:
        """A logger of the file of details, in the main process."""
        logger = logging.Logger(DETAILS)
        if not is_main_process():
            logger.addHandler(logging.NullHandler())
            yield logger
            return
        handler = logging.FileHandler(self._details_file(), encoding='utf-8')
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            handler.close()

    @contextmanager
    def _options_in_details(self) -> Iterator[None]:
        """Within this context, lines on the options of parameters go to the details."""
        with self._details() as details:

            def is_other(record: logging.LogRecord) -> bool:
                is_option = record.getMessage().startswith('paramwise_options')
                if is_option:
                    details.handle(record)
                return not is_option

            self.logger.addFilter(is_other)
            try:
                yield
            finally:
                self.logger.removeFilter(is_other)

    @contextmanager
    def _initialization_in_details(self) -> Iterator[None]:
        """Within this context, the file of details is the only file of the logger.

        mmengine writes the initialization of each parameter to the files of its logger.
        """
        before = list(self.logger.handlers)
        for handler in before:
            if isinstance(handler, logging.FileHandler):
                same = logging.StreamHandler(handler.stream)
                same.setFormatter(handler.formatter)
                same.setLevel(handler.level)
                same.filters = handler.filters
                self.logger.handlers[self.logger.handlers.index(handler)] = same
        with self._details() as details:
            for handler in details.handlers:
                handler.setLevel(logging.CRITICAL + 1)  # nothing but initializations
                self.logger.handlers.append(handler)
            try:
                yield
            finally:
                self.logger.handlers[:] = before
