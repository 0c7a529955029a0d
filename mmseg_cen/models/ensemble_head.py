"""Ensemble of the predictions of all streams."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor, nn

from .convert import to_multimodal
from .streams import split_streams

ENSEMBLE = 'ensemble'


@MODELS.register_module()
class EnsembleHead(BaseModule):
    r"""One decode head, shared by all streams, and the average of their logits.

    The ensemble :math:`\sum_m \alpha_m f_m(x)`, :math:`\alpha` a softmax (Eq. 4), is
    trained on detached logits: its loss moves only :math:`\alpha`, and each modality
    keeps a loss of its own. The head's norm layers become private to each modality.

    Args:
        head: Config of a decode head with plain logits, e.g. ``PSPHead``, as for the
            unimodal model.
        modalities: Names of the streams, in the order in which they are packed.
        output: What a plain ``EncoderDecoder`` predicts: ``'ensemble'`` or the name of
            one modality.
        init_cfg: Initialization config.

    Shape:
        - Input: folded features of the backbone, (B*M, C_i, H_i, W_i).
        - Output: logits, (B, K, h, w).

    Raises:
        ValueError: The head computes its loss or prediction in a way of its own, or
            names are repeated or unknown.
    """

    def __init__(
        self,
        head: dict[str, Any],
        modalities: Sequence[str],
        output: str = ENSEMBLE,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.modalities = tuple(modalities)
        names = [*self.modalities, ENSEMBLE]
        if len(set(names)) < len(names):
            raise ValueError(
                f'the modalities have distinct names other than {ENSEMBLE!r}, got '
                f'{self.modalities}'
            )
        if output not in names:
            raise ValueError(f'output is one of {names}, got {output!r}')
        self.output = output
        self.head: BaseDecodeHead = MODELS.build(head)
        _check_plain_logits(self.head)
        to_multimodal(self.head, len(self.modalities))
        self.alpha_logits = nn.Parameter(torch.zeros(len(self.modalities)))

    # What a segmentor reads of its decode head.
    @property
    def align_corners(self) -> bool:
        return self.head.align_corners

    @property
    def num_classes(self) -> int:
        return self.head.num_classes

    @property
    def out_channels(self) -> int:
        return self.head.out_channels

    @property
    def threshold(self) -> float | None:
        """Threshold of a binary prediction, else None."""
        return self.head.threshold

    @property
    def alpha(self) -> Tensor:
        """Weights of the ensemble, (M,): positive, of sum 1."""
        return self.alpha_logits.softmax(dim=0)

    def forward_streams(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Logits (B, K, h, w) of every modality, and of their ``'ensemble'``."""
        logits = split_streams(self.head(feats), len(self.modalities))
        outputs = dict(zip(self.modalities, logits.unbind(dim=1), strict=True))
        alpha = self.alpha.to(logits.dtype)
        outputs[ENSEMBLE] = torch.einsum('m,bmkhw->bkhw', alpha, logits.detach())
        return outputs

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        return self.forward_streams(feats)[self.output]

    def loss(
        self, feats: Sequence[Tensor], samples: list[Any], train_cfg: Any
    ) -> dict[str, Tensor]:
        """The head's losses, one of each stream and of the ensemble."""
        losses: dict[str, Tensor] = {}
        for name, logits in self.forward_streams(feats).items():
            losses.update(add_prefix(self.head.loss_by_feat(logits, samples), name))
        return losses

    def predict(
        self, feats: Sequence[Tensor], metas: list[dict[str, Any]], test_cfg: Any
    ) -> Tensor:
        """Logits of :attr:`output` at the size of the input, (B, K, H, W)."""
        return self.head.predict_by_feat(self.forward(feats), metas)

    def predict_streams(
        self, feats: Sequence[Tensor], metas: list[dict[str, Any]]
    ) -> Tensor:
        """Logits of all :meth:`forward_streams` side by side, (B, (M+1)*K, H, W)."""
        logits = torch.cat(list(self.forward_streams(feats).values()), dim=1)
        return self.head.predict_by_feat(logits, metas)


def _check_plain_logits(head: BaseDecodeHead) -> None:
    steps = ('loss', 'predict', 'loss_by_feat', 'predict_by_feat')
    own = [
        step
        for step in steps
        if getattr(type(head), step, None) is not getattr(BaseDecodeHead, step)
    ]
    if own:
        raise ValueError(
            f'EnsembleHead averages plain logits, but {type(head).__name__} has its '
            f'own {", ".join(own)}; choose a head that leaves them to '
            f'BaseDecodeHead, such as PSPHead, FCNHead, UPerHead, ASPPHead or '
            f'RefineNetHead'
        )
