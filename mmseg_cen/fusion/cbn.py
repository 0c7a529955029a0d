"""Conditional batch normalization.

Reference: de Vries et al., "Modulating Early Visual Processing by Language", NeurIPS
2017; here one modality takes the place of the language.
"""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from .base import Fused, Fusion


@MODELS.register_module()
class CBNFusion(Fusion):
    r"""The batch norm of one modality is modulated by the other modalities.

    .. math::
        (\gamma + \Delta\gamma)\,\frac{x - \mu}{\sigma} + \beta + \Delta\beta

    where two perceptrons compute :math:`\Delta\gamma` and :math:`\Delta\beta` from
    the globally pooled features of the other modalities. Their last layers start at 0,
    so that the norm starts as a plain one. Other streams stay as they are.

    The paper modulates "the BN of depth conditional on RGB"; here, ``modulated`` says
    which one.

    Args:
        channels: Channels C of one stream.
        modulated: Index of the modality whose stream is modulated; by default the
            first, RGB.
        hidden_channels: Channels between the layers of the perceptrons.
        **kwargs: ``num_modalities``; ``merges`` has to be False.

    Raises:
        ValueError: If there is no such modality, no hidden channel, or ``merges`` is
            set.
    """

    can_merge = False

    def __init__(
        self,
        channels: int,
        modulated: int = 0,
        hidden_channels: int = 256,
        **kwargs: Any,
    ) -> None:
        super().__init__(channels, **kwargs)
        if not 0 <= modulated < self.num_modalities:
            raise ValueError(
                f'`modulated` must be the index of one of {self.num_modalities} '
                f'modalities, got {modulated}: count from 0'
            )
        if hidden_channels < 1:
            raise ValueError(
                f'`hidden_channels` must be at least 1, got {hidden_channels}: '
                f'increase it'
            )
        self.modulated = modulated
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

        def perceptron() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear((self.num_modalities - 1) * channels, hidden_channels),
                nn.ReLU(),
                nn.Linear(hidden_channels, channels),
            )

        self.delta_gamma, self.delta_beta = perceptron(), perceptron()
        self._start_as_plain_norm()

    def init_weights(self) -> None:
        super().init_weights()
        self._start_as_plain_norm()

    def _start_as_plain_norm(self) -> None:
        for perceptron in (self.delta_gamma, self.delta_beta):
            last: Any = perceptron[-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, streams: Tensor) -> Fused:
        others = [m for m in range(self.num_modalities) if m != self.modulated]
        condition = streams[:, others].mean(dim=(-2, -1)).flatten(1)
        gamma = self.gamma + self.delta_gamma(condition)
        beta = self.beta + self.delta_beta(condition)
        x = self.norm(streams[:, self.modulated])
        x = gamma[..., None, None] * x + beta[..., None, None]
        parts = list(streams.unbind(dim=1))
        parts[self.modulated] = x.to(streams.dtype)
        return Fused(torch.stack(parts, dim=1))
