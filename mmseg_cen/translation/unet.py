"""The generator: a U-Net whose streams exchange channels in the encoder."""

from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.fusion.base import Fusion
from mmseg_cen.fusion.losses import FusedFeatures, pop_losses
from mmseg_cen.fusion.stages import StageFusions
from mmseg_cen.streams.attention_places import attention_exchanges
from mmseg_cen.streams.build import type_of
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.exchange import ExchangeScope
from mmseg_cen.streams.exchanges import exchange_config
from mmseg_cen.streams.fold import fold_streams, split_streams
from mmseg_cen.streams.instance_norm import (
    NormSharing,
    build_instance_norm,
    check_norm_sharing,
)
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.precision import at_least_float32
from mmseg_cen.streams.private import Sharing, check_sharing, to_private

from .layers import INIT_CFG, DownLayer, UpLayer

#: Layers of the decoder, from the innermost, that are followed by dropout.
NUM_DROPOUTS = 3


@MODELS.register_module()
class CENUNet(BaseModule):
    r"""U-Net of pix2pix, for streams that exchange channels (Sec. 4.2).

    All streams share the convolutions. The instance norms of the encoder, after
    ``conv2`` to ``conv{n-1}``, are private to each modality and exchange channels
    before the activation; the norms of the decoder are shared. As in pix2pix, the
    outermost and the innermost layer have no norm.

    The ensemble :math:`\sum_m \alpha_m f_m(x)`, :math:`\alpha` a softmax, is made of
    detached images: its loss moves only :math:`\alpha`.

    Args:
        num_modalities: Number of modalities M, the sources; 1 is the U-Net of pix2pix.
        in_channels: Channels C of one source, after tiling.
        out_channels: Channels of the target.
        num_downs: Layers n of the encoder and of the decoder: 7 for images of 128
            pixels, 8 for 256, 9 for 512.
        base_channels: Channels of the first layer, ``ngf``; the following layers have
            2, 4, 8, 8, ... times as many.
        dropout: Probability in the first three layers of the decoder.
        exchange_threshold: Threshold theta on the scaling factors below which a channel
            is exchanged; 0 exchanges nothing. ``None``: no norm is a place of exchange
            and no scaling factor is penalized, unless ``exchange`` is given.
        exchange_scope: ``'own'`` (paper): modality m gives away channels of the m-th of
            M equal slices only; ``'all'`` (released code): any channel.
        exchange: Config of another :class:`Exchange` than the paper's.
        convs: ``'private'``: a copy of each convolution for each modality (Table 8).
        norms: Parts of the encoder's instance norms that are private, see
            :data:`NormSharing` (Tables 8 and 9). Shared scaling factors allow no
            exchange: set ``exchange_threshold=None`` with them.
        decoder_norms: Parts of the decoder's instance norms that are private:
            ``'shared'`` (paper), ``'private'`` (released code) or any other
            :data:`NormSharing`.
        track_running_stats: Whether eval mode normalizes by running statistics (paper,
            released code) or by the statistics of each image.
        fusion: Config of :class:`StageFusions`, with the ``type`` of the fusion and the
            ``stages`` of the encoder, such as ``('conv1',)``. If the fusion merges the
            streams, the decoder predicts one image from the merged stream, and every
            stream returns that image.
        init_cfg: Initialization config.

    Shape:
        - Input: packed sources, (B, M*C, H, W), H and W multiples of 2^n.
        - Output: images in [-1, 1] of the streams, (B, M, C_t, H, W), and of the
          ensemble, (B, C_t, H, W); C_t are the channels of the target.

    Raises:
        ValueError: If an argument is out of its range, or the input has other channels
            than M sources or a size that the layers cannot halve.
    """

    compiled_methods = ('encode', 'decode')

    def __init__(
        self,
        num_modalities: int = 2,
        in_channels: int = 3,
        out_channels: int = 3,
        num_downs: int = 8,
        base_channels: int = 64,
        dropout: float = 0.5,
        exchange_threshold: float | None = 1e-2,
        exchange_scope: ExchangeScope = 'own',
        exchange: dict[str, Any] | None = None,
        convs: Sharing = 'shared',
        norms: NormSharing = 'private',
        decoder_norms: NormSharing = 'shared',
        track_running_stats: bool = True,
        fusion: dict[str, Any] | None = None,
        init_cfg: Any = INIT_CFG,
    ) -> None:
        super().__init__(init_cfg)
        if num_modalities < 1 or num_downs < 2:
            raise ValueError(
                '`num_modalities` must be at least 1 and `num_downs` at least 2, got '
                f'{num_modalities} and {num_downs}: give larger numbers'
            )
        if min(in_channels, out_channels, base_channels) < 1:
            raise ValueError(
                '`in_channels`, `out_channels` and `base_channels` must be positive, '
                f'got {in_channels}, {out_channels} and {base_channels}: give 1 or more'
            )
        config = exchange_config(exchange, exchange_threshold, exchange_scope)
        if fusion is not None:
            type_of(fusion, Fusion)  # checks it
        check_sharing(convs=convs)
        check_norm_sharing(norms=norms, decoder_norms=decoder_norms)
        self.num_modalities = num_modalities
        self.in_channels = in_channels
        self.packed_channels = num_modalities * in_channels
        self.out_channels = out_channels
        self.num_downs = num_downs

        n = num_downs
        # The first `several` layers of the encoder see M streams. A fusion that merges
        # the streams leaves one for the decoder.
        several = n if fusion is None else layers_of_streams(fusion, n)
        merges = fusion is not None and fusion.get('merges', False)

        def norm(channels: int, sharing: NormSharing, layer: int) -> nn.Module:
            M = num_modalities if layer <= several else 1
            return build_instance_norm(channels, M, sharing, track_running_stats)

        widths = [base_channels * min(2**i, 8) for i in range(n)]
        self.encoder = nn.ModuleDict()
        channels = in_channels
        for i, width in enumerate(widths, start=1):
            self.encoder[f'conv{i}'] = DownLayer(
                channels,
                width,
                activation=nn.LeakyReLU(0.2) if i > 1 else None,
                norm=norm(width, norms, i) if 1 < i < n else None,
            )
            channels = width
        self.decoder = nn.ModuleDict()
        for i, width in enumerate([*widths[-2::-1], out_channels], start=1):
            self.decoder[f'deconv{i}'] = UpLayer(
                channels if i == 1 else 2 * channels,  # the skip has as many
                width,
                norm=norm(width, decoder_norms, n + merges) if i < n else None,
                dropout=dropout if i <= min(NUM_DROPOUTS, n - 1) else 0,
            )
            channels = width
        if config is not None:
            self._set_exchange(config)
        if convs == 'private':
            layers: list[Any] = [*self.encoder.values()][:several]
            for layer in layers + ([] if merges else [*self.decoder.values()]):
                layer.conv = to_private(layer.conv, num_modalities)
        # A single stream is its own ensemble: there is nothing to learn.
        self.alpha_logits = nn.Parameter(
            torch.zeros(num_modalities), requires_grad=num_modalities > 1 and not merges
        )
        self.fusions: StageFusions | None = None
        if fusion is not None:
            self.fusions = StageFusions(
                self.encoder,
                self.encode,
                num_modalities,
                **{'image_size': 2**n, **fusion},
            )
            self.fusions.attach(self.encoder, self.encode)

    def _set_exchange(self, exchange: dict[str, Any]) -> None:
        """Let every norm of the encoder exchange channels."""
        if self.num_modalities == 1:
            return
        norms = [m for m in self.encoder.modules() if isinstance(m, ModalityNorm)]
        norms = [norm for norm in norms if norm.norm.affine]
        if not norms and exchange.get('threshold', True):
            raise ValueError(
                '`norms` must give each modality its own scaling factors to exchange '
                f"channels by, got {exchange=}: set norms='private' or "
                "'private_affine', or exchange_threshold=None"
            )
        for place, norm in enumerate(norms):
            norm.set_exchange(exchange, place)
        if attention_exchanges(self.encoder):
            raise ValueError(
                f'`exchange` of a CENUNet must be of channels, as it has no attention, '
                f'got {exchange}: choose another type, such as ChannelExchange'
            )

    @property
    def alpha(self) -> Tensor:
        """Weights of the ensemble, (M,): positive, of sum 1."""
        return self.alpha_logits.softmax(dim=0)

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        self._check(inputs)
        x = fold_streams(inputs, self.num_modalities)
        with streams_on_batch(self, x.shape[0]):
            feats = self.fusions.run(self.encode, x) if self.fusions else self.encode(x)
            images = self.decode([*feats])
        if self.fusions and self.fusions.merges:
            streams = images.unsqueeze(1).expand(-1, self.num_modalities, -1, -1, -1)
        else:
            streams = split_streams(images, self.num_modalities)
        outputs = (streams, self.ensemble(streams))
        return FusedFeatures(outputs, pop_losses(feats)) if self.fusions else outputs

    def encode(self, x: Tensor) -> list[Tensor]:
        """Folded sources (B*M, C, H, W) -> the folded features of each layer."""
        feats = []
        for layer in self.encoder.values():
            x = layer(x)
            feats.append(x)
        return feats

    def decode(self, feats: list[Tensor]) -> Tensor:
        """Folded features of each layer -> folded images, (B*M, C_t, H, W)."""
        *skips, x = feats
        for layer in self.decoder.values():
            x = layer(x)
            if skips:
                x = torch.cat([x, skips.pop()], dim=1)
        return x.tanh()

    def ensemble(self, streams: Tensor) -> Tensor:
        """Images of the streams, (B, M, C_t, H, W) -> their average by alpha."""
        streams = at_least_float32(streams.detach())
        alpha = self.alpha.to(streams.dtype).view(-1, 1, 1, 1)
        return (alpha * streams).sum(dim=1)

    def _check(self, inputs: Tensor) -> None:
        M, C = self.num_modalities, self.in_channels
        if inputs.shape[1] != M * C:
            raise ValueError(
                'the packed channels must be num_modalities * in_channels = '
                f'{M} * {C} = {M * C}, got {inputs.shape[1]}: set `num_channels` of '
                'the data preprocessor to in_channels, and make `sources` of the data '
                'set, the data preprocessor and the generator agree'
            )
        size, factor = tuple(inputs.shape[-2:]), 2**self.num_downs
        if any(length % factor or not length for length in size):
            raise ValueError(
                f'height and width must be multiples of 2^num_downs = {factor}, got '
                f'{size}: resize or crop the images, or choose another `num_downs`'
            )


def layers_of_streams(fusion: dict[str, Any], num_downs: int) -> int:
    """Number of layers of the encoder, from ``conv1`` on, that see all streams.

    Args:
        fusion: Config of :class:`StageFusions`.
        num_downs: Layers of the encoder.

    Raises:
        ValueError: If ``stages`` of the fusion are no layers of the encoder.
    """
    names = [f'conv{i}' for i in range(1, num_downs + 1)]
    stages = fusion.get('stages') or ()
    if isinstance(stages, str) or not stages or not {*stages} <= {*names}:
        raise ValueError(
            f'`fusion.stages` must be a list of layers of the encoder, out of {names}, '
            f'got {stages!r}: name some of them'
        )
    if not fusion.get('merges', False):
        return num_downs
    return max(names.index(stage) for stage in stages) + 1
