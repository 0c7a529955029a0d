"""The pipeline of a test, for samples that are given."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mmcv.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from mmseg_cen.modality import Modality

from .inspection import depth_factors
from .loading import LoadModalities
from .synthetic import LoadSyntheticRoom


def given_pipeline(
    pipeline: Sequence[Mapping[str, Any]],
    modalities: Mapping[str, Modality],
    optional: Collection[str] = (),
    reduce_zero_label: bool = False,
    size: tuple[int, int] | None = None,
) -> list[dict[str, Any]]:
    """The pipeline of a test for samples that are given: other loading, no labels.

    Args:
        pipeline: Configs of transforms, test-time augmentation among them or not.
        modalities: How each modality is read.
        optional: Names of those that may be absent.
        reduce_zero_label: As of the data set.
        size: Greatest width and height, pixels, to which samples are resized for the
            network, keeping their ratio, instead of as the pipeline says.

    Raises:
        ValueError: If the pipeline does not load modalities, or the size is not two
            positive numbers.
    """
    loaders = [
        i
        for i, one in enumerate(pipeline)
        if _is(one, LoadModalities, LoadSyntheticRoom)
    ]
    if not loaders:
        raise ValueError(
            'the pipeline of the test must load modalities, got '
            f'{[one.get("type") for one in pipeline]}: use a config with LoadModalities'
        )
    rest = _without_loading(pipeline)
    encodings = [TRANSFORMS.build(t) for t in rest if t['type'] == 'EncodeDepth']
    resizing = []
    if size is not None:
        if len(size) != 2 or min(size) < 1:
            raise ValueError(
                f'`size` must be a width and a height, in pixels, got {size}: give two '
                'positive numbers'
            )
        resizing = [dict(type='Resize', scale=tuple(size), keep_ratio=True)]
        rest = [t for t in rest if t['type'] != 'Resize']
    loader = dict(
        type='LoadGivenModalities',
        modalities=dict(modalities),
        optional=tuple(optional),
        reduce_zero_label=reduce_zero_label,
        factors=depth_factors(encodings),
    )
    return [loader, *resizing, *rest]


def _without_loading(pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept = []
    for one in pipeline:
        if _is(one, LoadModalities, LoadSyntheticRoom, LoadAnnotations):
            continue
        one = dict(one)
        if one['type'] == 'TestTimeAug':
            groups = (_without_loading(group) for group in one['transforms'])
            one['transforms'] = [group for group in groups if group]
        kept.append(one)
    return kept


def _is(cfg: Mapping[str, Any], *types: type) -> bool:
    """Whether the config of a transform is of one of some types."""
    found = cfg['type']
    found = TRANSFORMS.get(found) if isinstance(found, str) else found
    return isinstance(found, type) and issubclass(found, types)
