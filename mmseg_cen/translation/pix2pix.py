"""Translation of several sources into one target, trained against a discriminator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
from mmengine.dist import all_reduce_dict, all_reduce_params
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.instancenorm import _InstanceNorm

from mmseg_cen.fusion.losses import pop_losses
from mmseg_cen.streams.fold import ENSEMBLE, fold_streams
from mmseg_cen.streams.state import unwrap

from .losses import GANLoss, check_gan_loss, gan_loss, masked_l1

TestProtocol = Literal['eval', 'released']


@MODELS.register_module()
class CENPix2Pix(BaseModel):
    r"""Pix2pix with several sources, whose streams exchange channels (Sec. 4.2).

    One iteration runs the generator once. Then the discriminator learns to tell the
    target from the image of each stream, given the source of that stream, and the
    generator to mislead it. Its losses are

    - ``loss_gan_{source}``: the discriminator's, of each stream;
    - ``loss_l1_{source}``: distance of the image of each stream from the target;
    - ``loss_l1_ensemble``: that of the ensemble, which moves only alpha. With one
      source there is none: the ensemble is the stream;
    - ``loss_sparsity``: of the ``GammaSparsityHook``.

    Pixels of the target that are invalid count in none of them, and the discriminator
    sees 0 there in both images.

    Unlike the released code, which has no ensemble either in the adversarial loss, the
    generator runs once for both steps, and the fakes are detached for the
    discriminator's.

    Predicted samples have ``pred_image``, the ensemble, with the field ``data``, and
    ``pred_streams``, with one field per source; both (C_t, H, W), in [-1, 1].

    Args:
        generator: Config of a :class:`CENUNet`.
        discriminator: Config of a :class:`PatchDiscriminator`; None is enough to
            predict.
        sources: Names of the sources, in the order in which they are packed.
        gan_loss: See :func:`mmseg_cen.translation.losses.gan_loss`.
        gan_weight: Weight of the adversarial losses of the generator.
        l1_weight: Weight of its L1 losses.
        test_protocol: ``'eval'``: the network in eval mode. ``'released'``: as the
            released code evaluates, with dropout, and normalized by the statistics of
            each image. Unlike there, the running statistics stay what they are.
        data_preprocessor: Config of a ``TranslationPreprocessor``.
        init_cfg: Initialization config.

    Shape:
        - Input: packed sources, (B, M*C, H, W), and their samples, with ``gt_image``
          (C_t, H, W) and, if pixels of it are invalid, ``gt_valid`` (1, H, W).

    Raises:
        ValueError: Parts of the model, or the data, disagree about the sources or
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
        super().__init__(data_preprocessor, init_cfg)
        check_gan_loss(gan_loss)
        if test_protocol not in get_args(TestProtocol):
            raise ValueError(
                f'test_protocol is one of {get_args(TestProtocol)}, got '
                f'{test_protocol!r}'
            )
        self.sources = tuple(sources)
        self.gan_loss = gan_loss
        self.gan_weight = gan_weight
        self.l1_weight = l1_weight
        self.test_protocol = test_protocol
        self.generator = MODELS.build(generator)
        self.discriminator: Any = None
        if discriminator is not None:
            self.discriminator = MODELS.build(discriminator)
        self._check_parts()

    def _check_parts(self) -> None:
        if len({*self.sources, ENSEMBLE}) <= len(self.sources):
            raise ValueError(
                f'the sources have distinct names other than {ENSEMBLE!r}, got '
                f'{self.sources}'
            )
        if self.generator.num_modalities != len(self.sources):
            raise ValueError(
                f'the model has {len(self.sources)} sources {self.sources}, but '
                f'generator.num_modalities={self.generator.num_modalities}; make them '
                f'agree'
            )
        of_data = tuple(getattr(self.data_preprocessor, 'sources', self.sources))
        if of_data != self.sources:
            raise ValueError(
                f'the model has the sources {self.sources}, the data_preprocessor '
                f'{of_data}; make names and order agree'
            )
        wanted = self.generator.in_channels + self.generator.out_channels
        if self.discriminator and self.discriminator.in_channels != wanted:
            raise ValueError(
                f'the discriminator sees a source and the target, which have '
                f'{self.generator.in_channels} + {self.generator.out_channels} '
                f'channels in the generator, but discriminator.in_channels='
                f'{self.discriminator.in_channels}; make them agree'
            )

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
            mode: ``'tensor'``: the images of all streams and the ensemble, by name.
                ``'predict'``: the samples with predictions. ``'loss'``: the losses of
                the generator.
            outputs: What the generator returns, if it has run already.

        Raises:
            ValueError: The data are not those of the model, or the mode is unknown.
        """
        if mode == 'loss':
            if outputs is None:
                outputs = self.generator(inputs)
            return self.generator_losses(inputs, outputs, data_samples or [])
        if mode not in ('tensor', 'predict'):
            raise ValueError(f"mode is 'tensor', 'predict' or 'loss', got {mode!r}")
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
        """What the generator learns from; no gradient reaches the discriminator."""
        streams, ensemble = outputs
        target, valid = self._target(samples, inputs)
        sources = fold_streams(inputs, len(self.sources))
        fakes = hide_invalid(streams, valid)
        with without_gradients(self._unwrapped_discriminator()) as discriminator:
            logits = discriminator(sources, fakes.flatten(0, 1))
        logits = logits.unflatten(0, streams.shape[:2])
        losses = pop_losses(outputs)  # of fusion modules
        for m, name in enumerate(self.sources):
            of_stream = gan_loss(logits[:, m], real=True, kind=self.gan_loss)
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
        """What the discriminator learns from; no gradient reaches the generator.

        Args:
            inputs: Packed sources, (B, M*C, H, W).
            streams: Images of the streams, (B, M, C_t, H, W).
            samples: The samples.

        Returns:
            ``loss_d_real`` and ``loss_d_fake``, sums over the streams, each half.
        """
        self._unwrapped_discriminator()
        target, valid = self._target(samples, inputs)
        M = len(self.sources)
        sources = fold_streams(inputs, M)
        reals = target.repeat_interleave(M, dim=0).to(streams.dtype)
        fakes = hide_invalid(streams.detach(), valid).flatten(0, 1)
        # One pass: each image is normalized by its own statistics.
        logits = self.discriminator(
            sources.repeat(2, 1, 1, 1), torch.cat([reals, fakes])
        )
        real, fake = logits.chunk(2)
        # The mean over all streams of all images, times M, is the sum over streams.
        return {
            'loss_d_real': M / 2 * gan_loss(real, real=True, kind=self.gan_loss),
            'loss_d_fake': M / 2 * gan_loss(fake, real=False, kind=self.gan_loss),
        }

    def train_step(
        self, data: Any, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """One step of the discriminator, one of the generator.

        Raises:
            ValueError: There are not two optimizers.
        """
        generator, discriminator = self._optimizers(optim_wrapper)
        with generator.optim_context(self.generator):
            data = self.data_preprocessor(data, True)
            inputs, samples = data['inputs'], data['data_samples']
            outputs = self.generator(inputs)
        with discriminator.optim_context(self.discriminator):
            losses = self.discriminator_losses(inputs, outputs[0], samples)
        total, of_discriminator = self.parse_losses(losses)
        discriminator.update_params(total)
        of_discriminator['loss_d'] = of_discriminator.pop('loss')
        with generator.optim_context(self.generator):
            # The sparsity hook adds its loss to those of this call.
            losses = self(inputs, samples, mode='loss', outputs=outputs)
        total, of_generator = self.parse_losses(losses)
        generator.update_params(total)
        self._average_statistics()
        return {**of_generator, **of_discriminator}

    def parse_losses(
        self, losses: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The total loss, and what is logged: the mean over all processes."""
        total, logged = super().parse_losses(losses)
        logged = {name: value.detach().clone() for name, value in logged.items()}
        all_reduce_dict(logged, op='mean')
        return total, logged

    def _optimizers(self, optim_wrapper: Any) -> tuple[OptimWrapper, OptimWrapper]:
        names = ('generator', 'discriminator')
        if not (
            isinstance(optim_wrapper, OptimWrapperDict)
            and set(optim_wrapper.keys()) == set(names)
        ):
            raise ValueError(
                'a CENPix2Pix is trained by two optimizers; set optim_wrapper=dict('
                "constructor='OptimWrapperDictConstructor', generator=dict(...), "
                'discriminator=dict(...)) with a config of an optimizer wrapper each'
            )
        return optim_wrapper[names[0]], optim_wrapper[names[1]]

    def _unwrapped_discriminator(self) -> nn.Module:
        if self.discriminator is None:
            raise ValueError(
                'a CENPix2Pix is trained against a discriminator, and has none; set '
                "discriminator=dict(type='PatchDiscriminator', ...)"
            )
        return unwrap(self.discriminator)

    def _target(
        self, samples: Sequence[Any], inputs: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Targets (B, C_t, H, W), 0 where invalid, and where they are valid."""
        shape = (unwrap(self.generator).out_channels, *inputs.shape[-2:])
        found = [tuple(sample.gt_image.data.shape) for sample in samples]
        if found != [shape] * len(inputs):
            raise ValueError(
                f'each of the {len(inputs)} inputs has a target gt_image of shape '
                f'{shape}, as many channels as generator.out_channels and the size of '
                f'the sources, got {found}'
            )
        target = torch.stack([sample.gt_image.data for sample in samples])
        target = target.to(inputs.device)
        if not any('gt_valid' in sample for sample in samples):
            return target, None
        valid = torch.stack(
            [
                sample.gt_valid.data
                if 'gt_valid' in sample
                else torch.ones_like(sample.gt_image.data[:1], dtype=torch.bool)
                for sample in samples
            ]
        ).to(inputs.device)
        return hide_invalid(target, valid), valid

    def _average_statistics(self) -> None:
        """Let running statistics be those of all processes."""
        parts = (unwrap(self.generator), unwrap(self.discriminator))
        all_reduce_params(
            [b for part in parts for b in part.buffers() if b.is_floating_point()],
            op='mean',
        )


def hide_invalid(images: Tensor, valid: Tensor | None) -> Tensor:
    """Images (B, ..., C, H, W), 0 where ``valid`` (B, 1, H, W) is false."""
    if valid is None:
        return images
    shape = (len(valid), *[1] * (images.ndim - 4), *valid.shape[1:])
    return torch.where(valid.view(shape), images, 0)


@contextmanager
def without_gradients(module: nn.Module) -> Iterator[nn.Module]:
    """Context in which gradients pass ``module``, but are not those of its weights."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield module
    finally:
        for parameter in trained:
            parameter.requires_grad_()


@contextmanager
def released_evaluation(module: nn.Module) -> Iterator[None]:
    """Context in which ``module`` predicts as the released code does, in train mode.

    Dropout is on, and instance norms take the statistics of each image. The running
    ones are not updated.
    """
    norms: list[Any] = [m for m in module.modules() if isinstance(m, _InstanceNorm)]
    momenta = [norm.momentum for norm in norms]
    training = module.training
    module.train()
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        module.train(training)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
