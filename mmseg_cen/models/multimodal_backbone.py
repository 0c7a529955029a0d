"""What makes a backbone one over the streams of several modalities."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from mmseg_cen.fusion.base import Fusion
from mmseg_cen.fusion.losses import FusedFeatures, UntakenLosses
from mmseg_cen.fusion.probe import without_later_modules
from mmseg_cen.fusion.stages import StageFusions
from mmseg_cen.streams.build import type_of
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.fold import fold_streams
from mmseg_cen.streams.presence import current_presence, fill_absent
from mmseg_cen.streams.private import is_convolution
from mmseg_cen.streams.token_loss import (
    keeping_graphs,
    take_token_loss,
    token_exchanges,
)

from .pretrained import check_checkpoint_source


class MultimodalBackbone(nn.Module):
    """Mixin that runs a backbone over the streams of M modalities.

    It stands before the class of a backbone: ``class CENResNet(MultimodalBackbone,
    ResNet)``. Parameters keep their names, on which checkpoints and optimizer
    constructors with a learning rate for each layer rely.

    Shape:
        - Input: packed modalities, (B, M*C, H, W).
        - Output: what the backbone returns, of folded feature maps, (B*M, C_i, ...); of
          a fusion that merges, (B, C_i, ...). The maps carry the losses of fusions and
          of token exchanges, see :class:`FusedFeatures`.
    """

    num_modalities: int
    packed_channels: int
    fusions: StageFusions | None
    stream_names: Sequence[str] = ()  # of the modalities, which a segmentor says
    compiled_methods = ('forward_folded',)

    def make_multimodal(
        self, num_modalities: int, fusion: dict[str, Any] | None, **conversion: Any
    ) -> None:
        """Convert the backbone, once it is built.

        Args:
            num_modalities: Number of modalities M.
            fusion: Config of :class:`StageFusions`; ``None``: there is no fusion.
            **conversion: Arguments of :func:`to_multimodal`.

        Raises:
            ValueError: If the backbone cannot be converted, or an argument is out of
                its range.
        """
        check_checkpoint_source(getattr(self, 'init_cfg', None))
        first: Any = next(layer for layer in self.modules() if is_convolution(layer))
        self.num_modalities = num_modalities
        self.packed_channels = num_modalities * first.in_channels
        self.fusions = None
        self.fusions = convert_stages(
            self, super().forward, fusion, num_modalities, **conversion
        )
        self._untaken: UntakenLosses | None = None
        if token_exchanges(self):
            self._untaken = UntakenLosses('TokenExchange')

    @property
    def out_streams(self) -> int:
        """Number of streams of the output: M, or 1 if the fusion merges them."""
        return self.fusions.out_streams if self.fusions else self.num_modalities

    def train(self, mode: bool = True) -> 'MultimodalBackbone':
        """Set the mode; ``norm_eval`` leaves the norms of fusion modules alone."""
        super().train(mode)
        if fusions := getattr(self, 'fusions', None):  # a constructor may call this
            fusions.train(mode)
        return self

    def forward(self, x: Tensor) -> Any:
        self.check_channels(x.shape[1])
        if (present := current_presence()) is not None:
            if present.shape != (len(x), self.num_modalities):
                raise ValueError(
                    f'the presence of modalities must be a mask (B, M) = '
                    f'{(len(x), self.num_modalities)}, got shape '
                    f'{tuple(present.shape)}: give a row for each sample'
                )
            x = fill_absent(x, present, self.training)
        x = fold_streams(x, self.num_modalities)
        if self._untaken is None:
            return self._run(x)
        self._untaken.check()
        with keeping_graphs(self):
            feats = self._run(x)
        if (loss := take_token_loss(self)) is None:
            return feats
        if not isinstance(feats, FusedFeatures):
            feats = FusedFeatures(feats, {})
        feats.losses['loss_tokens'] = loss
        self._untaken.carried_by(feats)
        return feats

    def check_channels(self, packed: int) -> None:
        """Raise a ValueError unless the network takes so many packed channels."""
        if packed == self.packed_channels:
            return
        C, rest = divmod(int(packed), self.num_modalities)  # a trace's tensor
        remedy = 'make `modalities` of the data_preprocessor and the backbone agree'
        if not rest:
            remedy = (
                f'set in_channels={C} of the backbone, or `num_channels` of the '
                'data_preprocessor, the channels of every modality, to another'
            )
        raise ValueError(
            f'the packed channels must be num_modalities * in_channels = '
            f'{self.num_modalities} * {self.packed_channels // self.num_modalities}'
            f' = {self.packed_channels}, got {packed}: {remedy}'
        )

    def _run(self, x: Tensor) -> Any:
        with streams_on_batch(self, x.shape[0]):
            if self.fusions:
                return self.fusions.run(self.forward_folded, x)
            return self.forward_folded(x)

    def forward_folded(self, x: Tensor) -> Any:
        """The backbone itself, over folded features (B*M, C, H, W)."""
        return super().forward(x)


def convert_stages(
    network: nn.Module,
    forward: Callable[[Tensor], Any],
    fusion: dict[str, Any] | None,
    num_modalities: int,
    **conversion: Any,
) -> StageFusions | None:
    """Make a network multimodal, up to where its streams are merged.

    Args:
        network: A unimodal network, changed in place.
        forward: See :class:`StageFusions`.
        fusion: Config of :class:`StageFusions`; ``None``: there is no fusion.
        num_modalities: Number of modalities M.
        **conversion: Further arguments of :func:`to_multimodal`.

    Raises:
        ValueError: If there can be no such fusion in this network.
    """
    if fusion is None:
        to_multimodal(network, num_modalities, **conversion)
        return None
    type_of(fusion, Fusion)  # checks it
    fusions = StageFusions(network, forward, num_modalities, **fusion)
    last = fusions.stages[-1] if fusions.merges else None
    with without_later_modules(network, last):
        to_multimodal(network, num_modalities, **conversion)
    fusions.attach(network, forward)
    return fusions
