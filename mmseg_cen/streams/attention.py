"""Exchanges between the attentions of streams, and the seam where they stand."""

from typing import Any, Literal

from torch import Tensor, nn

from .context import StreamAware
from .exchanges import Exchange
from .fold import split_streams
from .layer_norm import ModalityLN2d
from .norm import ModalityNorm

#: Before an attention, on the normalized tokens, or behind it, on what it returns.
Where = Literal['input', 'output']


class AttentionExchange(Exchange, StreamAware):
    """Base of the exchanges between the attentions of streams, token by token.

    A subclass defines :meth:`between`. Class tokens take no part. Blocks with equally
    many channels in one container of blocks are a *stage*; its exchanges may
    :meth:`share` parameters.
    """

    by_gamma = False
    #: Where the exchange stands in a block.
    where: Where = 'output'
    #: Number of tokens in front of those of positions.
    class_tokens = 0

    def share(self, first: Any) -> None:
        """Use the parameters of the first exchange of the stage, where they are shared.

        Args:
            first: The first exchange of the stage, of the type of this one.
        """

    def between(self, x: Tensor, tokens: Tensor, present: Tensor | None) -> Tensor:
        """Exchange the tokens of positions.

        Args:
            x: Normalized tokens, or what the attentions return, (B, M, N, C).
            tokens: Tokens of the streams: ``x`` itself, or the inputs of the blocks,
                before the norm, (B, M, N, C).
            present: Which streams exist, bool (B, M); ``None``: all.

        Returns:
            Tokens of the shape of ``x``.
        """
        raise NotImplementedError

    def forward(
        self, x: Tensor, gamma: Tensor | None, present: Tensor | None = None
    ) -> Tensor:
        """Exchange behind a norm, (B, M, C, ...)."""
        tokens = x.flatten(3).transpose(2, 3)
        out = self.of_tokens(tokens, tokens, present)
        return out.transpose(2, 3).reshape(x.shape)

    def of_tokens(self, x: Tensor, tokens: Tensor, present: Tensor | None) -> Tensor:
        """:meth:`between`, of all but the class tokens."""
        k = self.class_tokens
        if not k:
            return self.between(x, tokens, present)
        out = x.clone()
        out[:, :, k:] = self.between(x[:, :, k:], tokens[:, :, k:], present)
        return out


class AttentionSeam(StreamAware):
    """Hands what an attention returns to an exchange, with the input of its block.

    Args:
        exchange: The exchange.
        norm: The norm in front of the attention, whose input is that of the block.

    Shape:
        - Input and output: folded tokens of the layout that ``norm`` has, (B*M, ...,
          C) or (B*M, C, ...).

    Raises:
        ValueError: If the attention returns something else than the tokens it sees.
    """

    def __init__(self, exchange: AttentionExchange, norm: ModalityNorm) -> None:
        super().__init__()
        self.exchange = exchange
        self.num_modalities = norm.num_modalities
        # A ModalityLN2d moves the channels of images to the last axis itself.
        self.channel_axis = 1 if isinstance(norm, ModalityLN2d) else norm.channel_axis
        self._seen: Tensor | None = None
        # In a tuple, which hides it: the norm is a part of the block.
        self._norm = (norm,)
        norm.register_forward_pre_hook(self._see)

    def _see(self, norm: nn.Module, args: tuple[Any, ...]) -> None:
        self._seen = args[0]

    def forward(self, x: Tensor) -> Tensor:
        seen, self._seen = self._seen, None  # nothing is kept behind the pass
        if seen is None or seen.shape != x.shape:
            got = None if seen is None else tuple(seen.shape)
            raise ValueError(
                f'an attention must return the tokens of its norm, {got}, got '
                f"{tuple(x.shape)}: set where='input' of the exchange, as this one "
                f'moves something else to the batch axis'
            )
        moved = x.movedim(self.channel_axis, -1)
        out = self.exchange.of_tokens(
            self._tokens(x), self._tokens(seen), self.exchange.present
        )
        out = out.reshape(moved.shape).movedim(-1, self.channel_axis)
        return out.to(x.dtype)

    def _tokens(self, x: Tensor) -> Tensor:
        x = x.movedim(self.channel_axis, -1).flatten(1, -2)
        return split_streams(x, self.num_modalities)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        (norm,) = self._norm
        if norm.loaded_unimodal:  # without an exchange: its parameters stay
            for name, tensor in self.exchange.state_dict().items():
                state_dict.setdefault(f'{prefix}exchange.{name}', tensor)
        super()._load_from_state_dict(state_dict, prefix, *args)
