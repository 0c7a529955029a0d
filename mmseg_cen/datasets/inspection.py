"""A look at some samples when a data set is built, before a run is under way."""

from mmengine.dataset import BaseDataset

#: How many samples are loaded.
INSPECTED = 4


def attach(dataset: BaseDataset) -> None:
    """Tell a data set to the transforms that take more than one sample of it."""
    for transform in dataset.pipeline.transforms:
        if hasattr(transform, 'attach'):
            transform.attach(dataset)


def inspect_samples(dataset: BaseDataset) -> None:
    """Let the transforms of a data set that can, inspect samples from all over it."""
    last = len(dataset) - 1
    if last < 0:
        return
    chosen = {round(last * i / (INSPECTED - 1)) for i in range(INSPECTED)}
    samples = [dataset.get_data_info(i) for i in sorted(chosen)]
    transforms = dataset.pipeline.transforms
    for transform in transforms:
        if hasattr(transform, 'inspect'):
            transform.inspect(samples, transforms)
