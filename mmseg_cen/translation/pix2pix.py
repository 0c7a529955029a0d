"""Translation of several sources into one target, trained against a discriminator."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from mmengine.dist import all_reduce_params
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_cen.fusion.losses import pop_losses
from mmseg_cen.logged_losses import MeanOfProcesses
from mmseg_cen.streams.fold import ENSEMBLE, fold_streams
from mmseg_cen.streams.state import unwrap

from .contexts import released_evaluation, without_gradients
from .losses import GANLoss, check_gan_loss, gan_loss, masked_l1
from .preprocessor import with_sources
from .targets import hide_invalid, stack_targets

TestProtocol = Literal['eval', 'released']


@MODELS.register_module()
class CENPix2Pix(MeanOfProcesses):
    r"""Pix2pix with several sources, whose streams exchange channels (Sec. 4.2).

    One iteration runs the generator once. Then the discriminator learns to tell the
    target from the image of each stream, given the source of that stream, and the
    generator learns to mislead the discriminator. The losses of the generator are

    - ``loss_gan_{source}``: whether the discriminator takes the image of the stream for
      a target;
    - ``loss_l1_{source}``: distance of the image of the stream from the target;
    - ``loss_l1_ensemble``: distance of the ensemble from the target; moves only alpha.
      Missing with one source, whose stream is the ensemble;
    - ``loss_sparsity``: added by the ``GammaSparsityHook``.

    No loss counts invalid pixels of the target; the discriminator sees 0 there in real
    and generated images.

    Unlike the released code, the generator runs once for both steps, and its images are
    detached for the step of the discriminator. As there, the adversarial losses leave
    the ensemble out.

    Predicted samples have ``pred_image``, the ensemble, with the field ``data``, and
    ``pred_streams``, with one field per source; both (C_t, H, W), in [-1, 1].

    Args:
        generator: Config of a :class:`CENUNet`; its ``num_modalities`` is, if it is not
            given, the number of sources.
        sources: Names of the sources, in the order of the streams.
        discriminator: Config of a :class:`PatchDiscriminator`; ``None`` is enough to
            predict.
        gan_loss: See :func:`mmseg_cen.translation.losses.gan_loss`.
        gan_weight: Weight of the adversarial losses of the generator.
        l1_weight: Weight of the L1 losses.
        test_protocol: ``'eval'``: the network in eval mode. ``'released'``: as the
            released code evaluates, with dropout, and normalized by the statistics of
            each image. Unlike the released code, the running statistics stay unchanged.
        data_preprocessor: Config of a :class:`TranslationPreprocessor`; its ``sources``
            are, if they are not given, the ``sources`` above, and a dict of them is
            brought into this order.
        init_cfg: Initialization config.

    Shape:
        - Input: packed sources, (B, M*C, H, W), and their samples, with ``gt_image``
          (C_t, H, W) and, if some of its pixels are invalid, ``gt_valid`` (1, H, W).

    Raises:
        ValueError: If parts of the model, or the data, disagree about the sources or
            the target.
    """

    def __init__(
        self,
        generator: dict[str, Any],
        sources: Sequence[str],
        discriminator: dict[str, Any] | None = None,
        gan_loss: GANLoss = 'bce',
        gan_weight: float = 1.0,
        l1_weight: float = 100.0,
        test_protocol: TestProtocol = 'eval',
        data_preprocessor: Any = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(with_sources(data_preprocessor, sources), init_cfg)
        check_gan_loss(gan_loss)
        if test_protocol not in (known := get_args(TestProtocol)):
            raise ValueError(
                f'`test_protocol` must be one of {known}, got {test_protocol!r}: '
                'choose one of them'
            )
        self.sources = tuple(sources)
        self.gan_loss = gan_loss
        self.gan_weight = gan_weight
        self.l1_weight = l1_weight
        self.test_protocol = test_protocol
        self.generator = MODELS.build({'num_modalities': len(sources), **generator})
        self.discriminator: Any = None
        if discriminator is not None:
            channels = {'in_channels': self._judged_channels()}
            self.discriminator = MODELS.build(channels | discriminator)
        self._check_parts()

    def _check_parts(self) -> None:
        if len({*self.sources, ENSEMBLE}) <= len(self.sources):
            raise ValueError(
                f'`sources` must be distinct names other than {ENSEMBLE!r}, got '
                f'{self.sources}: rename the sources'
            )
        if self.generator.num_modalities != len(self.sources):
            raise ValueError(
                f'`generator.num_modalities` must be {len(self.sources)}, the number '
                f'of the sources {self.sources}, got {self.generator.num_modalities}: '
                'remove it from the config'
            )
        of_data = tuple(getattr(self.data_preprocessor, 'sources', self.sources))
        if of_data != self.sources:
            raise ValueError(
                '`data_preprocessor.sources` must be the sources of the model in their '
                f'order, {self.sources}, got {of_data}: remove them from the config'
            )
        wanted = self._judged_channels()
        if self.discriminator and self.discriminator.in_channels != wanted:
            raise ValueError(
                f'`discriminator.in_channels` must be {wanted}, the channels of all '
                f'that is judged together, got {self.discriminator.in_channels}: leave '
                f'it out'
            )

    def _judged_channels(self) -> int:
        """Channels of what the discriminator sees: a source and the target."""
        return self.generator.in_channels + self.generator.out_channels

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the streams, in order."""
        return self.sources

    @property
    def alpha(self) -> Tensor:
        """Weights of the ensemble, (M,)."""
        return unwrap(self.generator).alpha

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[Any] | None = None,
        mode: str = 'tensor',
        outputs: tuple[Tensor, Tensor] | None = None,
    ) -> Any:
        """Run the network.

        Args:
            inputs: Packed sources, (B, M*C, H, W).
            data_samples: The samples; not for ``mode='tensor'``.
            mode: ``'tensor'``: returns the images of all streams and the ensemble, by
                name; ``'predict'``: the samples with predictions; ``'loss'``: the
                losses of the generator; ``'discriminator'``: those of the other.
            outputs: The outputs of the generator, if it has run already.

        Raises:
            ValueError: If the data have other sources or another target than the
                model, or the mode is unknown.
        """
        if mode in ('loss', 'discriminator'):
            outputs = outputs or self.generator(inputs)
            if mode == 'loss':
                return self.generator_losses(inputs, outputs, data_samples or [])
            return self.discriminator_losses(inputs, outputs[0], data_samples or [])
        if mode not in ('tensor', 'predict'):
            raise ValueError(
                f"`mode` must be 'tensor', 'predict' or 'loss', got {mode!r}: choose "
                'one of them'
            )
        streams, ensemble = outputs or self._run_generator(inputs)
        images = dict(zip(self.sources, streams.unbind(dim=1), strict=True))
        if mode == 'tensor':
            return {**images, ENSEMBLE: ensemble}
        for i, sample in enumerate(data_samples or []):
            sample.pred_image = PixelData(data=ensemble[i].float())
            sample.pred_streams = PixelData(
                **{name: image[i].float() for name, image in images.items()}
            )
        return data_samples

    def _run_generator(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        generator = unwrap(self.generator)
        if self.training or self.test_protocol == 'eval':
            return generator(inputs)
        with released_evaluation(generator):
            return generator(inputs)

    def generator_losses(
        self, inputs: Tensor, outputs: tuple[Tensor, Tensor], samples: Sequence[Any]
    ) -> dict[str, Tensor]:
        """Losses of the generator; no gradient reaches the discriminator."""
        streams, ensemble = outputs
        target, valid = stack_targets(samples, streams)
        sources = fold_streams(inputs, len(self.sources))
        fakes = hide_invalid(streams, valid)
        with without_gradients(self._unwrapped_discriminator()) as discriminator:
            logits = discriminator(sources, fakes.flatten(0, 1))
        logits = logits.unflatten(0, streams.shape[:2])
        losses = pop_losses(outputs)  # of fusion modules
        for m, name in enumerate(self.sources):
            of_stream = gan_loss(logits[:, m], real=True, loss=self.gan_loss)
            losses[f'loss_gan_{name}'] = self.gan_weight * of_stream
        for m, name in enumerate(self.sources):
            distance = masked_l1(fakes[:, m], target, valid)
            losses[f'loss_l1_{name}'] = self.l1_weight * distance
        if len(self.sources) > 1:
            distance = masked_l1(hide_invalid(ensemble, valid), target, valid)
            losses[f'loss_l1_{ENSEMBLE}'] = self.l1_weight * distance
        return losses

    def discriminator_losses(
        self, inputs: Tensor, streams: Tensor, samples: Sequence[Any]
    ) -> dict[str, Tensor]:
        """Losses of the discriminator; no gradient reaches the generator.

        Args:
            inputs: Packed sources, (B, M*C, H, W).
            streams: Images of the streams, (B, M, C_t, H, W).
            samples: The samples.

        Returns:
            ``loss_d_real`` and ``loss_d_fake``, each half of its sum over the streams.
        """
        self._unwrapped_discriminator()
        target, valid = stack_targets(samples, streams)
        M = len(self.sources)
        sources = fold_streams(inputs, M)
        reals = target.repeat_interleave(M, dim=0).to(streams.dtype)
        fakes = hide_invalid(streams.detach(), valid).flatten(0, 1)
        # One pass: each image is normalized by its own statistics.
        both = torch.cat([reals, fakes])
        real, fake = self.discriminator(sources.repeat(2, 1, 1, 1), both).chunk(2)
        # The mean over all streams of all images, times M, is the sum over streams.
        return {
            'loss_d_real': M / 2 * gan_loss(real, real=True, loss=self.gan_loss),
            'loss_d_fake': M / 2 * gan_loss(fake, real=False, loss=self.gan_loss),
        }

    def train_step(
        self, data: Any, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """One step of the discriminator, then one step of the generator.

        Raises:
            ValueError: If each of both networks has not an optimizer of its own.
        """
        generator, discriminator = self._optimizers(optim_wrapper)
        with generator.optim_context(self.generator):
            data = self.data_preprocessor(data, True)
            inputs, samples = data['inputs'], data['data_samples']
            outputs = self.generator(inputs)
        made = dict(data_samples=samples, outputs=outputs)
        # Hooks look at the losses of both calls, and add a penalty to the second.
        with discriminator.optim_context(self.discriminator):
            losses = self(inputs, mode='discriminator', **made)
        total, of_discriminator = self.parse_losses(losses)
        discriminator.update_params(total)
        of_discriminator['loss_d'] = of_discriminator.pop('loss')
        with generator.optim_context(self.generator):
            losses = self(inputs, mode='loss', **made)
        total, of_generator = self.parse_losses(losses)
        generator.update_params(total)
        self._average_statistics()
        return {**of_generator, **of_discriminator}

    def _optimizers(self, optim_wrapper: Any) -> tuple[OptimWrapper, OptimWrapper]:
        names = ('generator', 'discriminator')
        is_dict = isinstance(optim_wrapper, OptimWrapperDict)
        if not is_dict or {*optim_wrapper.keys()} != {*names}:
            raise ValueError(
                '`optim_wrapper` must hold an optimizer for each of '
                f'{names}, got {type(optim_wrapper).__name__}: set optim_wrapper=dict('
                "constructor='OptimWrapperDictConstructor', generator=dict(...), "
                'discriminator=dict(...)) with a config of an optimizer wrapper each'
            )
        return optim_wrapper[names[0]], optim_wrapper[names[1]]

    def _unwrapped_discriminator(self) -> nn.Module:
        if self.discriminator is None:
            raise ValueError(
                '`discriminator` must be given to train a CENPix2Pix, got None: set '
                "discriminator=dict(type='PatchDiscriminator', ...)"
            )
        return unwrap(self.discriminator)

    def _average_statistics(self) -> None:
        """Average the running statistics over all processes."""
        parts = (unwrap(self.generator), unwrap(self.discriminator))
        buffers = [b for part in parts for b in part.buffers() if b.is_floating_point()]
        all_reduce_params(buffers, op='mean')
