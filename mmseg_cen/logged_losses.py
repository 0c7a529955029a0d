"""What a training of several processes logs."""

import torch
from mmengine.dist import all_reduce_dict
from mmengine.model import BaseModel
from torch import Tensor


class MeanOfProcesses(BaseModel):
    """Mixin for a model whose logged losses are means over all processes.

    mmengine logs the losses of the first process.
    """

    def parse_losses(
        self, losses: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The total loss of this process, and the losses to log."""
        total, logged = super().parse_losses(losses)
        logged = {k: torch.as_tensor(v).detach().clone() for k, v in logged.items()}
        all_reduce_dict(logged, op='mean')
        return total, logged
