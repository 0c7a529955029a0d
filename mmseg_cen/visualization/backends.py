"""Weights & Biases, with the steps that other backends get."""

from typing import Any

import numpy as np
from mmengine.visualization import WandbVisBackend as WandbVisBackendOfMMEngine
from mmseg.registry import VISBACKENDS

#: Name of the step among what is logged.
STEP = 'step'


@VISBACKENDS.register_module()
class WandbVisBackend(WandbVisBackendOfMMEngine):
    """Logs to Weights & Biases at the steps that other backends get.

    mmengine's drops them: its curves are over the number of calls, of which a training
    step has several, and a validation has no epoch. Here, scalars and pictures are
    logged beside their ``step``, which is the x axis of all of them. It is found in the
    registry of mmseg instead of mmengine's, so that existing configs use it.

    Args:
        **kwargs: Arguments of mmengine's ``WandbVisBackend``.
    """

    def _init_env(self) -> None:
        super()._init_env()
        self._wandb.define_metric(STEP, hidden=True)
        self._wandb.define_metric('*', step_metric=STEP)

    def add_image(
        self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any
    ) -> None:
        picture = self.experiment.Image(image)
        self._wandb.log({name: picture, STEP: step}, commit=self._commit)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self.add_scalars({name: value}, step)

    def add_scalars(
        self,
        scalar_dict: dict[str, Any],
        step: int = 0,
        file_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.experiment.log({**scalar_dict, STEP: step}, commit=self._commit)
