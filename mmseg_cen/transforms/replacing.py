"""Registration of transforms in place of the toolbox's own."""

from typing import TypeVar

from mmseg.registry import TRANSFORMS

T = TypeVar('T', bound=type)


def replace_transform(transform: T) -> T:
    """Class decorator: register a transform in place of the toolbox's of that name.

    Pipelines, test-time augmentation and ``RandomResize`` find transforms by name, and
    existing configs say ``default_scope = 'mmseg'``: a name such as ``Resize`` is
    looked up in the registry of mmseg first, and only then in its parent, the registry
    of mmengine. A child registry of this package would leave the registry of mmseg
    alone, but only configs of another scope would ask it. So that ``custom_imports``
    makes an existing pipeline multimodal, entries of mmseg's own registry are replaced.

    A replacement treats samples without modalities as the replaced transform does, so
    that other projects in the same process see no difference.
    """
    TRANSFORMS.register_module(module=transform, force=True)
    return transform
