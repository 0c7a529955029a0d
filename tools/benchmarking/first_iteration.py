"""Train until the first iteration is done, and say so: a script for start.py."""

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)

import json
import sys
from typing import Any

from mmengine.hooks import Hook

from mmseg_cen.launch import build_runner, load_config


class Reached(Exception):  # noqa: N818  (it is what is hoped for)
    """The first iteration is done."""


class UntilFirstIteration(Hook):
    """End a training after its first iteration."""

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        raise Reached


def main(config: str, work_dir: str, options: dict[str, Any]) -> None:
    cfg = load_config(config, options=options, work_dir=work_dir)
    runner = build_runner(cfg)
    runner.register_hook(UntilFirstIteration(), priority='VERY_HIGH')
    try:
        runner.train()
    except Reached:
        print('reached', flush=True)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
