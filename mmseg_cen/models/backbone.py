"""CEN backbones."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from mmseg.models.backbones.resnet import ResNet
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.fusion.base import Fusion
from mmseg_cen.fusion.probe import without_later_modules
from mmseg_cen.fusion.stages import StageFusions
from mmseg_cen.streams.build import type_of
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.exchange import ExchangeScope
from mmseg_cen.streams.fold import fold_streams
from mmseg_cen.streams.places import exchanging_norms
from mmseg_cen.streams.presence import current_presence, fill_absent
from mmseg_cen.streams.private import Sharing, is_convolution

from .pretrained import check_checkpoint_source, check_pretrained


@MODELS.register_module()
class CENResNet(ResNet):
    r"""ResNet whose streams share convolutions and exchange channels (Sec. 3, App. B).

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
        convs: ``'private'``: a copy of each convolution for each modality.
        norms: ``'shared'``: each norm sees all streams as one batch; asks for
            ``exchange_threshold=0``.
        exchange: Config of another :class:`Exchange` than the paper's.
        pattern: Regular expression, to be found in the name of a norm layer that
            exchanges, such as ``r'layer[234]\.0\.'``: the down-sampling blocks.
        fusion: Config of :class:`StageFusions`, of which ``type`` and ``stages``, such
            as ``('layer2',)``, have to be told; ``None``: nothing but the exchange.
        **kwargs: Arguments of :class:`mmseg.models.ResNet`. ``deep_stem=True`` is
            ResNet V1c, with ``avg_down=True`` V1d. ``zero_init_residual`` is off by
            default for depths 18 and 34, where it would start with all own parts
            exchanged: there, the last norm of a block follows a 3x3 convolution.

    Shape:
        - Input: packed modalities, (B, M*C, H, W).
        - Output: a folded feature map of each stage, (B*M, C_i, H_i, W_i); of a
          fusion that merges, (B, C_i, H_i, W_i).

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
        check_checkpoint_source(self.init_cfg)
        self.num_modalities = num_modalities
        self.in_channels = in_channels
        self.fusions: StageFusions | None = None
        self.fusions = convert_stages(
            self,
            super().forward,
            fusion,
            num_modalities,
            exchange_threshold,
            exchange_scope=exchange_scope,
            convs=convs,
            norms=norms,
            pattern=pattern,
            exchange=exchange,
        )

    @property
    def out_streams(self) -> int:
        """Number of streams of the output: M, or 1 if they are merged."""
        return self.fusions.out_streams if self.fusions else self.num_modalities

    def train(self, mode: bool = True) -> 'CENResNet':
        """Set the mode; ``norm_eval`` leaves the norms of fusion modules alone."""
        super().train(mode)
        if self.fusions:
            self.fusions.train(mode)
        return self

    def init_weights(self) -> None:
        """Initialize, from the weights of this very network if ``Pretrained``.

        Raises:
            ValueError: The checkpoint is that of another network.
        """
        cfg = self.init_cfg
        if isinstance(cfg, dict) and cfg.get('type') == 'Pretrained':
            check_pretrained(self, cfg['checkpoint'], cfg.get('prefix'))
        super().init_weights()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        packed_channels = self.num_modalities * self.in_channels
        x = _fold_inputs(x, self.num_modalities, packed_channels, self.training)
        with streams_on_batch(self, x.shape[0]):
            if self.fusions:
                return self.fusions.run(super().forward, x)
            return super().forward(x)


@MODELS.register_module()
class CENBackbone(nn.Module):
    """Any backbone of the toolbox, over streams that exchange channels.

    ``CENBackbone(dict(type='ResNet', ...))`` computes what :class:`CENResNet` does, and
    with one modality it is the backbone itself. It does not wrap the backbone, but
    extends its class: parameters keep their names, which checkpoints and optimizer
    constructors with a learning rate for each layer go by. A checkpoint of the unimodal
    backbone, its own ``init_cfg`` included, initializes all modalities.

    Args:
        backbone: Config of a backbone, as for the unimodal model.
        num_modalities: Number of modalities M; by default, that of ``modalities``.
        modalities: Names of the modalities, of which only the number counts.
        exchange_threshold: See :func:`to_multimodal`, as for ``places``.
        fusion: Config of :class:`StageFusions`, see :class:`CENResNet`.
        **places: ``exchange_scope``, ``kernel_sizes``, ``pattern``, ``stages``,
            ``layer_norms``, ``convs``, ``norms`` and ``exchange``.

    Shape:
        - Input: packed modalities, (B, M*C, H, W).
        - Output: what the backbone returns, of folded feature maps, (B*M, C_i, ...).

    Raises:
        ValueError: The backbone cannot be converted, or an argument has no meaning, or
            the input's channels are not those of M modalities.
    """

    def __new__(
        cls, backbone: dict[str, Any] | None = None, *args: Any, **kwargs: Any
    ) -> 'CENBackbone':
        """The built backbone, as an instance of ``cls``, too."""
        if backbone is None:  # a copy is being made, of an extended class
            return super().__new__(cls)
        module: Any = MODELS.build(backbone)
        kind = type(module)
        module.__class__ = type(f'CEN{kind.__name__}', (cls, kind), {})
        return module

    def __init__(
        self,
        backbone: dict[str, Any],
        num_modalities: int | None = None,
        modalities: Sequence[str] | None = None,
        exchange_threshold: float = 2e-2,
        fusion: dict[str, Any] | None = None,
        **places: Any,
    ) -> None:
        _, *known = inspect.signature(to_multimodal).parameters
        if unknown := places.keys() - known:
            raise ValueError(
                f'CENBackbone has the arguments backbone, modalities, fusion and '
                f'{known}, got {sorted(unknown)}'
            )
        # Not `super().__init__()`: the backbone is built, and left to be converted.
        given = [num_modalities, None if modalities is None else len(modalities)]
        counts = {count for count in given if count is not None}
        if len(counts) != 1:
            raise ValueError(
                f'the number of modalities is given by num_modalities, modalities, or '
                f'both alike, got {num_modalities} and {modalities}'
            )
        self.num_modalities = counts.pop()
        check_checkpoint_source(getattr(self, 'init_cfg', None))
        first: Any = next(layer for layer in self.modules() if is_convolution(layer))
        self.packed_channels: int = self.num_modalities * first.in_channels
        self.fusions: StageFusions | None = None
        self.fusions = convert_stages(
            self,
            super().forward,
            fusion,
            self.num_modalities,
            exchange_threshold,
            **places,
        )

    @property
    def out_streams(self) -> int:
        """Number of streams of the output: M, or 1 if they are merged."""
        return self.fusions.out_streams if self.fusions else self.num_modalities

    def train(self, mode: bool = True) -> 'CENBackbone':
        """Set the mode; a backbone's ``norm_eval`` leaves those of fusions alone."""
        super().train(mode)
        if fusions := getattr(self, 'fusions', None):  # not while it is built
            fusions.train(mode)
        return self

    def init_weights(self) -> None:
        """Initialize, but start no scaling factor that exchanges at 0.

        There, which residual blocks like, all own parts would start exchanged.
        """
        super().init_weights()  # type: ignore[misc]
        for norm in exchanging_norms(self).values():
            if not norm.gamma.any():
                nn.init.ones_(norm.norm.weight)

    def forward(self, x: Tensor) -> Any:
        x = _fold_inputs(x, self.num_modalities, self.packed_channels, self.training)
        with streams_on_batch(self, x.shape[0]):
            if self.fusions:
                return self.fusions.run(super().forward, x)
            return super().forward(x)


def _fold_inputs(
    x: Tensor, num_modalities: int, packed_channels: int, training: bool
) -> Tensor:
    """(B, M*C, H, W) -> (B*M, C, H, W), or say what does not agree."""
    if x.shape[1] != packed_channels:
        raise ValueError(
            f'the backbone takes num_modalities * in_channels = {num_modalities} * '
            f'{packed_channels // num_modalities} = {packed_channels} packed channels, '
            f'got {x.shape[1]}; make `modalities` of the dataset, the '
            f'data_preprocessor and the backbone agree'
        )
    if (present := current_presence()) is not None:
        if present.shape != (len(x), num_modalities):
            raise ValueError(
                f'the presence of the modalities is a mask (B, M) = '
                f'{(len(x), num_modalities)}, got shape {tuple(present.shape)}'
            )
        x = fill_absent(x, present, training)
    return fold_streams(x, num_modalities)


def convert_stages(
    network: nn.Module,
    forward: Callable[[Tensor], Any],
    fusion: dict[str, Any] | None,
    num_modalities: int,
    *args: Any,
    **kwargs: Any,
) -> StageFusions | None:
    """Make a network multimodal, as far as streams are not merged.

    Args:
        network: A unimodal network, changed in place.
        forward: See :class:`StageFusions`.
        fusion: Its config; ``None``: there is no fusion.
        num_modalities: Number of modalities M.
        *args: Further arguments of :func:`to_multimodal`.
        **kwargs: Likewise.

    Raises:
        ValueError: ``fusion`` is no config of one, or not of one for this network.
    """
    if fusion is None:
        to_multimodal(network, num_modalities, *args, **kwargs)
        return None
    type_of(fusion, Fusion)  # checks it
    fusions = StageFusions(network, forward, num_modalities, **fusion)
    last = fusions.stages[-1] if fusions.merges else None
    with without_later_modules(network, last):
        to_multimodal(network, num_modalities, *args, **kwargs)
    fusions.attach(network, forward)
    return fusions
