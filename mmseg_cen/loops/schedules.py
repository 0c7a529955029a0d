"""Schedules of parameters, where an epoch gets another number of iterations."""

from collections import Counter
from typing import Any

from mmengine.runner import Runner

#: What a schedule of mmengine counts in steps; ``total_iters`` is one less than they.
_STEPS = (
    'begin',
    'end',
    'last_step',
    '_global_step',
    'T_max',
    'step_size',
    'total_iters',
)
#: The end of a schedule that has none.
_ENDLESS = int(1e9)


def stretch_schedules(runner: Runner, then: int, now: int) -> None:
    """Give resumed schedules the new length of an epoch.

    A schedule in epochs with ``convert_to_iter_based`` counts iterations, and a
    checkpoint has how many. The course of the learning rate over the epochs stays.

    Args:
        runner: A runner that has resumed.
        then: Iterations of an epoch in the checkpoint.
        now: Iterations of an epoch from now on.
    """
    configs = runner.cfg.get('param_scheduler') or []
    schedules = runner.param_schedulers or []
    groups = schedules if isinstance(schedules, dict) else {'': schedules}
    for name, group in groups.items():
        for config, schedule in zip(_of(configs, name), group, strict=False):
            if isinstance(config, dict) and config.get('convert_to_iter_based'):
                _stretch(schedule, then, now)


def _of(configs: Any, name: str) -> list[Any]:
    """The configs of the schedules of one optimizer."""
    if isinstance(configs, dict) and 'type' not in configs:
        configs = configs[name]
    return [configs] if isinstance(configs, dict) else list(configs)


def _stretch(schedule: Any, then: int, now: int) -> None:
    for name in _STEPS:
        steps = getattr(schedule, name, None)
        if steps is not None and 0 <= steps < _ENDLESS:
            less = int(name == 'total_iters')
            setattr(schedule, name, (steps + less) * now // then - less)
    if isinstance(milestones := getattr(schedule, 'milestones', None), Counter):
        stretched = {step * now // then: count for step, count in milestones.items()}
        schedule.milestones = Counter(stretched)
