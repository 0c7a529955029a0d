"""Translation of each domain from the others, trained against a discriminator."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.streams.state import unwrap

from ..contexts import without_gradients
from ..losses import gan_loss, masked_l1
from ..pix2pix import CENPix2Pix
from ..targets import hide_invalid


@MODELS.register_module()
class CyclicPix2Pix(CENPix2Pix):
    """Pix2pix in all directions at once: each domain from all the others.

    See :class:`CyclicUNet`. One iteration runs the generator once, over all directions,
    and has a step of the discriminator and one of the generator. The discriminator sees
    a source, an image, and which domain the image is to be of: a map of ones among D
    maps. The losses of each direction are the sums of those of
    :class:`~mmseg_cen.translation.CENPix2Pix` over its sources:

    - ``loss_gan_{target}`` and ``loss_l1_{target}``;
    - ``loss_l1_ensemble_{target}``, which moves only alpha.

    Predicted samples have ``pred_images`` and ``gt_images``, with one field per domain,
    and ``pred_{target}_from``, with one field per source; all (C_t, H, W), in [-1, 1].

    Args:
        generator: Config of a :class:`CyclicUNet`.
        sources: Names of the domains, in the order of the streams.
        discriminator: Config of a :class:`PatchDiscriminator` of 2*C + D channels.
        **kwargs: Arguments of :class:`~mmseg_cen.translation.CENPix2Pix`.

    Shape:
        - Input: packed domains, (B, D*C, H, W), and their samples, as
          :class:`PackCyclicInputs` makes them.

    Raises:
        ValueError: If parts of the model disagree about the domains.
    """

    def _judged_channels(self) -> int:
        """Channels of two domains, and of a map for each domain."""
        return 2 * self.generator.in_channels + len(self.sources)

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[Any] | None = None,
        mode: str = 'tensor',
        outputs: tuple[Tensor, Tensor] | None = None,
    ) -> Any:
        """Run the network.

        Args:
            inputs: Packed domains, (B, D*C, H, W).
            data_samples: The samples; not for ``mode='tensor'``.
            mode: ``'tensor'``: returns the images of the ensembles by domain;
                ``'predict'``: the samples with predictions; ``'loss'``: the losses of
                the generator; ``'discriminator'``: those of the other.
            outputs: The outputs of the generator, if it has run already.

        Raises:
            ValueError: If the mode is unknown.
        """
        if mode in ('loss', 'discriminator'):
            return super().forward(inputs, data_samples, mode, outputs)
        if mode not in ('tensor', 'predict'):
            raise ValueError(
                f"`mode` must be 'tensor', 'predict' or 'loss', got {mode!r}: choose "
                'one of them'
            )
        streams, ensembles = outputs or self._run_generator(inputs)
        if mode == 'tensor':
            return dict(zip(self.sources, ensembles.unbind(1), strict=True))
        truth = inputs.unflatten(1, (len(self.sources), -1))
        for b, sample in enumerate(data_samples or []):
            self._write(sample, streams[b], ensembles[b], truth[b])
        return data_samples

    def _write(
        self, sample: Any, streams: Tensor, ensembles: Tensor, truth: Tensor
    ) -> None:
        """Write images (D, D, C, H, W), (D, C, H, W) and (D, C, H, W) into a sample."""
        sizes = sample.metainfo['sources']
        predicted, targets = {}, {}
        for t, target in enumerate(self.sources):
            C = sizes[target]
            predicted[target] = ensembles[t, :C].float()
            targets[target] = truth[t, :C].float()
            of_sources = {
                name: streams[t, m, :C].float()
                for m, name in enumerate(self.sources)
                if m != t
            }
            sample.set_data({f'pred_{target}_from': PixelData(**of_sources)})
        sample.set_data(
            dict(pred_images=PixelData(**predicted), gt_images=PixelData(**targets))
        )

    def generator_losses(
        self, inputs: Tensor, outputs: tuple[Tensor, Tensor], samples: Sequence[Any]
    ) -> dict[str, Tensor]:
        """Losses of the generator; no gradient reaches the discriminator."""
        streams, ensembles = outputs
        D = len(self.sources)
        valid = self._validity(samples, inputs)
        domains = inputs.unflatten(1, (D, -1))
        losses = {}
        with without_gradients(self._unwrapped_discriminator()):
            judged = self._judge(domains, self._hidden(streams, valid))
        for t, target in enumerate(self.sources):
            known = None if valid is None else valid[:, t]
            truth = hide_invalid(domains[:, t], known)
            gan = torch.stack(
                [gan_loss(x, real=True, loss=self.gan_loss) for x in judged[t]]
            )
            others = [m for m in range(D) if m != t]
            l1 = [masked_l1(streams[:, t, m], truth, known) for m in others]
            of_ensemble = masked_l1(ensembles[:, t], truth, known)
            losses[f'loss_gan_{target}'] = self.gan_weight * gan.sum()
            losses[f'loss_l1_{target}'] = self.l1_weight * torch.stack(l1).sum()
            losses[f'loss_l1_{ENSEMBLE}_{target}'] = self.l1_weight * of_ensemble
        return losses

    def discriminator_losses(
        self, inputs: Tensor, streams: Tensor, samples: Sequence[Any]
    ) -> dict[str, Tensor]:
        """Losses of the discriminator; no gradient reaches the generator."""
        self._unwrapped_discriminator()
        D = len(self.sources)
        valid = self._validity(samples, inputs)
        domains = inputs.unflatten(1, (D, -1))
        reals = domains.unsqueeze(2).expand_as(streams).to(streams.dtype)
        judged = {
            real: self._judge(domains, self._hidden(images, valid))
            for real, images in ((True, reals), (False, streams.detach()))
        }
        # Halved, and summed over the sources of all directions, as with one target.
        losses = {}
        for name, real in (('real', True), ('fake', False)):
            each = [
                gan_loss(logits, real=real, loss=self.gan_loss)
                for of_target in judged[real]
                for logits in of_target
            ]
            losses[f'loss_d_{name}'] = torch.stack(each).sum() / 2
        return losses

    def _judge(self, domains: Tensor, images: Tensor) -> list[list[Tensor]]:
        """Logits of the discriminator for each target and each of its sources.

        Args:
            domains: (B, D, C, H, W).
            images: By target and source, (B, D, D, C, H, W).
        """
        D = len(self.sources)
        pairs = [(t, m) for t in range(D) for m in range(D) if m != t]
        B, _, _, H, W = domains.shape
        which = torch.eye(D, device=domains.device, dtype=domains.dtype)
        maps = [which[t].view(1, D, 1, 1).expand(B, -1, H, W) for t, _ in pairs]
        sources = [
            torch.cat([domains[:, m], one_hot], dim=1)
            for (_, m), one_hot in zip(pairs, maps, strict=True)
        ]
        faked = [images[:, t, m] for t, m in pairs]
        logits = self.discriminator(torch.cat(sources), torch.cat(faked))
        parts = iter(logits.chunk(len(pairs)))
        return [[next(parts) for _ in range(D - 1)] for _ in range(D)]

    def _validity(self, samples: Sequence[Any], inputs: Tensor) -> Tensor | None:
        """Where each domain is known, (B, D, 1, H, W); ``None``: everywhere."""
        if not any('known' in sample for sample in samples):
            return None
        full = inputs.new_ones((len(self.sources), *inputs.shape[-2:])).bool()
        masks = [s.known.data.to(full) if 'known' in s else full for s in samples]
        return torch.stack(masks).unsqueeze(2)

    def _hidden(self, images: Tensor, valid: Tensor | None) -> Tensor:
        """Images (B, D, D, C, H, W), 0 where their domain is not known."""
        return images if valid is None else torch.where(valid[:, :, None], images, 0)

    @property
    def alpha(self) -> Tensor:
        """Weights of the ensembles, (D,), of which that of the target is shared out."""
        return unwrap(self.generator).alpha
