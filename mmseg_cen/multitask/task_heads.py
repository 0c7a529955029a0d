"""The heads of the tasks: classes, depth and normals, by any decode head.

Each runs a decode head of the toolbox over the streams of its task, one for each
modality, and averages them as :class:`~mmseg_cen.models.EnsembleHead` does. With one
modality, the only stream is the prediction.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from mmengine.model import BaseModule
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import normalize

from mmseg_cen.models import EnsembleHead
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.streams.presence import current_presence

from .losses import berhu, cosine_loss, log_l1

DepthLoss = Literal['log_l1', 'berhu']


class TaskHead(BaseModule):
    """Base of the heads of one task.

    Args:
        head: Config of a decode head, as for the unimodal model.
        modalities: Names of the streams of the task; the segmentor gives them.
        **kwargs: Arguments of :class:`EnsembleHead`.

    Shape:
        - Input: folded features of the task's streams, (B*M, C_i, H_i, W_i).

    Raises:
        ValueError: If the decode head is refused, see :class:`EnsembleHead`.
    """

    #: Whether the loss is that of a classification, see :class:`UncertaintyWeights`.
    classifies = False
    #: Field of a sample that has the target.
    target: str

    def __init__(
        self, head: dict[str, Any], modalities: Sequence[str] = ('rgb',), **kwargs: Any
    ) -> None:
        super().__init__()
        self.streams = EnsembleHead(head, modalities, **kwargs)
        if len(self.modalities) == 1 and self.streams.concat is None:
            self.streams.alpha_logits.requires_grad_(False)  # always 1

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the streams, in order."""
        return self.streams.modalities

    @property
    def outputs(self) -> list[str]:
        """Names of the predictions: the streams and, of several, their ensemble."""
        return [*self.modalities, *([ENSEMBLE] if len(self.modalities) > 1 else [])]

    @property
    def out_channels(self) -> int:
        """Channels of the outputs of all streams and the ensemble, side by side."""
        return (len(self.modalities) + 1) * self.streams.out_channels

    def loss(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The losses of each stream and, of several, of the ensemble."""
        for sample in samples:
            if self.target not in sample:
                raise ValueError(
                    f'samples must have `{self.target}` for {type(self).__name__}, got '
                    f'none in {sample.get("img_path") or "a sample"}: load it in the '
                    f'`pipeline`, and pack it by PackMultitaskInputs'
                )
        losses = self.losses_of_outputs(feats, samples, train_cfg)
        if len(self.modalities) > 1:
            return losses
        return {k: v for k, v in losses.items() if not k.startswith(f'{ENSEMBLE}.')}

    def losses_of_outputs(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The losses of each stream and of the ensemble, ``'rgb.loss_...'``."""
        raise NotImplementedError

    def predict(
        self, feats: Any, metas: list[dict[str, Any]], test_cfg: Any
    ) -> Tensor:
        """Outputs at the size of the input, (B, :attr:`out_channels`, H, W)."""
        return self.streams.predict_streams(feats, metas, test_cfg)

    def write(self, sample: Any, maps: Tensor, absent: Sequence[str]) -> None:
        """Write the predictions into a sample.

        Args:
            sample: A ``SegDataSample``, changed in place.
            maps: What :meth:`predict` returns, as the sample is seen,
                (:attr:`out_channels`, H, W).
            absent: Names of the modalities that the sample lacks.
        """
        names = [*self.modalities, ENSEMBLE]
        parts = dict(zip(names, maps.chunk(len(names)), strict=True))
        shown = [name for name in self.modalities if name not in absent]
        self.put(sample, parts[ENSEMBLE], {name: parts[name] for name in shown})

    def put(self, sample: Any, ensemble: Tensor, streams: dict[str, Tensor]) -> None:
        """Write the outputs (C, H, W) of the ensemble and the streams into a sample."""
        raise NotImplementedError


@MODELS.register_module()
class SegmentationHead(TaskHead):
    """Classes, by any decode head that an :class:`EnsembleHead` takes.

    Predicted samples have ``seg_logits`` and ``pred_sem_seg``; with several modalities
    also ``pred_streams``, with one field per modality.

    Args: As of :class:`TaskHead`.
    """

    classifies = True
    target = 'gt_sem_seg'

    def losses_of_outputs(
        self, feats: Any, samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        return self.streams.loss(feats, samples, train_cfg)

    def put(self, sample: Any, ensemble: Tensor, streams: dict[str, Tensor]) -> None:
        def classes(logits: Tensor) -> Tensor:
            if len(logits) > 1:
                return logits.argmax(dim=0, keepdim=True)
            return (logits.sigmoid() > (self.streams.threshold or 0)).to(logits)

        sample.seg_logits = PixelData(data=ensemble)
        sample.pred_sem_seg = PixelData(data=classes(ensemble))
        if len(self.modalities) > 1:
            fields = {name: classes(logits) for name, logits in streams.items()}
            sample.pred_streams = PixelData(**fields)


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

    target = 'gt_depth_map'
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
        self._limit = float(torch.tensor(max_depth).log())

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

    target = 'gt_normals'
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
