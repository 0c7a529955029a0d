"""Token exchange as pure functions, and the scores by which it chooses (TokenFusion).

"Multimodal Token Fusion for Vision Transformers", Wang et al., CVPR 2022. Tokens are
the positions of a feature map as a transformer sees them, (B, M, N, C).
"""

from functools import lru_cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .exchange import mean_of_others
from .packed_linear import PackedLinear, copies_first, copies_second
from .precision import without_autocast


class TokenScores(nn.Module):
    """How important each token is to its modality, by an MLP private to each modality.

    LayerNorm, C -> C -> C/2 -> C/4 -> 2 with GELU between, softmax: the score is the
    first of the two probabilities, as in the released code. That is 1.6 C^2 parameters
    for each modality. Under mixed precision, scores are computed in the precision of
    the parameters, float32: a threshold of 0.02 has few steps below it in half.

    Args:
        num_modalities: Number of modalities M.
        num_channels: Channels C of one stream.

    Shape:
        - Input: tokens, (B, M, N, C).
        - Output: scores in [0, 1], (B, M, N).

    Raises:
        ValueError: If there are fewer than 4 channels.
    """

    def __init__(self, num_modalities: int, num_channels: int) -> None:
        super().__init__()
        M, C = num_modalities, num_channels
        if C < 4:
            raise ValueError(
                f'tokens must have at least 4 channels to be scored, got {C}: choose '
                f'another backbone'
            )
        self.norm_weight = nn.Parameter(torch.ones(M, C))
        self.norm_bias = nn.Parameter(torch.zeros(M, C))
        self.layers = nn.ModuleList(
            PackedLinear(M, *widths) for widths in pairwise((C, C, C // 2, C // 4, 2))
        )

    def forward(self, tokens: Tensor) -> Tensor:
        x = copies_first(tokens.to(self.norm_weight.dtype))
        with without_autocast(x):
            x = F.layer_norm(x, x.shape[-1:])
            x = torch.addcmul(self.norm_bias[:, None], x, self.norm_weight[:, None])
            for i, layer in enumerate(self.layers):
                x = layer(F.gelu(x) if i else x)
            scores = x.softmax(dim=-1)[..., :1]
        return copies_second(scores, tokens).squeeze(-1)


@lru_cache(maxsize=64)
def allocated_donors(num_tokens: int, num_modalities: int) -> Tensor:
    """The modality that replaces each token of each modality, for M > 2 (Eq. 7).

    The N tokens of a modality are split at random into M-1 groups of equal size, and
    each group is bound to one other modality. The split is the same in each layer, in
    each training and in each test, and need not be stored.

    Returns:
        Numbers of modalities, (M, N).
    """
    M, N = num_modalities, num_tokens
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(N) % (M - 1)
    split = [groups[torch.randperm(N, generator=generator)] for _ in range(M)]
    return (torch.stack(split) + torch.arange(1, M + 1)[:, None]) % M


def replace_tokens(
    x: Tensor,
    replaced: Tensor,
    present: Tensor | None = None,
    donors: Tensor | None = None,
) -> Tensor:
    """Replace some tokens by those of other modalities at the same position (Eq. 6).

    Gradients reach the modalities whose tokens are used, never the replaced one.

    Args:
        x: Tokens, (B, M, N, C).
        replaced: Which tokens, bool (B, M, N).
        present: Which streams exist, bool (B, M); ``None``: all. Absent streams never
            donate, and where there is no other stream, no token is replaced.
        donors: Modality that donates to each token, (M, N), see
            :func:`allocated_donors`. ``None``, or where this modality is absent: the
            mean over the other modalities.

    Returns:
        Tokens of the shape of ``x``.
    """
    if x.shape[1] == 1:
        return x
    others = mean_of_others(x, present)
    if donors is not None:
        given = x.gather(1, donors[None, ..., None].expand_as(x))
        if present is not None:
            given = torch.where(present[:, donors].unsqueeze(-1), given, others)
        others = given
    if present is not None:
        has_others = present.sum(1, keepdim=True) > present.long()
        replaced = replaced & has_others.unsqueeze(-1)
    return torch.where(replaced.unsqueeze(-1), others, x)
