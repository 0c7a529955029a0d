"""A generator that predicts each domain from the others."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.models.ensembles import weighted_mean
from mmseg_cen.streams.precision import at_least_float32
from mmseg_cen.streams.presence import fill_absent, present_modalities

from ..unet import CENUNet


@MODELS.register_module()
class CyclicUNet(CENUNet):
    """U-Net whose streams are all domains, of which each is left out in turn.

    To predict one domain, its stream is absent: the exchange takes no channels from it,
    the ensemble gives it no weight, and it has no prediction. The last layer has an
    image of every domain, of which the wanted one is taken; all else is shared by the
    directions. It is our reading of the "cyclic fusion" of the authors' later article
    (Wang et al., TPAMI 2023), which has no public code.

    Args:
        num_modalities: Number of domains D, at least 3: two domains leave a single
            source, with which nothing is exchanged.
        in_channels: Channels C of each domain, after tiling.
        **kwargs: Arguments of :class:`CENUNet`, but for ``out_channels`` and
            ``fusion``.

    Shape:
        - Input: packed domains, (B, D*C, H, W), H and W multiples of 2^n.
        - Output: images in [-1, 1], (B, D, D, C, H, W): of the domain of the second
          axis, by the stream of the third, that of the domain itself being void; and of
          the ensembles, (B, D, C, H, W).

    Raises:
        ValueError: If an argument is out of its range, or the input does not fit.
    """

    leaves_out_streams = True  # which exchange differently in each direction

    def __init__(
        self, num_modalities: int = 3, in_channels: int = 3, **kwargs: Any
    ) -> None:
        if num_modalities < 3:
            raise ValueError(
                f'`num_modalities` of CyclicUNet must be 3 or more, got '
                f'{num_modalities}: add a domain, or take a CENUNet'
            )
        if fixed := sorted({'out_channels', 'fusion'} & {*kwargs}):
            raise ValueError(
                f'{fixed} must be left to CyclicUNet, got {kwargs}: leave them out'
            )
        super().__init__(
            num_modalities, in_channels, num_modalities * in_channels, **kwargs
        )

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        self._check(inputs)
        B, D = len(inputs), self.num_modalities
        x = inputs.repeat_interleave(D, dim=0)  # the direction varies fastest
        present = ~torch.eye(D, dtype=torch.bool, device=x.device).repeat(B, 1)
        with present_modalities(present):
            streams = super().forward(fill_absent(x, present, self.training))[0]
        # (B*D, D, D*C, H, W): of all images, that of the domain that is left out.
        images = streams.unflatten(0, (B, D)).unflatten(3, (D, self.in_channels))
        images = torch.stack([images[:, t, :, t] for t in range(D)], dim=1)
        detached = at_least_float32(images.detach()).flatten(0, 1)
        ensemble = weighted_mean(detached, self.alpha_logits, present)
        return images, ensemble.unflatten(0, (B, D))
