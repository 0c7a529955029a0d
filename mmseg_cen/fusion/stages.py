"""Fusion modules behind the stages of a network, and what the decoder sees of them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmseg_cen.streams.build import build_from_config
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.presence import current_presence

from .base import Fused, Fusion
from .losses import CarriedLosses, FusedFeatures
from .probe import blank_images, blank_pass, stage_channels


class StageFusions(ModuleDict):
    """A fusion module behind each of some stages of a network over folded features.

    What a stage returns is replaced by the fused streams, for the next stage and for
    the decoder. If they merge, the decoder sees the merged streams of the fused stages;
    of the others before the last fused one, the mean of the streams. What comes after
    that one is a network of a single stream.

    Args:
        network: The network whose stages are submodules that return feature maps. It
            may be unimodal still; :meth:`attach` is called when it is not.
        forward: What runs it, from images to the features of its stages.
        num_modalities: Number of modalities M.
        stages: Names of the submodules behind which streams are fused.
        type: Type of the :class:`Fusion`.
        merges: Whether streams are merged (commonly used) or kept (as in CEN).
        image_size: Height and width of the blank images that are run through the
            network to see the order of the stages, and their channels.
        **kwargs: Further arguments of the fusion.

    Raises:
        ValueError: There is no such stage, it returns no feature map, or the fusion
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
                f'fusion.stages are names of submodules, such as '
                f'{[name for name, _ in network.named_children()]}, got {stages!r}'
            )
        if not isinstance(merges, bool):
            raise ValueError(f'fusion.merges is True or False, got {merges!r}')
        if measured := kwargs.keys() & {'channels', 'num_modalities'}:
            raise ValueError(
                f'{measured} of a fusion are those of its network, got {kwargs}; '
                f'leave them out of `fusion`'
            )
        images = blank_images(network, num_modalities, image_size)
        channels = stage_channels(network, forward, images, stages)
        fusions = {
            _key(name): build_from_config(
                dict(kwargs, type=type, merges=merges),
                Fusion,
                num_modalities=num_modalities,
                channels=width,
            )
            for name, width in channels.items()
        }
        super().__init__(modules=fusions)
        self.stages = list(channels)
        self.num_modalities = num_modalities
        self.merges = merges
        self.type = type
        self.image_size = image_size
        self._num_streams = 0
        self._losses = CarriedLosses()
        self._travelling = CarriedLosses()
        self._merged: dict[str, tuple[Tensor, Tensor]] = {}

    def attach(self, network: nn.Module, forward: Callable[[Tensor], Any]) -> None:
        """Fuse behind the stages of a network, by forward hooks, and try it.

        Args:
            network: The network, over folded features by now.
            forward: What runs it, as above.

        Raises:
            ValueError: It does not run, as where what is merged meets what is not.
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
                f'a network runs on if its streams are fused, but this one does not '
                f'behind {self.stages} with merges={self.merges}: {error}; choose '
                f'whole stages, of {[name for name, _ in network.named_children()]}'
            ) from error

    @property
    def out_streams(self) -> int:
        """Number of streams that the decoder sees."""
        return 1 if self.merges else self.num_modalities

    def run(
        self, forward: Callable[[Tensor], Sequence[Tensor]], x: Tensor
    ) -> FusedFeatures:
        """Run the network over folded images.

        Args:
            forward: The network, of images to the features of its stages.
            x: Folded images, (B*M, C, H, W).

        Returns:
            Its features, folded or merged.

        Raises:
            ValueError: Samples lack a modality, or nothing took the losses of the last
                training step.
        """
        if current_presence() is not None:
            raise ValueError(
                f'samples lack a modality, and {self.type} fuses all of them; only the '
                f'exchange (a network without `fusion`) leaves streams out'
            )
        lost, self._travelling = self._travelling, CarriedLosses()
        if lost and torch.is_grad_enabled():
            raise ValueError(
                f'{[*lost]} of {self.type} took no part in the last training step: an '
                f'EnsembleHead takes them from the features, which other heads drop, '
                f'and necks outside a CENSegmentor; set decode_head=dict(type='
                f"'EnsembleHead', head=...), or the type of the model"
            )
        self._num_streams = len(x)
        try:
            feats: list[Tensor] = list(forward(x))
            if self.merges:
                feats = self._seen_by_decoder(feats, len(x))
            if self.training and torch.is_grad_enabled():
                self._travelling = self._losses
            return FusedFeatures(feats, self._losses)
        finally:
            self._losses, self._merged = CarriedLosses(), {}

    def _fuse(
        self, name: str, stage: nn.Module, args: tuple[Any, ...], output: Tensor
    ) -> Any:
        """The forward hook of a stage."""
        if len(output) != self._num_streams:
            raise ValueError(
                f'streams are fused where all B*M={self._num_streams} of them are, but '
                f'{name!r} returns a batch of {len(output)}; choose other stages than '
                f'{self.stages}, none of them within another'
            )
        streams = split_streams(output, self.num_modalities)
        fused = self[_key(name)](streams)
        self._check(fused, streams)
        if fused.loss is not None:
            self._losses[f'loss_fusion_{_key(name)}'] = fused.loss
        # Copies, as the next layer may work in place on what the fusion still needs.
        if self.merges and name == self.stages[-1]:
            return fused.merged.clone()
        folded = fused.streams.flatten(0, 1).clone()
        if not self.merges:
            return folded
        self._merged[name] = (folded, fused.merged)
        return folded

    def _check(self, fused: Any, streams: Tensor) -> None:
        """Refuse what a fusion module returned unless it is what it has to be."""
        wanted = [tuple(streams.shape)] + [tuple(streams[:, 0].shape)] * self.merges
        parts = fused[: len(wanted)] if isinstance(fused, Fused) else [fused]
        got = [tuple(getattr(part, 'shape', ())) for part in parts]
        if not isinstance(fused, Fused) or got != wanted:
            raise ValueError(
                f'{self.type}, built with merges={self.merges}, returns Fused of '
                f'streams and, merging, of merged ones, of the shapes {wanted}, got '
                f'{type(fused).__name__} of {got}: set Fused.streams and, if it can '
                f'merge, Fused.merged, or can_merge = False'
            )

    def _seen_by_decoder(self, feats: list[Tensor], num_streams: int) -> list[Tensor]:
        of_streams = {id(streams): merged for streams, merged in self._merged.values()}
        seen = []
        for feat in feats:
            merged = of_streams.pop(id(feat), None)
            if merged is None and len(feat) == num_streams:
                merged = split_streams(feat, self.num_modalities).mean(dim=1)
            seen.append(feat if merged is None else merged)
        if of_streams:
            raise ValueError(
                f'streams are merged behind {self.stages}, but not all of these are '
                f'what the network returns; choose stages among its outputs'
            )
        return seen


def _key(name: str) -> str:
    """The name of a submodule, as one of a ModuleDict."""
    return name.replace('.', '_')
