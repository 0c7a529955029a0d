"""Make the norm layers of a built module private to each modality."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from .norm import ModalityBN, ModalityIN, ModalityNorm

#: The norm layers that can be made private, and by what. A subclass of one of them has
#: a forward of its own and is not converted.
PRIVATE_TYPES: dict[type[nn.Module], type[ModalityNorm]] = {
    nn.BatchNorm2d: ModalityBN,
    nn.SyncBatchNorm: ModalityBN,
    nn.InstanceNorm2d: ModalityIN,
}


def to_multimodal(module: nn.Module, num_modalities: int) -> nn.Module:
    """Replace every norm layer of ``module`` by one that is private to each modality.

    Everything else stays shared. With equal inputs, each stream of the result computes
    what ``module`` computes. Layers that are private already are left as they are.

    Args:
        module: A module over (B, C, H, W) features; changed in place.
        num_modalities: Number of modalities M.

    Returns:
        ``module``, now over folded features (B*M, C, H, W).

    Raises:
        ValueError: A norm layer cannot be made private; all such layers are named.
    """
    refused = []
    for parent_name, parent in list(module.named_modules()):
        if isinstance(parent, ModalityNorm):
            continue
        for name, child in parent.named_children():
            if private_type := PRIVATE_TYPES.get(type(child)):
                private = private_type.from_unimodal(child, num_modalities)
                setattr(parent, name, private)
            elif isinstance(
                child, (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)
            ):
                refused.append(f'{parent_name}.{name}'.lstrip('.') + f' ({child})')
    if refused:
        raise ValueError(
            f'only {", ".join(t.__name__ for t in PRIVATE_TYPES)} can be private to '
            f'each modality, got {"; ".join(refused)}; choose another norm_cfg'
        )
    return module
