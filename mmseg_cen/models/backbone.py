"""Backbones over streams: any backbone of the toolbox, and the ResNet of the paper."""

import inspect
from collections.abc import Sequence
from typing import Any

from mmengine.runner import CheckpointLoader
from mmseg.models.backbones.resnet import ResNet
from mmseg.registry import MODELS
from torch import nn

from mmseg_cen.mistakes import one_line
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.exchange import ExchangeScope
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.private import Sharing

from .extended import extended_type, registered_type
from .multimodal_backbone import MultimodalBackbone
from .pretrained import (
    check_loaded,
    check_order_of_streams,
    check_pretrained,
    starts_of,
)


@MODELS.register_module()
class CENResNet(MultimodalBackbone, ResNet):
    r"""ResNet whose streams share convolutions and exchange channels (Sec. 3, App. B).

    Every norm layer is private to each modality; norms that follow a 3x3 convolution
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
        convs: ``'private'``: a copy of each convolution for each modality.
        norms: ``'shared'``: each norm sees all streams as one batch; needs
            ``exchange_threshold=0``.
        exchange: Config of another :class:`Exchange` than the paper's.
        pattern: Regular expression, to be found in the name of a norm layer that
            exchanges, such as ``r'layer[234]\.0\.'``: the down-sampling blocks.
        fusion: Config of :class:`StageFusions`, which needs ``type`` and ``stages``,
            such as ``('layer2',)``; ``None``: nothing but the exchange.
        **kwargs: Arguments of :class:`mmseg.models.ResNet`. ``deep_stem=True`` is
            ResNet V1c, with ``avg_down=True`` V1d. ``zero_init_residual`` is off by
            default for depths 18 and 34, where it would start with all own parts
            exchanged: there, the last norm of a block follows a 3x3 convolution.

    Shape:
        - Input: packed modalities, (B, M*C, H, W).
        - Output: a folded feature map of each stage, (B*M, C_i, H_i, W_i); of a
          fusion that merges, (B, C_i, H_i, W_i).

    Raises:
        ValueError: If an argument is out of its range, or the input's channels are not
            those of M modalities.
    """

    def __init__(
        self,
        depth: int,
        num_modalities: int = 2,
        exchange_threshold: float = 2e-2,
        exchange_scope: ExchangeScope = 'own',
        in_channels: int = 3,
        convs: Sharing = 'shared',
        norms: Sharing = 'private',
        exchange: dict[str, Any] | None = None,
        pattern: str | None = None,
        fusion: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if depth in (18, 34):
            kwargs.setdefault('zero_init_residual', False)
        super().__init__(depth=depth, in_channels=in_channels, **kwargs)
        self.make_multimodal(
            num_modalities,
            fusion,
            exchange_threshold=exchange_threshold,
            exchange_scope=exchange_scope,
            convs=convs,
            norms=norms,
            pattern=pattern,
            exchange=exchange,
        )

    def init_weights(self) -> None:
        """Initialize; with ``Pretrained``, from the weights of this very network.

        Raises:
            ValueError: If the checkpoint holds another network.
        """
        for start in starts_of(self.init_cfg):
            check_pretrained(self, start['checkpoint'], start.get('prefix'))
        super().init_weights()


class _ConvertedBackbone(MultimodalBackbone):
    """Mixin for backbones of any type, which may start residual branches at 0."""

    def init_weights(self) -> None:
        """Initialize, but start no scaling factor that exchanges at 0.

        Blocks that start a residual branch at 0 would start with all own parts
        exchanged.

        Raises:
            ValueError: If a file holds another network, or private norms of the
                modalities in another order.
        """
        starts = starts_of(getattr(self, 'init_cfg', None))
        try:
            super().init_weights()  # type: ignore[misc]
        except RuntimeError as error:  # of torch, by which some backbones load
            if 'size mismatch' not in str(error):
                raise
            raise ValueError(
                f'`checkpoint` must hold the weights of this {type(self).__name__}, '
                f'got {[start["checkpoint"] for start in starts]} with '
                f'{one_line(error)[:400]}: choose the size and in_channels of the '
                f'backbone that was saved, or another checkpoint'
            ) from error
        for start in starts:
            path = start['checkpoint']
            read = CheckpointLoader.load_checkpoint(path, map_location='cpu')
            check_order_of_streams(self, read, path)
            check_loaded(self, read, path)
        for norm in exchanging_norms(self).values():
            if not norm.gamma.any():
                nn.init.ones_(norm.norm.weight)


@MODELS.register_module()
def CENBackbone(  # noqa: N802  # a type of configs, as CENResNet is
    backbone: dict[str, Any],
    num_modalities: int | None = None,
    modalities: Sequence[str] | None = None,
    exchange_threshold: float = 2e-2,
    fusion: dict[str, Any] | None = None,
    pretrained: str | None = None,
    **places: Any,
) -> MultimodalBackbone:
    """Build any backbone of the toolbox over streams that exchange channels.

    ``CENBackbone(dict(type='ResNet', ...))`` computes what :class:`CENResNet` does, and
    with one modality it is the backbone itself. The backbone is not wrapped: its class
    is extended, so that parameters keep their names. A checkpoint of the unimodal
    backbone, such as its own ``init_cfg`` names, initializes all modalities.

    Args:
        backbone: Config of a backbone, as for the unimodal model.
        num_modalities: Number of modalities M; by default, the number of
            ``modalities``.
        modalities: Names of the modalities; only their number counts.
        exchange_threshold: See :func:`to_multimodal`, as for ``places``.
        fusion: Config of :class:`StageFusions`, see :class:`CENResNet`.
        pretrained: That of the backbone, as segmentors hand down their ``pretrained``.
        **places: ``exchange_scope``, ``kernel_sizes``, ``pattern``, ``stages``,
            ``layer_norms``, ``convs``, ``norms``, ``exchange`` and ``lora``.

    Returns:
        The backbone, a :class:`MultimodalBackbone`.

    Raises:
        ValueError: If the backbone cannot be converted, or an argument is out of its
            range.
    """
    _, *known = inspect.signature(to_multimodal).parameters
    if unknown := sorted(places.keys() - known):
        raise ValueError(
            f'arguments of CENBackbone must be backbone, modalities, fusion, '
            f'pretrained or of {known}, got {unknown}: leave them out'
        )
    given = [num_modalities, None if modalities is None else len(modalities)]
    counts = {count for count in given if count is not None}
    if len(counts) != 1:
        raise ValueError(
            f'`num_modalities` or `modalities` must tell the number of modalities, '
            f'alike if both do, got {num_modalities} and {modalities}: give one of them'
        )
    if pretrained is not None:
        backbone = {**backbone, 'pretrained': pretrained}
    base = registered_type(backbone)
    if base is None:
        return MODELS.build(backbone)  # says which types there are
    extended = extended_type(_ConvertedBackbone, base, 'CEN')
    built: MultimodalBackbone = MODELS.build({**backbone, 'type': extended})
    built.make_multimodal(
        counts.pop(), fusion, exchange_threshold=exchange_threshold, **places
    )
    return built
