"""Layers of the U-Net of pix2pix, and how pix2pix initializes its networks."""

from torch import Tensor, nn

#: Initial weights of pix2pix.
INIT_CFG = dict(type='Normal', layer=['Conv2d', 'ConvTranspose2d'], std=0.02)


class DownLayer(nn.Module):
    """Activation, 4x4 convolution of stride 2, norm.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        activation: Activation before the convolution; ``None``: there is none.
        norm: Norm after the convolution; ``None``: there is none.

    Shape:
        (B*M, C, H, W) -> (B*M, C', H/2, W/2).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        activation: nn.Module | None,
        norm: nn.Module | None,
    ) -> None:
        super().__init__()
        self.activation = activation or nn.Identity()
        self.conv = nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1)
        self.norm = norm or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(self.activation(x)))


class UpLayer(nn.Module):
    """ReLU, transposed 4x4 convolution of stride 2, norm, dropout.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        norm: Norm after the convolution; ``None``: there is none.
        dropout: Probability of dropout.

    Shape:
        (B*M, C, H, W) -> (B*M, C', 2*H, 2*W).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: nn.Module | None,
        dropout: float,
    ) -> None:
        super().__init__()
        self.activation = nn.ReLU()
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, 4, stride=2, padding=1
        )
        self.norm = norm or nn.Identity()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.norm(self.conv(self.activation(x))))
