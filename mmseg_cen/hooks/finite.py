"""Stops a training whose losses are NaN or infinite."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import get_rank, is_distributed
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mmseg_cen.streams.running import synchronized
from mmseg_cen.streams.state import first_names, unwrap

from .every_n_iterations import EveryNIterations

#: Modes in which a model returns losses: of all, or of one network out of two.
_OF_LOSSES = ('loss', 'discriminator')
#: So many steps in a row a loss scaler may skip: it halves its scale each time.
_SKIPPED = 50
#: How many samples a message names.
_SHOWN_SAMPLES = 8


@HOOKS.register_module()
class FiniteLossHook(EveryNIterations):
    """Stop when a loss is NaN or infinite, before the weights are saved.

    The error names the iteration and the samples of its batch. The losses of the model
    are looked at before they change its weights: the error then also names the layer
    whose output is the first that is not finite.

    With a loss scaler (mixed precision), a step whose gradients are not finite is
    skipped: the training goes on, unless 50 steps in a row are, or running statistics
    are no longer finite.

    Args:
        interval: Iterations between two checks; all losses since the last one are
            checked as they are logged, and before each checkpoint.

    Raises:
        ValueError: If the interval is not positive, or, while training, if a loss is
            not finite.
    """

    priority = 'ABOVE_NORMAL'  # above the CheckpointHook

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(
                f'`interval` must be at least 1, got {interval}: leave out the hook to '
                f'check nothing'
            )
        super().__init__(interval)
        self._unchecked: list[tuple[int, dict[str, Tensor], list[str]]] = []
        self._skipped = 0
        self._handle: Any = None

    def before_train(self, runner: Runner) -> None:
        self._unchecked, self._skipped = [], 0

        def look(model: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            if kwargs.get('mode') in _OF_LOSSES and self.is_due(runner, self.interval):
                found = _infinite(_losses(output))
                if found and not self._may_be_skipped(runner):
                    self._check(runner)  # an earlier one is the cause
                    layer = ''
                    # Run by one process alone, synchronized layers wait for ever.
                    if not (is_distributed() and synchronized(model.modules())):
                        layer = first_infinite_layer(model, args, kwargs)
                    names = _names(kwargs.get('data_samples'))
                    raise _divergence(found, runner.iter, names, layer)

        model = unwrap(runner.model)
        self._handle = model.register_forward_hook(look, with_kwargs=True)

    def after_train(self, runner: Runner) -> None:
        if self._handle is not None:
            self._handle.remove()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else ()
        losses = {name: value.detach() for name, value in _losses(outputs).items()}
        self._unchecked.append((runner.iter, losses, _names(samples)))
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def act(self, runner: Runner, outputs: Any) -> None:
        self._check(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: Any) -> None:
        self._check(runner)

    def _check(self, runner: Runner) -> None:
        """Check what was logged since the last check."""
        unchecked, self._unchecked = self._unchecked, []
        every = {
            (i, name): value
            for i, (_, losses, _) in enumerate(unchecked)
            for name, value in losses.items()
        }
        found = _infinite(every)
        scaled = _is_scaled(runner)
        for i, (iteration, _, names) in enumerate(unchecked):
            own = {name: value for (j, name), value in found.items() if i == j}
            self._skipped = self._skipped + 1 if own else 0
            if own and not (scaled and self._skipped < _SKIPPED):
                raise _divergence(own, iteration, names)

    def _may_be_skipped(self, runner: Runner) -> bool:
        """Whether a loss that is not finite only makes a loss scaler skip a step."""
        return _is_scaled(runner) and not not_finite(weights_of(runner.model))


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The parameters and running statistics of a model; no other buffers.

    By their names in a checkpoint, where parts of the model are wrapped on their own.
    """
    weights = {
        name: value
        for name, value in [*model.named_parameters(), *model.named_buffers()]
        if isinstance(value, nn.Parameter) or '.running_' in f'.{name}'
    }
    for part, module in model.named_modules():
        if part and is_model_wrapper(module):
            inside = f'{part}.module.'
            weights = {n.replace(inside, f'{part}.', 1): w for n, w in weights.items()}
    return weights


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that have NaN or infinity."""
    floats = {name: w for name, w in weights.items() if w.is_floating_point()}
    flags = [weight.detach().isfinite().all() for weight in floats.values()]
    if not flags:
        return []
    fine = torch.stack([flag.to(flags[0].device) for flag in flags]).tolist()
    return [name for name, is_fine in zip(floats, fine, strict=True) if not is_fine]


def first_infinite_layer(
    model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    """Which layer is the first to put out NaN or infinity, in words.

    Args:
        model: The network, which is run once more.
        args: Its arguments.
        kwargs: Its keyword arguments; `outputs` of what has run before are left out, as
            its layers are looked at, too.
    """
    kwargs = {name: value for name, value in kwargs.items() if name != 'outputs'}
    if not all(x.isfinite().all() for x in _tensors([args, kwargs.get('inputs')])):
        return 'the inputs are not finite'
    found: list[str] = []
    names = {module: name for name, module in model.named_modules()}

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        if not found and not all(x.isfinite().all() for x in _tensors(output)):
            found.append(names[module])

    handles = [m.register_forward_hook(look) for m in names if m is not model]
    try:
        # Compiled code would run without these hooks.
        with torch.no_grad(), torch.compiler.set_stance('force_eager'):
            model.forward(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        return 'the outputs of all layers are finite'
    module = type(dict(model.named_modules())[found[0]]).__name__
    return f'the first output that is not finite is of the {module} {found[0]}'


def _losses(outputs: Any) -> dict[str, Tensor]:
    return {
        name: value
        for name, parts in (outputs or {}).items()
        if 'loss' in name
        for value in [parts if isinstance(parts, Tensor) else _joined(parts)]
        if value is not None
    }


def _joined(parts: Any) -> Tensor | None:
    """The values of several losses of one name."""
    values = [value.flatten() for value in _tensors(parts)]
    return torch.cat(values) if values else None


def _tensors(values: Any) -> Iterator[Tensor]:
    """The tensors of floating point within lists and dicts."""
    if isinstance(values, Tensor):
        if values.is_floating_point():
            yield values
    elif isinstance(values, Mapping):
        yield from _tensors(list(values.values()))
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors(value)


def _infinite(losses: Mapping[Any, Tensor]) -> dict[Any, float]:
    """The losses that are NaN or infinite; the device is waited for once."""
    if not losses:
        return {}
    values = torch.stack([value.detach().double().sum() for value in losses.values()])
    return {
        name: value
        for name, value in zip(losses, values.tolist(), strict=True)
        if not math.isfinite(value)
    }


def _is_scaled(runner: Runner) -> bool:
    """Whether a loss scaler skips steps with gradients that are not finite."""
    wrapper: Any = getattr(runner, 'optim_wrapper', None)
    parts = list(wrapper.values()) if hasattr(wrapper, 'values') else [wrapper]
    scalers = [getattr(part, 'loss_scaler', None) for part in parts]
    return any(s is not None and s.is_enabled() for s in scalers)


def _divergence(
    found: Mapping[str, float], iteration: int, names: Sequence[str], layer: str = ''
) -> ValueError:
    process = f' of process {get_rank()}' if is_distributed() else ''
    parts = [f'losses must be finite, got {dict(found)} at iteration {iteration + 1}']
    if names:
        parts.append(f'samples{process}: {first_names(names, _SHOWN_SAMPLES)}')
    if layer:
        parts.append(layer)
    return ValueError(
        f'{"; ".join(parts)}: the training has diverged; lower the learning rate, look '
        f'for NaN in the data, or resume from an earlier checkpoint'
    )


def _names(samples: Any) -> list[str]:
    """The files of samples, or their numbers."""
    known = [getattr(sample, 'metainfo', {}) for sample in samples or ()]
    return [str(m.get('img_path', m.get('sample_idx', 'unnamed'))) for m in known]
