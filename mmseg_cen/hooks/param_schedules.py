"""Learning rates follow the config, also those of a training that resumes."""

import logging
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from mmengine.hooks import ParamSchedulerHook as ParamSchedulerHookOfMMEngine
from mmengine.logging import print_log
from mmengine.optim import OptimWrapperDict
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

#: What of a schedule tells how far it is; the rest are its settings.
_PROGRESS = {'optimizer', 'last_step', '_global_step', '_last_value', 'verbose'}


@dataclass
class Schedules:
    """The groups of parameters of an optimizer, its schedules and their configs."""

    groups: list[dict[str, Any]]
    schedules: list[Any]
    configs: list[Any]


@HOOKS.register_module()
class ParamSchedulerHook(ParamSchedulerHookOfMMEngine):
    """Steps the schedules of learning rates, and lets them follow the config.

    mmengine's hook steps them. A checkpoint also has the settings of optimizer and
    schedules, which replace those of the config when a training resumes: a lower
    learning rate or a later ``end`` would change nothing, without a word. Here the
    settings of the config hold, which is logged, and learning rates are what they would
    be after as many iterations with it. Where a batch has another size, that is as many
    epochs.

    Where validations drive a schedule, the settings of the checkpoint hold, which is
    logged, too. So is a learning rate that stays at zero before the end of a training.
    """

    def __init__(self) -> None:
        super().__init__()
        self._configured: dict[str, tuple[Any, Any]] = {}
        self._zeros = 0

    def before_run(self, runner: Runner) -> None:
        if not isinstance(runner._train_loop, BaseLoop):  # a test
            return
        self._configured = {
            name: (_settings(one.groups), [_state(s) for s in one.schedules])
            for name, one in _all_schedules(runner)
        }

    def before_train(self, runner: Runner) -> None:
        self._zeros = 0
        if not runner.iter:
            return
        for name, one in _all_schedules(runner):
            groups, states = self._configured.get(name, ([], []))
            if len(groups) != len(one.groups):
                continue
            if any(map(_needs_metrics, one.schedules)):
                _say_what_holds(one, groups)
                continue
            changes = [*_changed_settings(one, groups, states)]
            if changes:
                print_log(
                    f'the training goes on with the settings of the config instead of '
                    f'those of the checkpoint: {", ".join(dict.fromkeys(changes))}',
                    'current',
                    logging.WARNING,
                )
            if changes or any(not s._global_step for s in one.schedules):
                _replay(runner, one, groups, states)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        learns = any(map(any, runner.optim_wrapper.get_lr().values()))
        self._zeros = 0 if learns else self._zeros + 1
        if self._zeros == 2 and runner.iter + 2 < runner.max_iters:
            print_log(
                f'nothing more is learned: the learning rate is 0 from iteration '
                f'{runner.iter + 1} of {runner.max_iters} on; set `end` of '
                f'param_scheduler to the end of the training',
                'current',
                logging.WARNING,
            )


def _all_schedules(runner: Runner) -> Iterator[tuple[str, Schedules]]:
    """The schedules of each optimizer, by its name; '' if there is but one."""
    wrapper = runner.optim_wrapper
    several = isinstance(wrapper, OptimWrapperDict)
    for name, part in wrapper.items() if several else [('', wrapper)]:
        built = _of(name, runner.param_schedulers)
        configs = _of(name, runner.cfg.get('param_scheduler'))
        yield name, Schedules(part.param_groups, built, configs)


def _of(name: str, schedules: Any) -> list[Any]:
    """The schedules, or configs of them, of one optimizer out of those of a runner."""
    if isinstance(schedules, dict) and 'type' not in schedules:
        schedules = schedules.get(name)
    return [schedules] if isinstance(schedules, dict) else [*(schedules or ())]


def _settings(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in group.items() if not key.startswith('param')}
        for group in groups
    ]


def _state(schedule: Any) -> dict[str, Any]:
    return deepcopy({k: v for k, v in vars(schedule).items() if k != 'optimizer'})


def _needs_metrics(schedule: Any) -> bool:
    """Whether a schedule is driven by validations, which cannot be repeated."""
    return bool(getattr(schedule, 'need_val_args', False))


def _say_what_holds(one: Schedules, groups: Any) -> None:
    """Log the settings of a config that a schedule of validations leaves out."""
    changes = [*_changed_settings(Schedules(one.groups, [], []), groups, [])]
    if changes:
        print_log(
            f'the training goes on with the settings of the checkpoint, not with '
            f'{", ".join(dict.fromkeys(changes))} of the config: validations have '
            f'changed the learning rate, and are not repeated; take another '
            f'param_scheduler, or start from the weights by load_from',
            'current',
            logging.WARNING,
        )


def _changed_settings(one: Schedules, groups: Any, states: Any) -> Iterator[str]:
    """What is different in a checkpoint that was loaded, in words."""
    for group, own in zip(one.groups, groups, strict=True):
        for key in own.keys() & group.keys():
            # Of what is scheduled, the first value is the setting.
            now, then = (g.get(f'initial_{key}', g[key]) for g in (own, group))
            if not key.startswith('initial_') and now != then:
                yield f'{key}={now} instead of {then}'
    for schedule, own in zip(one.schedules, states, strict=True):
        loaded = vars(schedule)
        for key in sorted((own.keys() | loaded.keys()) - _PROGRESS):
            now, then = own.get(key), loaded.get(key)
            if key[0] != '_' and key != 'base_values' and now != then:
                yield f'{key}={now} instead of {then} of {type(schedule).__name__}'


def _replay(runner: Runner, one: Schedules, groups: Any, states: Any) -> None:
    """Set learning rates as if all iterations had been made with the config."""
    configs = one.configs if len(one.configs) == len(one.schedules) else []
    steps = [
        _steps(runner, schedule, configs[i] if configs else {})
        for i, schedule in enumerate(one.schedules)
    ]
    # Hundreds of groups have few different settings: one of each is stepped.
    kinds = [repr(group) for group in groups]
    firsts = {kind: kinds.index(kind) for kind in kinds}
    stepped = {kind: dict(groups[i]) for kind, i in firsts.items()}
    optimizers = [schedule.optimizer for schedule in one.schedules]
    counted = SimpleNamespace(_with_counter=True)  # as a schedule wants its optimizer
    substitute = SimpleNamespace(
        param_groups=[*stepped.values()], step=counted, _global_step=0
    )
    for schedule, own in zip(one.schedules, states, strict=True):
        vars(schedule).clear()
        vars(schedule).update(deepcopy(own), optimizer=substitute)
        schedule.base_values = [own['base_values'][i] for i in firsts.values()]
    for count in range(1, max(steps, default=0) + 1):
        for schedule, own in zip(one.schedules, steps, strict=True):
            # Those in epochs step at the ends of epochs.
            if count * own // max(steps) > (count - 1) * own // max(steps):
                schedule.step()
    for group, kind in zip(one.groups, kinds, strict=True):
        group.update(stepped[kind])
    for schedule, own, optimizer in zip(one.schedules, states, optimizers, strict=True):
        schedule.optimizer, schedule.base_values = optimizer, own['base_values']
        schedule._last_value = [group[schedule.param_name] for group in one.groups]


def _steps(runner: Runner, schedule: Any, config: Any) -> int:
    """How many steps a schedule has made when a training resumes."""
    if schedule.by_epoch:
        return runner.epoch
    loop = runner.train_loop
    ends_with_epochs = config.get('convert_to_iter_based') or 'end' not in config
    if ends_with_epochs and isinstance(loop, EpochBasedTrainLoop):
        left = runner.max_iters - runner.iter
        return loop.max_epochs * len(loop.dataloader) - left
    return runner.iter
