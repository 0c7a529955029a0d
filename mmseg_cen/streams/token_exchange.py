"""The exchange of tokens between the streams of a transformer (TokenFusion)."""

import math
from numbers import Real
from typing import Any, Literal, get_args

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from .attention import AttentionExchange, Where
from .tokens import TokenScores, allocated_donors, replace_tokens

#: What replaces a token if there are several other modalities.
Donor = Literal['mean', 'allocated']


@MODELS.register_module()
class TokenExchange(AttentionExchange):
    r"""A token with a small score is replaced by the other modality's at its position.

    "Multimodal Token Fusion for Vision Transformers", Wang et al., CVPR 2022. A score
    s(e) in [0, 1] of each token e, by :class:`TokenScores`, gates the token and decides
    whether it is replaced (Eq. 4 and 6):

    .. math:: \hat e_m = s_m e_m \text{ where } s_m \ge \theta
              \text{, else } s_{m'} e_{m'}

    A training adds ``loss_weight`` times the mean of all scores to the losses, as
    ``loss_tokens``. The paper and its code take lambda times the sum, which depends on
    the sizes of batch and image: lambda = 1e-6 of the released segmentation code, whose
    batch of 6 images of 500 x 500 pixels has 0.98e6 scores in MiT-B3, is a weight of 1.

    Args:
        threshold: Threshold theta on the scores: 0 replaces no token, a value above 1
            replaces all.
        where: ``'input'`` (paper): the normalized tokens in front of an attention are
            scored and exchanged; ``'output'`` (released segmentation code): what the
            attention returns, before drop-path and the residual, by scores of the
            inputs of the block. In neither case are tokens of the residual replaced.
        donor: What replaces a token if M > 2. ``'mean'``: the mean of the others, as in
            CEN; ``'allocated'`` (Eq. 7): the modality to which
            :func:`allocated_donors` binds the position.
        gated: Whether tokens are multiplied by their scores.
        loss_weight: Weight of the mean score in the losses; 0: no such loss.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        threshold: float = 2e-2,
        where: Where = 'output',
        donor: Donor = 'mean',
        gated: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        for name, value in (('threshold', threshold), ('loss_weight', loss_weight)):
            if not isinstance(value, Real) or not value >= 0:  # refuses NaN, too
                raise ValueError(
                    f'`{name}` of a TokenExchange must be a number that is not '
                    f'negative, got {value!r}: set it to 0 for none'
                )
        if loss_weight == math.inf:
            raise ValueError(
                '`loss_weight` of a TokenExchange must be finite, got inf: set it to 1'
            )
        for name, choice, known in (('where', where, Where), ('donor', donor, Donor)):
            if choice not in get_args(known):
                raise ValueError(
                    f'`{name}` of a TokenExchange must be among {get_args(known)}, got '
                    f'{choice!r}: choose one'
                )
        if not isinstance(gated, bool):
            raise ValueError(
                f'`gated` of a TokenExchange must be True or False, got {gated!r}: '
                f'choose one'
            )
        self.threshold = threshold
        self.where = where
        self.donor = donor
        self.gated = gated
        self.loss_weight = loss_weight
        # In a tuple, which hides shared predictors from the state dict of all exchanges
        # of a stage but the first.
        self._scores: tuple[TokenScores, ...] = ()
        #: Scores of the last training pass, (B, M, N), until the loss takes them.
        self.last_scores: Tensor | None = None
        #: Replaced tokens and all tokens of each modality in the last pass, (2, M).
        self.counts: Tensor | None = None

    @property
    def scores(self) -> TokenScores:
        """The predictors of the stage."""
        return self._scores[0]

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        self.predictors: nn.Module | None = TokenScores(num_modalities, num_channels)
        self._scores = (self.predictors,)

    def share(self, first: 'TokenExchange') -> None:
        self.predictors = None
        self._scores = (first.scores,)

    def between(self, x: Tensor, tokens: Tensor, present: Tensor | None) -> Tensor:
        scores = self.scores(tokens)
        replaced = scores.detach() < self.threshold
        if self.num_streams is not None:  # not the second run of a checkpointed block
            self.last_scores = scores if self.training else None
            self._count(replaced, present)
        if self.gated:
            x = x * scores.unsqueeze(-1).to(x.dtype)
        if not self.threshold:
            return x
        M, N = x.shape[1:3]
        donors = None
        if self.donor == 'allocated' and M > 2:
            donors = allocated_donors(int(N), M).to(x.device)
        return replace_tokens(x, replaced, present, donors)

    @torch.no_grad()
    def _count(self, replaced: Tensor, present: Tensor | None) -> None:
        exist = torch.ones_like(replaced)
        if present is not None:
            exist = exist & present.unsqueeze(-1)
        both = torch.stack([replaced & exist, exist])
        self.counts = both.sum(dim=(1, 3))

    def __getstate__(self) -> dict[str, Any]:
        """The state of a copy of this module, which no pass precedes."""
        return {**self.__dict__, 'last_scores': None}

    def extra_repr(self) -> str:
        return (
            f'threshold={self.threshold}, where={self.where!r}, donor={self.donor!r}, '
            f'gated={self.gated}, loss_weight={self.loss_weight}'
        )
