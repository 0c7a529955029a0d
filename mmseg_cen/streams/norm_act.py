"""Private batch norms that timm builds together with their activation."""

from typing import Any

from torch import Tensor, nn

from .norm import ModalityBN, ModalityNorm


class ModalityBNAct(ModalityBN):
    """:class:`ModalityBN`, and the dropout and activation of a ``BatchNormAct2d``.

    EfficientNet, RegNet, MobileNet and other networks of timm have such layers. The
    exchange is between the norm and the activation, as in networks that have two
    layers.
    """

    drop: nn.Module
    act: nn.Module

    @classmethod
    def from_unimodal(cls, norm: Any, num_modalities: int) -> ModalityNorm:
        plain = nn.BatchNorm2d(
            norm.num_features,
            norm.eps,
            norm.momentum,
            norm.affine,
            norm.track_running_stats,
        )
        state = norm.state_dict()
        plain.load_state_dict({name: state[name] for name in plain.state_dict()})
        for name, parameter in plain.named_parameters():
            parameter.requires_grad_(norm.get_parameter(name).requires_grad)
        private = super().from_unimodal(plain, num_modalities)
        private.drop, private.act = norm.drop, norm.act
        return private.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))
