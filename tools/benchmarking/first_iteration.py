"""Train until the first iteration is done, in a process that start.py begins."""

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

from contextlib import suppress
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmseg_cen.launch import build_runner, load_config


class Reached(Exception):  # noqa: N818  (it is what is hoped for)
    """The first iteration is done."""


class UntilFirstIteration(Hook):
    """End a training after its first iteration."""

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        raise Reached


def train_one(config: str, work_dir: str, options: dict[str, Any]) -> Runner:
    """Begin the training of a config, and end it after its first iteration."""
    cfg = load_config(config, options=options, work_dir=work_dir)
    runner = build_runner(cfg)
    runner.register_hook(UntilFirstIteration(), priority='VERY_HIGH')
    with suppress(Reached):
        runner.train()
    return runner
