"""Classes that a training cannot learn."""

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_cen.hooks.label_survey import multimodal_sets
from mmseg_cen.preparation.statistics import ClassStatistics
from mmseg_cen.transforms import LoadAnnotations


def untrained_classes(cfg: Config) -> list[str]:
    """Names of the classes of which no label file of a training has a pixel.

    Data sets that are rendered have no label files, and all classes.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    total, names = None, []
    for dataset in multimodal_sets(DATASETS.build(cfg.train_dataloader.dataset)):
        names = list(dataset.metainfo['classes'])
        transforms = dataset.pipeline.transforms
        loaders = [t for t in transforms if isinstance(t, LoadAnnotations)]
        if not loaders:
            return []
        for index in range(len(dataset)):
            label = loaders[0].read(dataset.get_data_info(index))
            own = ClassStatistics.of(label, len(names), dataset.ignore_index)
            total = own if total is None else total + own
    if total is None:
        return []
    return [name for name, count in zip(names, total.counts, strict=True) if not count]
