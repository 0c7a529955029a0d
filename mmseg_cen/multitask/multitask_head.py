"""A head for each task, over the streams of all tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.fusion.losses import pop_losses
from mmseg_cen.streams.fold import map_tensors

from .weighting import Weighting, build_weighting


@MODELS.register_module()
class MultitaskHead(BaseModule):
    """The heads of all tasks, each over the streams of its own task.

    Streams are those of the tasks one after the other, of each task those of the
    modalities.

    Args:
        heads: Config of a :class:`~mmseg_cen.multitask.task_heads.TaskHead` under the
            name of each task; those of other tasks are not built.
        tasks: Names of the tasks, in the order of their streams; the segmentor gives
            them.
        modalities: Names of the modalities, in the order of their streams; the
            segmentor gives them.
        weighting: Factors of the losses under the names of some tasks, of which others
            have 1; or ``'uncertainty'``, which are learned, see
            :class:`~mmseg_cen.multitask.weighting.UncertaintyWeights`.

    Shape:
        - Input: folded features, (B*K*M, C_i, H_i, W_i), of K tasks and M modalities.

    Raises:
        ValueError: If a task has no head, or an argument is out of its range.
    """

    # What a segmentor reads of its decode head.
    num_classes = 0

    def __init__(
        self,
        heads: Mapping[str, dict[str, Any]],
        tasks: Sequence[str],
        modalities: Sequence[str] = ('rgb',),
        weighting: Weighting | None = None,
    ) -> None:
        super().__init__()
        if missing := [task for task in tasks if task not in heads]:
            raise ValueError(
                f'`heads` must have a head for each of the tasks {tuple(tasks)}, got '
                f'{list(heads)}: add {missing}'
            )
        if isinstance(weighting, Mapping) and (unknown := {*weighting} - {*heads}):
            raise ValueError(
                f'`weighting` must name tasks out of {list(heads)}, got '
                f'{sorted(unknown)}: correct or remove them'
            )
        self.tasks = tuple(tasks)
        self.num_modalities = len(modalities)
        self.heads: Any = nn.ModuleDict(
            {
                task: MODELS.build({**heads[task], 'modalities': tuple(modalities)})
                for task in self.tasks
            }
        )
        classifies = [bool(head.classifies) for head in self.heads.values()]
        self.weighting = build_weighting(weighting, self.tasks, classifies)

    @property
    def align_corners(self) -> bool:
        first = next(iter(self.heads.values()))
        return bool(first.streams.align_corners)

    @property
    def out_channels(self) -> int:
        """Channels of the outputs of all tasks, side by side."""
        return sum(head.out_channels for head in self.heads.values())

    def loss(self, feats: Any, samples: list[Any], train_cfg: Any) -> dict[str, Tensor]:
        """The weighted losses of all tasks, ``'depth.rgb.loss_log_l1'``."""
        of_fusions = pop_losses(feats)
        losses = {
            task: head.loss(self.of_task(feats, k), samples, train_cfg)
            for k, (task, head) in enumerate(self.heads.items())
        }
        return {**of_fusions, **self.weighting(losses)}

    def predict(self, feats: Any, metas: list[dict[str, Any]], test_cfg: Any) -> Tensor:
        """Outputs of all tasks side by side, (B, :attr:`out_channels`, H, W)."""
        maps = [
            head.predict(self.of_task(feats, k), metas, test_cfg)
            for k, head in enumerate(self.heads.values())
        ]
        return torch.cat(maps, dim=1)

    def forward(self, feats: Any) -> dict[str, dict[str, Tensor]]:
        """Outputs (B, C, h, w) of each stream and their ensemble, by task."""
        return {
            task: head.streams.forward_streams(self.of_task(feats, k))
            for k, (task, head) in enumerate(self.heads.items())
        }

    def of_task(self, feats: Any, task: int) -> list[Any]:
        """Folded features (B*K*M, ...) -> those of one task, (B*M, ...)."""
        shape = (-1, len(self.tasks), self.num_modalities)
        return map_tensors(
            lambda x: x.unflatten(0, shape)[:, task].flatten(0, 1), [*feats]
        )
