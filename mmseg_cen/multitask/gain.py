"""What a network of several tasks gains over a network for each task."""

from collections.abc import Collection, Mapping


def relative_gains(
    figures: Mapping[str, float],
    single: Mapping[str, float],
    lower_is_better: Collection[str],
) -> dict[str, float]:
    r"""Relative gain of each task, :math:`(-1)^{l_i} (M_i - S_i) / S_i`.

    Their mean is :math:`\Delta` of "Attentive Single-Tasking of Multiple Tasks"
    (Maninis, Radosavovic and Kokkinos, CVPR 2019, Sec. 4).

    Args:
        figures: A figure of each task, of the network of all tasks.
        single: The figure of each task, of the network for this task.
        lower_is_better: Names of the figures that are errors (:math:`l_i = 1`).

    Returns:
        Gains, positive where several tasks are better; 0.01 is one percent.

    Raises:
        ValueError: If a task has no figure of its own network, or it is 0.
    """
    if missing := [name for name in figures if not single.get(name)]:
        raise ValueError(
            f'each figure must have one that is not 0 of a network for its task, got '
            f'none of {missing}: name the twins of these tasks, too'
        )
    signs = {name: -1 if name in lower_is_better else 1 for name in figures}
    return {
        name: (signs[name] * value - signs[name] * single[name]) / abs(single[name])
        for name, value in figures.items()
    }
