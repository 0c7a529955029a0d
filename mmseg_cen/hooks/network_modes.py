"""Memory layout, compilation and checkpointing of a network, set when a run begins."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_cen.modes import set_network_modes


@HOOKS.register_module()
class NetworkModesHook(Hook):
    """Run a network in modes that change its cost and not what it computes.

    The fields ``channels_last``, ``compile`` and ``activation_checkpointing`` of a
    config and the options of the tools are arguments of this hook. With mmseg's own
    tools, a config names it among ``custom_hooks``.

    Args:
        **modes: See :func:`~mmseg_cen.modes.set_network_modes`.

    Raises:
        ValueError: When a run begins, if the network has no such mode here.
    """

    def __init__(self, **modes: Any) -> None:
        self.modes = modes

    def before_run(self, runner: Runner) -> None:
        set_network_modes(runner.model, **self.modes)
