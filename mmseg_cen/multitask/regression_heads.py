"""The heads of depth and of normals."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import normalize

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.streams.presence import current_presence

from .losses import berhu, cosine_loss, log_l1
from .targets import DEPTH, NORMALS
from .task_heads import TaskHead

DepthLoss = Literal['log_l1', 'berhu']


class RegressionHead(TaskHead):
    """Base of the heads that predict quantities, by any decode head.

    The decode head has one output for each channel of the quantity, and none of its own
    losses. The ensemble is trained on detached outputs, as logits are.

    Args:
        head: Config of a decode head without ``num_classes``.
        **kwargs: Arguments of :class:`TaskHead`.

    Raises:
        ValueError: If the decode head is refused, or its config has ``num_classes``.
    """

    channels: int

    def __init__(self, head: dict[str, Any], **kwargs: Any) -> None:
        if {'num_classes', 'out_channels'} & {*head}:
            raise ValueError(
                f'`head` of {type(self).__name__} must have {self.channels} outputs by '
                f'itself, got num_classes or out_channels in {head}: leave them out'
            )
        C = self.channels
        outputs = dict(num_classes=C, out_channels=C, threshold=0.0)
        super().__init__({**head, **outputs}, **kwargs)
        self.streams.heads[0].classifies = False  # there are no classes to check

    def losses_of_outputs(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        outputs = self.streams.forward_streams(feats)
        device = next(iter(outputs.values())).device
        target = torch.stack([sample.get(self.target).data for sample in samples])
        target = target.to(device, torch.float32)
        valid = self.is_valid(target)
        present = current_presence()
        losses = {}
        for m, (name, output) in enumerate(outputs.items()):
            counted = valid
            if present is not None and name != ENSEMBLE:
                counted = valid & present[:, m, None, None, None]
            output = resize(
                output,
                target.shape[2:],
                mode='bilinear',
                align_corners=self.streams.align_corners,
            )
            loss = self.loss_of(output, target, counted)
            losses[f'{name}.{self.loss_name}'] = loss
        return losses

    def is_valid(self, target: Tensor) -> Tensor:
        """Pixels that have a target (B, C, H, W): bool (B, 1, H, W)."""
        return target.isfinite().all(1, keepdim=True) & target.any(1, keepdim=True)

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        raise NotImplementedError

    def loss_of(self, output: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Loss of the outputs of one stream, (B, C, H, W)."""
        raise NotImplementedError

    def decode(self, output: Tensor) -> Tensor:
        """Outputs (C, H, W) -> the quantity, (C, H, W)."""
        raise NotImplementedError

    def put(self, sample: Any, ensemble: Tensor, streams: dict[str, Tensor]) -> None:
        name = self.target.removeprefix('gt_')
        fields = {f'pred_{name}': PixelData(data=self.decode(ensemble))}
        if len(self.modalities) > 1:
            maps = {m: self.decode(output) for m, output in streams.items()}
            fields[f'pred_{name}_streams'] = PixelData(**maps)
        sample.set_data(fields)


@MODELS.register_module()
class DepthHead(RegressionHead):
    """Depth in meters, of which the decode head predicts the logarithm.

    Pixels whose target is 0 or not finite count nowhere. The ensemble is the weighted
    geometric mean of the depths of the streams.

    Predicted samples have ``pred_depth_map``, (1, H, W), meters; with several
    modalities also ``pred_depth_map_streams``, with one field per modality.

    Args:
        head: As of :class:`RegressionHead`.
        loss: ``'log_l1'``, see :func:`~mmseg_cen.multitask.losses.log_l1`, or
            ``'berhu'``, see :func:`~mmseg_cen.multitask.losses.berhu`.
        max_depth: Largest depth that is predicted, meters; its inverse is the least.
        **kwargs: Arguments of :class:`TaskHead`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    target = DEPTH
    channels = 1

    def __init__(
        self,
        head: dict[str, Any],
        loss: DepthLoss = 'log_l1',
        max_depth: float = 1000.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(head, **kwargs)
        if loss not in get_args(DepthLoss):
            raise ValueError(
                f"`loss` of DepthHead must be 'log_l1' or 'berhu', got {loss!r}: "
                f'choose one of them'
            )
        if not max_depth > 1:
            raise ValueError(
                f'`max_depth` must be more than 1, meters, got {max_depth}: raise it'
            )
        self._loss: Callable[..., Tensor] = dict(log_l1=log_l1, berhu=berhu)[loss]
        self._limit = math.log(max_depth)

    def is_valid(self, target: Tensor) -> Tensor:
        return target.isfinite() & (target > 0)

    @property
    def loss_name(self) -> str:
        return f'loss_{self._loss.__name__}'

    def loss_of(self, output: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        if self._loss is berhu:  # whose gradient would grow with the depth beyond
            output = output.clamp(-self._limit, self._limit)
        return self._loss(output, target, valid)

    def decode(self, output: Tensor) -> Tensor:
        return output.clamp(-self._limit, self._limit).exp()


@MODELS.register_module()
class NormalsHead(RegressionHead):
    """Normals of surfaces: x to the right of the image, y up, z toward the camera.

    Pixels whose target is the vector 0, or not finite, count nowhere. The ensemble is
    the weighted mean of the outputs of the streams, of length 1.

    Predicted samples have ``pred_normals``, unit vectors (3, H, W); with several
    modalities also ``pred_normals_streams``, with one field per modality.

    Args: As of :class:`RegressionHead`.
    """

    target = NORMALS
    channels = 3

    @property
    def loss_name(self) -> str:
        return 'loss_cosine'

    def loss_of(self, output: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        return cosine_loss(output, target, valid)

    def decode(self, output: Tensor) -> Tensor:
        return normalize(output, dim=0)

    def write(self, sample: Any, maps: Tensor, absent: Sequence[str]) -> None:
        """As the parent; vectors of a flipped image are turned back."""
        if sample.get('flip'):
            axis = 0 if sample.get('flip_direction') == 'horizontal' else 1
            maps = maps.clone()
            maps[axis :: self.channels].neg_()
        super().write(sample, maps, absent)
