"""Two later exchanges at the seam behind an attention: pixel attention, and adapters.

Both are after the formulas of their papers, at the place where :class:`TokenExchange`
stands: behind the projection of an attention, before drop-path and the residual.
"""

from itertools import permutations

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from .attention import AttentionExchange
from .exchange import mean_of_others
from .packed_linear import PackedLinear, copies_first, copies_second, xavier


@MODELS.register_module()
class PixelAttentionExchange(AttentionExchange):
    r"""Each token attends to itself and to the other modality's at its position.

    After "GeminiFusion", Jia et al., 2024. For a token y of a modality, and z, the mean
    of those of the others at its position,

    .. math:: y \mathrel{+}= \mathrm{Attention}(q = y,\ k = \{y + n_k,\ y \odot r\},
              \ v = \{y + n_v,\ z\}), \quad r = \mathrm{softmax}(\mathrm{MLP}([y, z]))

    with several heads, learnt vectors n, and own parameters of each modality in each
    block. The cost is linear in the number of tokens. Unlike the released code, it
    stands behind the projection of the attention, and the output begins at 0, so that a
    pretrained network starts as it is.

    Args:
        num_heads: Number of heads, which divides the channels.

    Raises:
        ValueError: If the number of heads is wrong.
    """

    def __init__(self, num_heads: int = 8) -> None:
        super().__init__()
        if not isinstance(num_heads, int) or num_heads < 1:
            raise ValueError(
                f'`num_heads` must be a positive integer, got {num_heads!r}: choose a '
                f'divisor of the channels'
            )
        self.num_heads = num_heads

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        M, C = num_modalities, num_channels
        if C % self.num_heads:
            raise ValueError(
                f'`num_heads` must divide the {C} channels of a block, got '
                f'{self.num_heads}: choose a divisor'
            )
        self.noise = nn.Parameter(torch.zeros(2, M, 1, C))  # of key and value
        self.relation = nn.ModuleList(
            [PackedLinear(M, 2 * C, C, xavier(C)), PackedLinear(M, C, C, xavier(C))]
        )
        self.query, self.key, self.value = (
            PackedLinear(M, C, C, xavier(C)) for _ in range(3)
        )
        self.out = PackedLinear(M, C, C, std=0)

    def between(self, x: Tensor, tokens: Tensor, present: Tensor | None) -> Tensor:
        y, z = copies_first(x), copies_first(mean_of_others(x, present))
        first, second = self.relation
        relation = second(F.gelu(first(torch.cat([y, z], dim=-1)))).softmax(dim=-1)
        noisy_key, noisy_value = y + self.noise
        keys = [self.key(noisy_key), self.key(y * relation)]
        values = [self.value(noisy_value), self.value(z)]
        q, k, v = (
            torch.stack(of_two).unflatten(-1, (self.num_heads, -1))
            for of_two in ([self.query(y)], keys, values)
        )
        weights = ((q * k).sum(-1, keepdim=True) / q.shape[-1] ** 0.5).softmax(dim=0)
        mixed = (weights * v).sum(dim=0).flatten(-2)
        added = copies_second(self.out(mixed), x)
        if present is not None:  # nothing is added where there is no other stream
            has_others = present.sum(1, keepdim=True) > present.long()
            added = added * has_others[..., None, None]
        return x + added


@MODELS.register_module()
class AdapterExchange(AttentionExchange):
    r"""Small adapters add what other modalities know to each token.

    After "StitchFusion", Li et al., 2024: behind the attention,

    .. math:: x_j \mathrel{+}= \sum_{i \ne j} A_{ij}(\mathrm{LN}(x_i))

    with an MLP A, C -> 8 -> 8 -> C, whose output begins at 0. Unlike the released code,
    there is none behind the feed-forward.

    Args:
        width: Channels within the adapters.
        shared: Whether the two directions of a pair of modalities have one adapter.

    Raises:
        ValueError: If the width is not positive.
    """

    def __init__(self, width: int = 8, shared: bool = True) -> None:
        super().__init__()
        if not isinstance(width, int) or width < 1:
            raise ValueError(
                f'`width` of the adapters must be a positive integer, got {width!r}: '
                f'choose one, such as 8'
            )
        self.width = width
        self.shared = shared

    def prepare(self, num_modalities: int, num_channels: int, place: int) -> None:
        #: From which modality to which, for each adapter that is applied.
        self.pairs = [*permutations(range(num_modalities), 2)]
        known = [tuple(sorted(p)) if self.shared else p for p in self.pairs]
        layers = [*dict.fromkeys(known)]
        self.layers = [layers.index(pair) for pair in known]
        W, C, P = self.width, num_channels, len(layers)
        self.down = PackedLinear(P, C, W, xavier(C))
        self.inner = PackedLinear(P, W, W, xavier(W))
        self.up = PackedLinear(P, W, C, std=0)

    def between(self, x: Tensor, tokens: Tensor, present: Tensor | None) -> Tensor:
        known = F.layer_norm(tokens + x, x.shape[-1:])
        given = copies_first(known[:, [i for i, _ in self.pairs]])
        h = F.gelu(self.inner(self.down(given, self.layers), self.layers))
        added = copies_second(self.up(h, self.layers), x)  # (B, P, N, C)
        if present is not None:
            added = added * present[:, [i for i, _ in self.pairs], None, None]
        M = x.shape[1]
        receivers = torch.tensor([j for _, j in self.pairs], device=x.device)
        choice = F.one_hot(receivers, M).to(added.dtype)
        return x + torch.einsum('bpnc,pm->bmnc', added, choice)
