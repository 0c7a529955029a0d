"""Fusion modules behind the stages of a network, and what the decoder sees of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmseg_cen.streams.build import build_from_config
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.presence import current_presence

from .base import Fusion, check_fused
from .losses import FusedFeatures, UntakenLosses
from .probe import blank_images, blank_pass, stage_channels


@dataclass
class FusionPass:
    """What fusion modules collect during one pass through a network.

    Attributes:
        num_streams: B*M of the images; a symbol, where a graph takes any batch.
        losses: Losses of the fusion modules, by name.
        merged: By stage, but for the last fused one, the streams that go on, (B*M, C,
            H, W), and the merged stream for the decoder, (B, C, H, W).
    """

    num_streams: int = 0
    losses: dict[str, Tensor] = field(default_factory=dict)
    merged: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)


class StageFusions(ModuleDict):
    """A fusion module behind each of some stages of a network over folded features.

    What a stage returns is replaced by the fused streams, for the next stage and for
    the decoder. With ``merges=True``, the decoder sees one stream of each stage, see
    :meth:`run`, and the network behind the last fused stage is one of a single stream.

    Args:
        network: The network whose stages are submodules that return feature maps. It
            may be unimodal still; :meth:`attach` is called when it is not.
        forward: Runs the network, from images to the features of its stages.
        num_modalities: Number of modalities M.
        stages: Names of the submodules behind which streams are fused.
        type: Type of the :class:`~mmseg_cen.fusion.base.Fusion`.
        merges: Whether streams are merged (commonly used) or kept (as in CEN).
        image_size: Height and width of the blank images that are run through the
            network to see the order of the stages, and their channels.
        **kwargs: Further arguments of the fusion.

    Raises:
        ValueError: If there is no such stage, it returns no feature map, or the fusion
            refuses its arguments.
    """

    def __init__(
        self,
        network: nn.Module,
        forward: Callable[[Tensor], Any],
        num_modalities: int,
        /,
        stages: Sequence[str] = (),
        type: Any = None,
        merges: bool = False,
        image_size: int = 64,
        **kwargs: Any,
    ) -> None:
        modules = dict(network.named_modules())
        known = isinstance(stages, (list, tuple)) and all(s in modules for s in stages)
        if not stages or not known:
            raise ValueError(
                f'`fusion.stages` must be names of submodules, got {stages!r}: choose '
                f'some, such as of {[name for name, _ in network.named_children()]}'
            )
        if not isinstance(merges, bool):
            raise ValueError(
                f'`fusion.merges` must be True or False, got {merges!r}: choose one'
            )
        if measured := sorted(kwargs.keys() & {'channels', 'num_modalities'}):
            raise ValueError(
                f'`fusion` must not say {measured}, got {kwargs}: leave them out'
            )
        images = blank_images(network, num_modalities, image_size)
        channels = stage_channels(network, forward, images, stages)
        fusions = {
            _without_dots(stage): build_from_config(
                dict(kwargs, type=type, merges=merges),
                Fusion,
                num_modalities=num_modalities,
                channels=width,
            )
            for stage, width in channels.items()
        }
        super().__init__(modules=fusions)
        self.stages = list(channels)  # in the order they run
        self.num_modalities = num_modalities
        self.merges = merges
        self.type = type
        self.image_size = image_size
        self._pass = FusionPass()
        self._untaken = UntakenLosses(type)

    @property
    def out_streams(self) -> int:
        """Number of streams that the decoder sees."""
        return 1 if self.merges else self.num_modalities

    def attach(self, network: nn.Module, forward: Callable[[Tensor], Any]) -> None:
        """Fuse behind the stages of a network, by forward hooks, and try it.

        Args:
            network: The network, which runs over folded features by now.
            forward: Runs the network, from images to the features of its stages.

        Raises:
            ValueError: If the network does not run with fused streams, such as where
                merged features meet others.
        """
        images = blank_images(network, 2 * self.num_modalities, self.image_size)
        try:
            for name in self.stages:
                stage = network.get_submodule(name)
                stage.register_forward_hook(partial(self._fuse, name))
            with blank_pass(network, self), streams_on_batch(network, len(images)):
                self.run(forward, images)
        except (AttributeError, RuntimeError) as error:
            raise ValueError(
                f'the network must run behind fused stages, got an error ({error}) '
                f'behind {self.stages} with merges={self.merges}: choose whole stages, '
                f'of {[name for name, _ in network.named_children()]}'
            ) from error

    def run(
        self, forward: Callable[[Tensor], Sequence[Tensor]], x: Tensor
    ) -> FusedFeatures:
        """Run the network over folded images, and fuse behind its stages.

        For instance, with ``stages=('layer1', 'layer3')`` of a ResNet::

            merges=False                       merges=True

             |  B*M streams                     |  B*M streams
            layer1                             layer1
             fuse ------> fused streams         fuse ------> merged stream
             |  fused streams                   |  fused streams
            layer2 -----> streams              layer2 -----> mean of the streams
             |                                  |
            layer3                             layer3
             fuse ------> fused streams         fuse ------> merged stream
             |  fused streams                   |  merged stream, (B, C, H, W)
            layer4 -----> streams              layer4 -----> output of layer4
                          to the decoder                     to the decoder

        Args:
            forward: Runs the network, from images to the features of its stages.
            x: Folded images, (B*M, C, H, W).

        Returns:
            Features for the decoder, (B*M, C_i, H_i, W_i) or, merged, (B, C_i, H_i,
            W_i), which carry the losses of the fusion modules.

        Raises:
            ValueError: If samples lack a modality, or nothing took the losses of the
                last training step.
        """
        if current_presence() is not None:
            raise ValueError(
                f'samples must have all modalities for {self.type}, got samples that '
                f'lack some: leave `fusion` out, as the exchange alone needs not all, '
                'or test with zeros instead, by --protocol emm --missing zero'
            )
        self._untaken.check()
        self._pass = FusionPass(num_streams=x.shape[0])
        try:
            feats = list(forward(x))  # the hooks of the stages fill in the pass
            if self.merges:
                feats = self._seen_by_decoder(feats)
            fused = FusedFeatures(feats, self._pass.losses)
            if self.training:
                self._untaken.carried_by(fused)
            return fused
        finally:
            self._pass = FusionPass(num_streams=x.shape[0])  # keeps no features

    def _fuse(
        self, name: str, stage: nn.Module, args: tuple[Any, ...], output: Tensor
    ) -> Tensor:
        """Replace the output of a stage by fused streams; the stage's forward hook."""
        if output.shape[0] != self._pass.num_streams:
            raise ValueError(
                f'fused stages must return all B*M={self._pass.num_streams} streams, '
                f'got a batch of {len(output)} from {name!r}: choose other stages than '
                f'{self.stages}, none of them within another'
            )
        streams = split_streams(output, self.num_modalities)
        fusion = self[_without_dots(name)]
        fused = fusion(streams)
        check_fused(fused, fusion, streams)
        if fused.loss is not None:
            self._pass.losses[f'loss_fusion_{_without_dots(name)}'] = fused.loss
        # Copies, as the next layer may work in place on what the fusion still needs.
        if self.merges and name == self.stages[-1]:
            return fused.merged.clone()
        folded = fused.streams.flatten(0, 1).clone()
        if self.merges:
            self._pass.merged[name] = (folded, fused.merged)
        return folded

    def _seen_by_decoder(self, feats: list[Tensor]) -> list[Tensor]:
        """One stream of each feature map: the merged one, or the mean."""
        merged = dict(self._pass.merged)
        seen = []
        for feat in feats:
            found = [s for s, (streams, _) in merged.items() if streams is feat]
            if found:
                seen.append(merged.pop(found[0])[1])
            elif feat.shape[0] == self._pass.num_streams:  # a stage that is not fused
                seen.append(split_streams(feat, self.num_modalities).mean(dim=1))
            else:  # the last fused stage, and the stages behind it
                seen.append(feat)
        if merged:
            raise ValueError(
                f'the network must return what all merged stages {self.stages} return, '
                f'got nothing of {[*merged]}: choose stages among its outputs'
            )
        return seen


def _without_dots(stage: str) -> str:
    """The name of a stage as a key of a ModuleDict, which may contain no dot."""
    return stage.replace('.', '_')
