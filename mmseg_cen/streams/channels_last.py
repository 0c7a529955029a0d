"""Private batch norms of features in ``torch.channels_last`` on a CPU, without a copy.

The M private layers are one layer over M*C packed channels. Folded features in
channels_last, (B, M, H, W, C) in memory, cannot be viewed so: they would be copied into
the other format and back, which takes several times as long as the norm. Here each
image of each stream, which is contiguous, is normalized by itself, and the statistics
of the B images of a modality are combined.

On other devices the packed layer runs, copies included. The operators below are called
as a CPU needs them: those of CUDA keep mean and deviation in ``save_mean`` and
``save_invstd`` in eval mode, too, and would be wrong with what they get here.
"""

from typing import Any

import torch
from mmengine.model.utils import _BatchNormXd
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .one_pass import is_recorded

#: Layers whose forward is known. A SyncBatchNorm combines several processes.
BATCH_NORMS = (nn.BatchNorm2d, _BatchNormXd)


def is_normalized_by_image(x: Tensor, norm: nn.Module) -> bool:
    """Whether :func:`batch_norm_by_image` computes what a packed layer does, faster.

    Args:
        x: Folded features, (B*M, C, H, W).
        norm: A norm layer over M*C channels.
    """
    return (
        x.device.type == 'cpu'
        and type(norm) in BATCH_NORMS
        and x.ndim == 4
        and not x.is_contiguous()
        and x.is_contiguous(memory_format=torch.channels_last)
        and not is_recorded()
    )


def batch_norm_by_image(x: Tensor, norm: Any, num_modalities: int) -> Tensor:
    """Normalize each modality by its part of a layer, and update running statistics.

    Args:
        x: Folded features in channels_last, (B*M, C, H, W).
        norm: A layer of :data:`BATCH_NORMS` over M*C channels.
        num_modalities: Number of modalities M.

    Returns:
        Features of the shape and memory format of ``x``.

    Raises:
        ValueError: If statistics are wanted of one value for each channel.
    """
    M, count = num_modalities, x.numel() // (num_modalities * x.shape[1])
    by_batch = norm.training or norm.running_mean is None
    if not by_batch:
        mean, variance = norm.running_mean, norm.running_var
    elif count < 2:
        raise ValueError(
            f'Expected more than 1 value per channel when training, got input size '
            f'{tuple(x.shape)}'
        )
    else:
        with torch.no_grad():
            mean, variance = _statistics(x, M)
            if norm.training and norm.track_running_stats:
                _update_running(norm, mean, variance * (count / (count - 1)))
    out: Tensor = _NormByImage.apply(
        x, norm.weight, norm.bias, mean, variance, norm.eps, M, by_batch
    )
    return out


def _statistics(x: Tensor, num_modalities: int) -> tuple[Tensor, Tensor]:
    """Mean and biased variance over the B images of each modality, (M*C,)."""
    C = x.shape[1]
    # Running statistics, which are not wanted, keep the result in float32.
    zeros = x.new_zeros(C, dtype=torch.promote_types(x.dtype, torch.float32))
    found = [
        torch.batch_norm_update_stats(image, zeros, zeros, 0.0) for image in x.split(1)
    ]
    mean, variance = (
        torch.stack(parts).view(-1, num_modalities * C)
        for parts in zip(*found, strict=True)
    )
    overall = mean.mean(0)
    return overall, (variance + (mean - overall) ** 2).mean(0)


def _update_running(norm: Any, mean: Tensor, variance: Tensor) -> None:
    """As :class:`torch.nn.BatchNorm2d` does, ``variance`` being the unbiased one."""
    norm.num_batches_tracked.add_(1)
    momentum = norm.momentum
    if momentum is None:
        momentum = 1 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean), momentum)
    norm.running_var.lerp_(variance.to(norm.running_var), momentum)


class _NormByImage(torch.autograd.Function):
    """gamma (x - mean) / sqrt(variance + eps) + beta, of each image.

    The gradient of batch statistics adds what an affine map of x is, by channel:
    -gamma/(n sigma) (sum(g) + x_hat sum(g x_hat)), n values for each channel. It is
    computed as another batch norm, whose weights are float32 in any precision.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        eps: float,
        num_modalities: int,
        by_batch: bool,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps, ctx.num_modalities, ctx.by_batch = eps, num_modalities, by_batch
        return _affine(x, weight, bias, mean, variance, eps, num_modalities)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance = ctx.saved_tensors
        M = ctx.num_modalities
        grad = grad.contiguous(memory_format=torch.channels_last)
        of_images = zip(
            grad.split(1), x.split(1),
            *(_by_image(t, M, len(x)) for t in (weight, mean, variance)), strict=True,
        )  # fmt: skip
        parts = [
            torch.ops.aten.native_batch_norm_backward(
                g, image, w, mu, var, None, None, False, ctx.eps, [True, True, True]
            )
            for g, image, w, mu, var in of_images
        ]
        grad_x = torch.cat([part[0] for part in parts])
        grad_weight, grad_bias = (
            torch.stack([part[i] for part in parts]).view(-1, len(mean)).sum(0)
            for i in (1, 2)
        )
        if ctx.by_batch:
            count = x.numel() // len(mean)
            scale = -torch.rsqrt(variance + ctx.eps) / count
            scale = scale if weight is None else scale * weight
            grad_x += _affine(
                x, scale * grad_weight, scale * grad_bias, mean, variance, ctx.eps, M
            )
        if weight is None:
            return grad_x, *[None] * 7
        return grad_x, grad_weight, grad_bias, *[None] * 5


def _affine(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
    num_modalities: int,
) -> Tensor:
    """Each image normalized by given statistics."""
    out = torch.empty_like(x)
    unused = mean.new_empty(0)
    of_images = zip(
        x.split(1), out.split(1),
        *(_by_image(t, num_modalities, len(x)) for t in (weight, bias, mean, variance)),
        strict=True,
    )  # fmt: skip
    for image, written, *tensors in of_images:
        torch.ops.aten.native_batch_norm.out(
            image, *tensors, False, 0.0, eps,
            out=written, save_mean=unused, save_invstd=unused,
        )  # fmt: skip
    return out


def _by_image(
    values: Tensor | None, num_modalities: int, num_images: int
) -> list[Tensor | None]:
    """The part of (M*C,) values that each of B*M images needs."""
    if values is None:
        return [None] * num_images
    return [*values.chunk(num_modalities)] * (num_images // num_modalities)
