"""Training for any subset of the modalities: all together teach some of them."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmseg_cen.streams.build import arguments_of, build_from_config
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.precision import at_least_float32
from mmseg_cen.streams.presence import current_presence, present_modalities


class SubsetDistillation:
    r"""Distil the ensemble of all modalities into the ensemble of some of them.

    A training step predicts twice. The first pass has all modalities that a sample has,
    and its usual losses; its ensemble is the teacher, without a gradient. The second
    pass has a random subset of them, see :func:`draw_subsets`; its ensemble, the
    student, learns the teacher's probabilities and, like any sample with missing
    modalities, the labels:

    .. math::
        L = L_\mathrm{all} + w_\mathrm{label} L_\mathrm{subset}
            + w\,T^2\,\mathrm{KL}(p^T_\mathrm{all} \,\|\, p^T_\mathrm{subset})

    with :math:`p^T` the softmax of the logits divided by T. Samples with one modality
    have no part in the divergence. Auxiliary heads are trained in the first pass only.

    Both passes update running statistics, as a test with a subset uses the same ones.
    A step takes the time and the memory of two.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. AnySeg
    (Zheng et al., 2024) distils into subsets, from a second network.

    Args:
        weight: Weight w of the divergence, ``loss_distill``.
        temperature: Temperature T.
        label_weight: Weight of the losses of the subset, ``subset.*.loss_*``.

    Raises:
        ValueError: If an argument is out of its range.
    """

    weight: float
    temperature: float
    label_weight: float

    def __init__(
        self, weight: float = 1.0, temperature: float = 1.0, label_weight: float = 1.0
    ) -> None:
        for name, value in (('weight', weight), ('label_weight', label_weight)):
            if not (isinstance(value, Real) and 0 <= value < math.inf):
                raise ValueError(
                    f'`{name}` of subset_distillation must be a number that is not '
                    f'negative, got {value!r}: set 0 to leave out its losses'
                )
        if not (isinstance(temperature, Real) and 0 < temperature < math.inf):
            raise ValueError(
                f'`temperature` of subset_distillation must be a positive number, got '
                f'{temperature!r}: set 1 for the probabilities as they are'
            )
        self.weight = weight
        self.temperature = temperature
        self.label_weight = label_weight

    def losses(
        self, model: Any, inputs: Tensor, samples: list[Any]
    ) -> dict[str, Tensor]:
        """The losses of both passes.

        Args:
            model: A :class:`CENSegmentor`.
            inputs: Packed modalities, (B, M*C, H, W).
            samples: The samples, with labels.

        Raises:
            ValueError: If blocks of the network recompute their activations, or its
                decode head does not predict one map of logits.
        """
        if any(map(_recomputes, model.modules())):
            raise ValueError(
                '`subset_distillation` must have a network that keeps its activations, '
                'got blocks that recompute them, which would have lost the modalities '
                'of the first pass: set with_cp=False and activation_checkpointing=None'
            )
        head = model.decode_head
        feats = model.extract_feat(inputs)
        own, outputs = head.losses_and_outputs(feats, samples, model.train_cfg)
        losses = add_prefix(own, 'decode')
        if model.with_auxiliary_head:
            losses.update(model._auxiliary_head_forward_train(feats, samples))
        with torch.no_grad():
            teacher = ensemble_logits(head, outputs)
        present = current_presence()
        if present is None:
            present = inputs.new_ones(
                len(samples), len(model.modalities), dtype=torch.bool
            )
        with present_modalities(draw_subsets(present)):
            feats = model.extract_feat(inputs)
            own, outputs = head.losses_and_outputs(feats, samples, model.train_cfg)
            student = ensemble_logits(head, outputs)
        if self.label_weight:
            of_subset = {
                k: self.label_weight * v for k, v in own.items() if 'loss' in k
            }
            losses.update(add_prefix(of_subset, 'subset'))
        labels = torch.stack([sample.gt_sem_seg.data for sample in samples])
        valid = labels != head.heads[-1].ignore_index
        valid &= (present.sum(dim=1) > 1).view(-1, 1, 1, 1)
        divergence = divergence_of(student, teacher, valid, self.temperature)
        losses['loss_distill'] = self.weight * divergence
        return losses


def build_distillation(
    options: dict[str, Any], modalities: Sequence[str]
) -> SubsetDistillation:
    """Build the distillation of a network.

    Args:
        options: Arguments of :class:`SubsetDistillation`.
        modalities: Names of the streams.

    Raises:
        ValueError: If the options are wrong, or there are no several streams.
    """
    if not isinstance(options, dict):
        known = arguments_of(SubsetDistillation)
        raise ValueError(
            f'`subset_distillation` must be a dict of {known}, got {options!r}: write '
            f'dict() for the defaults'
        )
    if len(modalities) < 2:
        raise ValueError(
            f'`subset_distillation` must have streams of several modalities, got '
            f'{tuple(modalities)}: leave it out'
        )
    return build_from_config(dict(options, type=SubsetDistillation), SubsetDistillation)


def draw_subsets(present: Tensor) -> Tensor:
    """Draw some of the modalities of each sample, by torch's generator of the CPU.

    Args:
        present: Presence, bool (B, M).

    Returns:
        Presence, bool (B, M): one of the subsets that lack at least one modality of the
        sample, but not all, each with the same probability. A sample with one modality
        keeps it.
    """
    M, there = present.shape[1], present.cpu()
    subsets = (torch.arange(1, 2**M)[:, None] >> torch.arange(M) & 1).bool()
    within = ~(subsets & ~there[:, None]).any(dim=2)
    count = there.sum(dim=1, keepdim=True)
    possible = within & ((subsets.sum(dim=1) < count) | (count == 1))
    drawn = torch.multinomial(possible.float(), num_samples=1).flatten()
    return subsets[drawn].to(present.device)


def ensemble_logits(head: Any, outputs: list[Any]) -> Tensor:
    """The ensemble (B, K, h, w) of folded outputs, through which gradients flow.

    Args:
        head: An :class:`EnsembleHead`.
        outputs: What its ``losses_and_outputs`` returns.

    Raises:
        ValueError: If the outputs are not one map of logits.
    """
    if len(outputs) != 1 or not isinstance(outputs[0], Tensor):
        raise ValueError(
            f'`subset_distillation` must have a decode head with one map of logits '
            f'while training, got {type(head.heads[-1]).__name__}, which has several '
            f'outputs: choose another head, such as PSPHead or FCNHead'
        )
    streams = split_streams(at_least_float32(outputs[0]), len(head.modalities))
    return head.combine(streams)


def divergence_of(
    student: Tensor, teacher: Tensor, valid: Tensor, temperature: float = 1.0
) -> Tensor:
    r"""The mean of :math:`T^2\,\mathrm{KL}(p^T \,\|\, q^T)` over valid pixels.

    Args:
        student: Logits of q, (B, K, h, w); one channel is that of a binary model.
        teacher: Logits of p, of the same shape.
        valid: Which pixels count, bool (B, 1, H, W).
        temperature: Temperature T.

    Returns:
        A scalar; 0 if no pixel is valid.
    """
    if student.shape[1] == 1:  # sigmoid(x) is the second of softmax(0, x)
        student, teacher = (F.pad(x, (0, 0, 0, 0, 1, 0)) for x in (student, teacher))
    log_q, log_p = ((x / temperature).log_softmax(dim=1) for x in (student, teacher))
    divergence = F.kl_div(log_q, log_p, reduction='none', log_target=True).sum(dim=1)
    counts = F.interpolate(
        valid.to(divergence), student.shape[2:], mode='nearest-exact'
    )
    total = (divergence * counts[:, 0]).sum()
    return temperature**2 * total / counts.sum().clamp(min=1)


def _recomputes(module: nn.Module) -> bool:
    """Whether a module runs again in the backward pass.

    mmengine's ``activation_checkpointing`` wraps the ``forward`` of an instance.
    """
    wrapped = hasattr(vars(module).get('forward'), '__wrapped__')
    return wrapped or getattr(module, 'with_cp', False)
