"""CEN backbones."""

from importlib.util import find_spec
from typing import Any

from mmseg.models.backbones.resnet import BasicBlock, ResNet
from mmseg.registry import MODELS
from torch import Tensor

from .convert import to_multimodal
from .exchange import ExchangeScope, check_scope
from .streams import fold_streams


@MODELS.register_module()
class CENResNet(ResNet):
    """ResNet whose streams share convolutions and exchange channels (Sec. 3, App. B).

    Every norm layer is private to each modality; those that follow a 3x3 convolution
    of a residual block exchange channels before the activation. The stem does not:
    the paper exchanges after no 7x7 convolution, and the 3x3 convolutions of a V1c
    stem stand for one.

    Args:
        depth: 18, 34, 50, 101 or 152.
        num_modalities: Number of modalities M; 1 is the unimodal network.
        exchange_threshold: Threshold theta on the scaling factors below which a
            channel is exchanged; 0 exchanges nothing.
        exchange_scope: ``'own'`` (paper): modality m gives away channels of the m-th of
            M equal slices only; ``'all'`` (released code): any channel.
        in_channels: Channels C of one modality, after tiling.
        **kwargs: Arguments of :class:`mmseg.models.ResNet`. ``deep_stem=True`` is
            ResNet V1c, with ``avg_down=True`` V1d. ``zero_init_residual`` is off by
            default for depths 18 and 34, where it would start with all own parts
            exchanged: there, the last norm of a block follows a 3x3 convolution.

    Shape:
        - Input: packed modalities, (B, M*C, H, W).
        - Output: a folded feature map of each stage, (B*M, C_i, H_i, W_i).

    Raises:
        ValueError: An argument has no meaning, or the input's channels are not those
            of M modalities.
    """

    def __init__(
        self,
        depth: int,
        num_modalities: int = 2,
        exchange_threshold: float = 2e-2,
        exchange_scope: ExchangeScope = 'own',
        in_channels: int = 3,
        **kwargs: Any,
    ) -> None:
        if num_modalities < 1:
            raise ValueError(f'num_modalities is at least 1, got {num_modalities}')
        if exchange_threshold < 0:
            raise ValueError(
                f'exchange_threshold bounds |gamma| and is not negative, got '
                f'{exchange_threshold}; 0 exchanges nothing'
            )
        check_scope(exchange_scope)
        if depth in (18, 34):
            kwargs.setdefault('zero_init_residual', False)
        super().__init__(depth=depth, in_channels=in_channels, **kwargs)
        _check_checkpoint_source(self.init_cfg)
        self.num_modalities = num_modalities
        self.in_channels = in_channels
        to_multimodal(self, num_modalities)
        for stage in self.res_layers:
            for block in getattr(self, stage):
                after_3x3 = [block.norm2]
                if isinstance(block, BasicBlock):
                    after_3x3.append(block.norm1)
                for norm in after_3x3:
                    norm.exchange_threshold = exchange_threshold
                    norm.exchange_scope = exchange_scope

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        expected = self.num_modalities * self.in_channels
        if x.shape[1] != expected:
            raise ValueError(
                f'the backbone takes num_modalities * in_channels = '
                f'{self.num_modalities} * {self.in_channels} = {expected} packed '
                f'channels, got {x.shape[1]}; make `modalities` of the dataset, the '
                f'data_preprocessor and the backbone agree'
            )
        return super().forward(fold_streams(x, self.num_modalities))


def _check_checkpoint_source(init_cfg: Any) -> None:
    """Say before training what mmengine finds out by an ImportError."""
    for cfg in init_cfg if isinstance(init_cfg, list) else [init_cfg]:
        checkpoint = str((cfg or {}).get('checkpoint', ''))
        if checkpoint.startswith('torchvision://') and find_spec('torchvision') is None:
            raise ValueError(
                f'{checkpoint} is downloaded through torchvision, which is not '
                f'installed: install it, or give a local file with '
                f'model.backbone.init_cfg.checkpoint=PATH, or train from scratch with '
                f'model.backbone.init_cfg=None'
            )
