"""A decode head for all streams, and the ensemble of their predictions."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmseg_cen.fusion.losses import pop_losses
from mmseg_cen.streams.context import streams_on_batch
from mmseg_cen.streams.convert import to_multimodal
from mmseg_cen.streams.fold import ENSEMBLE, map_tensors, split_streams
from mmseg_cen.streams.precision import at_least_float32
from mmseg_cen.streams.presence import current_presence
from mmseg_cen.streams.private import Sharing

from .ensembles import ConcatEnsemble
from .feature_streams import batch_size, check_streams
from .heads import build_heads
from .modalities import check_names
from .streamed_head import recorded_outputs


@MODELS.register_module()
class EnsembleHead(BaseModule):
    r"""One decode head, shared by all streams, and the average of their logits.

    The ensemble :math:`\sum_m \alpha_m f_m(x)`, :math:`\alpha` a softmax (Eq. 4), is
    trained on detached logits: its loss moves only :math:`\alpha`, and each modality
    keeps a loss of its own. The head's norm layers become private to each modality.

    Every head runs as it is, once, over folded features, see
    :class:`~mmseg_cen.models.streamed_head.StreamedHead`. A head with several outputs
    while training, such as DAHead or PIDHead, has an ensemble of each of them. Heads
    that classify masks average probabilities of pixels, not logits, see
    :class:`~mmseg_cen.models.mask_head.StreamedMaskHead`.

    If a sample lacks a modality, the weight of its stream is shared out among the
    others, see :func:`~mmseg_cen.models.ensembles.weighted_mean`.

    Args:
        head: Config of a decode head, e.g. ``PSPHead``, as for the unimodal model; or a
            list of them, a cascade, as for ``CascadeEncoderDecoder``, in which each
            head sees the output of the one before, and the last one predicts. A head of
            a cascade that is trained on points, like PointHead, leaves the training of
            :math:`\alpha` to the others, as its points differ between the streams.
        modalities: Names of the streams, in order; a CENSegmentor gives them.
        output: What a plain ``EncoderDecoder`` predicts: ``'ensemble'`` or the name of
            one modality; a CENSegmentor predicts all.
        convs: ``'private'``: a head for each modality, see :func:`to_multimodal`.
        norms: ``'shared'``: each norm sees all streams as one batch.
        ensemble: ``'concat'``: a 1x1 convolution over the logits of all streams takes
            the place of :math:`\alpha` (Sec. 4.1, ablation 4). It starts as the mean.
        init_cfg: Initialization config.

    Shape:
        - Input: folded features of the backbone, (B*M, C_i, H_i, W_i).
        - Output: logits, (B, K, h, w).

    Raises:
        ValueError: If the head does not hand over maps of logits as ``BaseDecodeHead``
            does, or names are repeated or unknown.
        ImportError: If the head needs mmdet, which is not installed.
    """

    def __init__(
        self,
        head: dict[str, Any] | Sequence[dict[str, Any]],
        modalities: Sequence[str],
        output: str = ENSEMBLE,
        convs: Sharing = 'shared',
        norms: Sharing = 'private',
        ensemble: Literal['alpha', 'concat'] = 'alpha',
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.modalities = check_names(modalities)
        if ENSEMBLE in self.modalities:
            raise ValueError(
                f'`modalities` must be distinct names other than {ENSEMBLE!r}, got '
                f'{self.modalities}: rename them'
            )
        names = [*self.modalities, ENSEMBLE]
        if output not in names:
            raise ValueError(
                f'`output` must be one of {names}, got {output!r}: choose a stream, or '
                f'leave it out'
            )
        self.output = output
        self.head = build_heads(head, self.by_stream)
        to_multimodal(self.head, len(self.modalities), convs=convs, norms=norms)
        if ensemble not in ('alpha', 'concat'):
            raise ValueError(
                f"`ensemble` must be 'alpha' (a weight for each stream) or 'concat' (a "
                f'1x1 convolution), got {ensemble!r}: choose one of them'
            )
        self.concat: ConcatEnsemble | None = None
        if ensemble == 'concat':
            self.concat = ConcatEnsemble(len(self.modalities), self.out_channels)
        else:
            self.alpha_logits = nn.Parameter(torch.zeros(len(self.modalities)))

    @property
    def heads(self) -> list[Any]:
        """The heads of the cascade; of a plain head, itself."""
        return [*self.head] if isinstance(self.head, nn.ModuleList) else [self.head]

    # What a segmentor reads of its decode head.
    @property
    def align_corners(self) -> bool:
        return self.heads[-1].align_corners

    @property
    def num_classes(self) -> int:
        return self.heads[-1].num_classes

    @property
    def out_channels(self) -> int:
        return self.heads[-1].out_channels

    @property
    def threshold(self) -> float | None:
        """Threshold of a binary prediction, else None."""
        return getattr(self.heads[-1], 'threshold', None)  # IterativeDecodeHead

    @property
    def alpha(self) -> Tensor | None:
        """Weights of the ensemble, (M,): positive, of sum 1; ``None`` of 'concat'."""
        # No error, as ``torch.jit.trace`` reads all properties.
        return None if self.concat is not None else self.alpha_logits.softmax(dim=0)

    def forward_streams(
        self,
        feats: Sequence[Tensor],
        test_cfg: Any = None,
        metas: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Tensor]:
        """Logits (B, K, h, w) of every modality, and of their ``'ensemble'``.

        Args:
            feats: Folded features.
            test_cfg: Test settings of the segmentor, which PointHead reads.
            metas: Of the inputs, whose size heads of masks predict at.
        """
        num_streams = batch_size(feats)
        previous: tuple[Any, ...] = ()
        for head in self.heads[:-1]:
            with streams_on_batch(head, num_streams):
                previous = (head(feats, *previous),)
        head = self.heads[-1]
        with streams_on_batch(head, num_streams):
            logits = head.predict(feats, *previous, [*metas], test_cfg)
        if not isinstance(logits, Tensor):
            raise ValueError(
                'the decode head must be in eval mode to predict, or have one output, '
                'got several while training: call eval() first, or choose another head'
            )
        return self.by_stream(logits)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        return self.forward_streams(feats)[self.output]

    def loss(
        self, feats: Sequence[Tensor], samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The losses of each head, for each stream and the ensemble.

        The losses of a stream are over the samples that have its modality, and 0 if no
        sample of the batch has it. The losses of fusion modules, which come with the
        features, are beside them.
        """
        return self.losses_and_outputs(feats, samples, train_cfg)[0]

    def losses_and_outputs(
        self, feats: Sequence[Tensor], samples: list[Any], train_cfg: Any
    ) -> tuple[dict[str, Tensor], list[Any]]:
        """The :meth:`loss`, and the folded outputs (B*M, ...) that it is of.

        The outputs are those of the last head, as it hands them to its losses.
        """
        check_streams(feats, samples, self.modalities)
        losses = pop_losses(feats)
        outputs: list[Any] = []
        for i, head in enumerate(self.heads):
            streams = streams_on_batch(head, batch_size(feats))
            previous = outputs[:1]
            with recorded_outputs() as outputs, streams:
                of_head = head.loss(feats, *previous, samples, train_cfg)
            if len(self.heads) > 1:
                of_head = add_prefix(of_head, str(i))
            losses.update(of_head)
        return losses, outputs

    def predict(
        self, feats: Sequence[Tensor], metas: list[dict[str, Any]], test_cfg: Any
    ) -> Tensor:
        """Logits of :attr:`output` at the size of the input, (B, K, H, W)."""
        check_streams(feats, metas, self.modalities)
        logits = self.forward_streams(feats, test_cfg, metas)[self.output]
        return self.heads[-1].resize_to_input(logits, metas)

    def predict_streams(
        self,
        feats: Sequence[Tensor],
        metas: list[dict[str, Any]],
        test_cfg: Any = None,
    ) -> Tensor:
        """Logits of all :meth:`forward_streams` side by side, (B, (M+1)*K, H, W)."""
        check_streams(feats, metas, self.modalities)
        streams = self.forward_streams(feats, test_cfg, metas)
        return self.heads[-1].resize_to_input(torch.cat([*streams.values()], 1), metas)

    def by_stream(self, folded: Any, ensemble: bool = True) -> dict[str, Any]:
        """Outputs of a head (B*M, ...) -> (B, ...), of each stream and the ensemble.

        Under mixed precision, all that is done with them is in float32: close logits
        must not become equal.
        """
        M = len(self.modalities)
        folded = map_tensors(at_least_float32, folded)

        def stream(m: int) -> Any:
            return map_tensors(lambda output: split_streams(output, M)[:, m], folded)

        def combined(output: Tensor) -> Tensor:
            return self.combine(split_streams(output.detach(), M))

        outputs = {name: stream(m) for m, name in enumerate(self.modalities)}
        if ensemble:
            outputs[ENSEMBLE] = map_tensors(combined, folded)
        return outputs

    def combine(self, streams: Tensor) -> Tensor:
        """The ensemble (B, ...) of the outputs (B, M, ...) of all streams."""
        present = current_presence()
        if self.concat is not None:
            return self.concat(streams, present)
        return self.heads[-1].average(streams, self.alpha_logits, present)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        own = ('alpha_logits', 'concat.weight')
        if not any(prefix + name in state_dict for name in own):  # a unimodal model's
            for key in [key for key in state_dict if key.startswith(prefix)]:
                state_dict[f'{prefix}head.{key[len(prefix) :]}'] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)
