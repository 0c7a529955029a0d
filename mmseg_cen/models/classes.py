"""Whether the heads of a model have the classes of a data set."""

from collections.abc import Iterator, Sequence
from typing import Any

from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.models.decode_heads import Mask2FormerHead, MaskFormerHead, STDCHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses import DiceLoss
from torch import nn

from .losses import CrossEntropyLoss

#: Heads that learn something else than the classes: borders between them.
OTHER_TARGETS = (STDCHead,)


def class_heads(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The heads of a model that predict classes, under their names in its config.

    Heads of another task say ``classifies = False``.
    """
    kinds = BaseDecodeHead | MaskFormerHead | Mask2FormerHead
    for name, module in model.named_modules():
        classifies = getattr(module, 'classifies', True)
        if (
            classifies
            and isinstance(module, kinds)
            and not isinstance(module, OTHER_TARGETS)
        ):
            yield name.replace('module.', ''), module


def losses_of(head: Any) -> list[Any]:
    """The losses of a head that has them as ``loss_decode``."""
    losses = getattr(head, 'loss_decode', [])
    return [*losses] if isinstance(losses, nn.ModuleList | list) else [losses]


def check_heads(model: nn.Module, classes: Sequence[str], ignore_index: int) -> None:
    """Refuse a model whose heads and a data set disagree about the classes.

    Args:
        model: The network, which may be wrapped.
        classes: Names of the K classes of the data set.
        ignore_index: The label of its pixels without a class.

    Raises:
        ValueError: If a head has another number of classes, ignores another label, or
            has a loss that does not fit.
    """
    K = len(classes)
    heads = dict(class_heads(model))
    if wrong := {n: h.num_classes for n, h in heads.items() if h.num_classes != K}:
        raise ValueError(
            f'`num_classes` of each head must be the number of classes of the data '
            f'set, {K}, got {_named(wrong)}: set num_classes={K}, or correct `classes` '
            'in the `metainfo` of the data set'
        )
    ignored = {n: h.ignore_index for n, h in heads.items()}
    ignored = {n: i for n, i in ignored.items() if i not in (ignore_index, None)}
    if ignored:
        raise ValueError(
            f'`ignore_index` of each head must be that of the data set, {ignore_index},'
            f' got {_named(ignored)}: set the same in both, in the metric, and as '
            '`seg_pad_val` of the data_preprocessor'
        )
    for name, head in heads.items():
        _check_channels(name, head, K)
        for loss in losses_of(head):
            _check_loss(name, head, loss, ignore_index)


def _check_channels(name: str, head: Any, K: int) -> None:
    channels = getattr(head, 'out_channels', K)
    if channels == 1 and K != 2:
        raise ValueError(
            f'`out_channels` of {name} must be {K}, the number of classes, got 1, '
            'which tells two classes apart: leave it out'
        )


def _check_loss(name: str, head: Any, loss: Any, ignore_index: int) -> None:
    channels = getattr(head, 'out_channels', None)
    if channels == 1 and isinstance(loss, CrossEntropyLoss) and not loss.use_sigmoid:
        raise ValueError(
            f'`use_sigmoid` of the CrossEntropyLoss of {name} must be True for '
            'out_channels=1, got False, with which the loss is 0: set it'
        )
    weights = getattr(loss, 'class_weight', None)
    if channels and isinstance(weights, Sequence) and len(weights) != channels:
        two = ' (of the pixels of the second class)' if channels == 1 else ''
        raise ValueError(
            f'`class_weight` of {name} must have one weight for each of its {channels} '
            f'channels{two}, got {len(weights)}: measure the weights with '
            'tools/analysis/dataset_stats.py'
        )
    if isinstance(loss, DiceLoss):  # its `ignore_index` is a class, if it is any
        if ignore_index < 0:
            raise ValueError(
                f'`ignore_index` must not be negative beside the DiceLoss of {name}, '
                f'which would take it for class 0, got {ignore_index}: choose another '
                'for data set, heads and metric, such as 255'
            )
        return
    for option in ('ignore_label', 'ignore_index'):  # of OhemCrossEntropy, TverskyLoss
        own = getattr(loss, option, ignore_index)
        if own != ignore_index:
            raise ValueError(
                f'`{option}` of the {type(loss).__name__} of {name} must be the '
                f'`ignore_index` of the data set, {ignore_index}, got {own}: set the '
                'same'
            )


def check_padding(model: nn.Module, num_classes: int, ignore_index: int) -> None:
    """Refuse a preprocessor that pads labels with neither a class nor the ignored one.

    Raises:
        ValueError: If there is one.
    """
    for module in model.modules():
        if isinstance(module, SegDataPreProcessor):
            value = module.seg_pad_val
            if value != ignore_index and not 0 <= value < num_classes:
                raise ValueError(
                    '`seg_pad_val` of the data_preprocessor must be the '
                    f'`ignore_index` of the data set, {ignore_index}, got {value}: set '
                    'the same'
                )


def has_class_weights(model: nn.Module) -> bool:
    """Whether a loss of the model weighs the classes."""
    return any(
        getattr(loss, 'class_weight', None) is not None
        for _, head in class_heads(model)
        for loss in losses_of(head)
    )


def _named(values: dict[str, Any]) -> str:
    return ', '.join(f'{value} in {name}' for name, value in values.items())
