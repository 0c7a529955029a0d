"""Schedules of parameters, where an epoch gets another number of iterations."""

from collections import Counter
from typing import Any

from mmengine.runner import Runner

#: What a schedule of mmengine counts in steps.
_STEPS = ('begin', 'end', 'last_step', 'total_iters', 'T_max', 'step_size')
#: mmengine's end of a schedule that has none.
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
        of_group = configs
        if isinstance(configs, dict):
            of_group = [configs] if 'type' in configs else configs[name]
            if isinstance(of_group, dict):
                of_group = [of_group]
        for config, schedule in zip(of_group, group, strict=False):
            if isinstance(config, dict) and config.get('convert_to_iter_based'):
                _stretch(schedule, then, now)


def _stretch(schedule: Any, then: int, now: int) -> None:
    for name in _STEPS:
        steps = getattr(schedule, name, None)
        if steps is not None and steps < _ENDLESS:
            setattr(schedule, name, steps * now // then)
    if isinstance(milestones := getattr(schedule, 'milestones', None), Counter):
        stretched = {step * now // then: count for step, count in milestones.items()}
        schedule.milestones = Counter(stretched)
