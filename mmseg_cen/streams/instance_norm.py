"""Instance norms with some components private to each modality (Table 9)."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from .norm import ModalityIN

#: Which components of an instance norm each modality has of its own: all, none, only
#: scaling factors and offsets, or only the running mean and variance.
NormSharing = Literal['private', 'shared', 'private_affine', 'private_statistics']


class PrivateAffineIN(ModalityIN):
    """Instance norm with private scaling factors and offsets, and shared statistics.

    Only the running statistics can be shared: while training, an instance norm
    normalizes each image of each stream by its own mean and variance.

    Args:
        num_features: Channels C of one stream.
        num_modalities: Number of modalities M.
        track_running_stats: Whether there are running statistics, for eval mode.
        **kwargs: Arguments of :class:`ModalityIN`.

    Shape:
        - Input and output: folded features, (B*M, C, H, W).
    """

    def __init__(
        self,
        num_features: int,
        num_modalities: int,
        track_running_stats: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_features, num_modalities, **kwargs)
        self.statistics = nn.InstanceNorm2d(
            num_features, track_running_stats=track_running_stats
        )

    def normalize(self, x: Tensor) -> Tensor:
        M, C = self.num_modalities, self.num_features
        gamma, beta = (p.view(M, C, 1, 1) for p in (self.norm.weight, self.norm.bias))
        return self.statistics(x).unflatten(0, (-1, M)) * gamma + beta


class PrivateStatisticsIN(nn.Module):
    """Instance norm with private running statistics, and shared factors and offsets.

    It exchanges nothing: only scaling factors of its own tell which channels a modality
    can spare.

    Args:
        num_features: Channels C of one stream.
        num_modalities: Number of modalities M.
        track_running_stats: Whether there are running statistics, for eval mode.

    Shape:
        - Input and output: folded features, (B*M, C, H, W).
    """

    def __init__(
        self, num_features: int, num_modalities: int, track_running_stats: bool = True
    ) -> None:
        super().__init__()
        self.norm = ModalityIN(
            num_features,
            num_modalities,
            affine=False,
            track_running_stats=track_running_stats,
        )
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: Tensor) -> Tensor:
        gamma, beta = (p.view(-1, 1, 1) for p in (self.weight, self.bias))
        return self.norm(x) * gamma + beta


def check_norm_sharing(**arguments: str) -> None:
    """Raise a ValueError unless all values of named arguments are a NormSharing."""
    for name, value in arguments.items():
        if value not in get_args(NormSharing):
            raise ValueError(
                f'`{name}` must be one of {get_args(NormSharing)}, the components of '
                f'an instance norm that each modality has of its own, got {value!r}: '
                f'choose one'
            )


def build_instance_norm(
    num_features: int,
    num_modalities: int,
    sharing: NormSharing = 'private',
    track_running_stats: bool = True,
) -> nn.Module:
    """An affine instance norm over folded features (B*M, C, H, W).

    Args:
        num_features: Channels C of one stream.
        num_modalities: Number of modalities M; for one, the norm is a plain one.
        sharing: See :data:`NormSharing`.
        track_running_stats: Whether there are running statistics, for eval mode.
    """
    stats: dict[str, Any] = dict(track_running_stats=track_running_stats)
    if num_modalities == 1 or sharing == 'shared':
        return nn.InstanceNorm2d(num_features, affine=True, **stats)
    if sharing == 'private_statistics':
        return PrivateStatisticsIN(num_features, num_modalities, **stats)
    norm = ModalityIN if sharing == 'private' else PrivateAffineIN
    return norm(num_features, num_modalities, **stats)
