"""What mmseg's ``inference_model`` and ``MMSegInferencer`` find in a config of ours."""

import copy
from collections.abc import Sequence
from typing import Any

from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from mmseg_cen.datasets import samples_of_test, select
from mmseg_cen.transforms import given_pipeline

INSTEAD = (
    'MMSegInferencer must have a model of single images, got one of {}: call '
    'mmseg_cen.inference.MultimodalInferencer(config, checkpoint)({}) instead'
)


def with_given_samples(cfg: Any, names: Sequence[str]) -> Any:
    """A config whose ``test_pipeline`` takes samples that are given.

    ``init_model`` of mmseg sets the config as ``cfg`` of the model that it has built,
    and ``inference_model(model, img)`` calls its ``test_pipeline`` with ``img`` as
    ``img_path``: ``dict(rgb=…, depth=…)``, for :class:`LoadGivenModalities`.

    ``MMSegInferencer`` looks for the transform ``LoadImageFromFile`` in the test: what
    it compares says what to call.

    Args:
        cfg: The config of a training; others are returned as they are.
        names: Modalities of the network.
    """
    if not isinstance(cfg, Config) or 'test_dataloader' not in cfg:
        return cfg
    try:
        samples = samples_of_test(cfg)
        modalities = select(samples.modalities, names)
    except (ValueError, OSError):  # of a data set of another kind
        return cfg
    _say_instead(cfg.test_dataloader.dataset, names)
    given = copy.copy(cfg)
    absent = (cfg.model.get('test_cfg') or {}).get('absent') or ()
    loading = given_pipeline(
        samples.pipeline,
        modalities,
        {*samples.optional, *absent},
        samples.reduce_zero_label,
    )
    given.test_pipeline = [dict(type='PassGivenSample'), *loading]
    return given


@TRANSFORMS.register_module()
class PassGivenSample(BaseTransform):
    """Stands first in a pipeline, and does nothing.

    ``inference_model`` of mmseg puts another transform in the place of the first one
    for an array: the next one then says what a sample must be.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return the sample."""
        return results


class _SaysInstead(str):
    """The name of a loading transform that is no ``LoadImageFromFile``."""

    names: Sequence[str] = ()

    def __eq__(self, other: object) -> bool:
        if other == 'LoadImageFromFile':
            form = f'dict({", ".join(f"{name}=…" for name in self.names)})'
            raise ValueError(INSTEAD.format(list(self.names), form))
        return str(self) == other

    def __hash__(self) -> int:
        return hash(str(self))


def _say_instead(dataset: Any, names: Sequence[str]) -> None:
    for one in dataset.get('pipeline') or ():
        if isinstance(one.get('type'), str):
            one['type'] = _SaysInstead(one['type'])
            one['type'].names = tuple(names)
            return
