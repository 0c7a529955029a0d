"""Shorter or longer trainings of a config."""

from mmengine.config import Config


def set_epochs(cfg: Config, epochs: int | None) -> None:
    """Change the length of a training, its schedule and the penalty alike."""
    before = cfg.train_cfg.max_epochs
    epochs = before if epochs is None else epochs
    ratio = epochs / before
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = min(epochs, cfg.train_cfg.get('val_interval', 1))
    if epochs == before:
        return
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        by_epoch = scheduler.get('by_epoch', True)
        if scheduler['type'] == 'LinearLR' and not by_epoch:
            continue  # a warm-up of some iterations
        if by_epoch and 'begin' in scheduler:  # others begin after the warm-up
            scheduler['begin'] = round(scheduler['begin'] * ratio)
        for key in ('end', 'milestones'):
            if isinstance(scheduler.get(key), int):
                scheduler[key] = max(1, round(scheduler[key] * ratio))
            elif key in scheduler:
                scheduler[key] = [max(1, round(m * ratio)) for m in scheduler[key]]
        if 'T_max' in scheduler:
            scheduler['T_max'] = scheduler['end'] - scheduler.get('begin', 0)
    for hook in cfg.get('custom_hooks', []):
        if hook['type'] == 'GammaSparsityHook':
            # Scaling factors fall by the penalty in each step: fewer, larger ones.
            hook['sparsity_weight'] = hook.get('sparsity_weight', 5e-3) / ratio
