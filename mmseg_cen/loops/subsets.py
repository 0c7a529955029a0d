"""A test loop that measures a model with each subset of its modalities."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from mmengine.config import ConfigDict
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmseg.registry import LOOPS
from prettytable import PrettyTable
from torch import nn

from mmseg_cen.models.segmentor import CENSegmentor
from mmseg_cen.streams.presence import check_absent

from .evaluation import TestLoop

#: Attributes of metrics that write: of the toolbox, of StreamIoUMetric, of DumpResults.
FOLDERS_AND_FILES = ('output_dir', 'per_image_file', 'out_file_path')


@LOOPS.register_module()
class SubsetTestLoop(TestLoop):
    """Test a model several times, each time with some of its modalities.

    Metrics are prefixed by the name of the subset: ``rgb+depth/mIoU``, ``rgb/mIoU``;
    metrics of a stream then by its modality: ``rgb+depth/rgb/mIoU``. At the end, a
    table of the ensembles is logged. Metrics with an ``output_dir`` write each subset
    to a folder of its own within it, ``rgb+depth/``, and metrics with a
    ``per_image_file`` or ``out_file_path`` to such a folder beside it; hooks find that
    name in ``subset``.

    Args:
        *args: Passed to :class:`TestLoop`.
        subsets: The names of the modalities of each subset; ``None``: all subsets, the
            largest first.
        **kwargs: Passed to :class:`TestLoop`.

    Raises:
        ValueError: If the model is not a CENSegmentor, or its streams are fused, a name
            is unknown, or a sample has no modality of a subset.
    """

    def __init__(
        self, *args: Any, subsets: Sequence[Sequence[str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.subsets = subsets
        self.subset = ''

    def run(self) -> dict[str, float]:
        """Test every subset, and return the metrics of all."""
        runner = self.runner
        model = segmentor_of(runner.model)
        if is_fused(model):
            raise ValueError(
                'a model must keep its streams apart to be tested without one of them, '
                f'got {model.modalities}, which a fusion has mixed: test it by '
                '--protocol emm --missing zero'
            )
        subsets = self.subsets or all_subsets(model.modalities)
        for subset in subsets:
            check_absent(_others(subset, model.modalities), model.modalities)
        if found := first_without(self.dataloader.dataset, subsets):
            raise ValueError(
                'samples must have a modality of each subset to be tested with it, got '
                f'{found.image} without {found.absent} and the subset {found.subset}: '
                'leave such samples out of the data set, or such `subsets` out of '
                'test_cfg'
            )
        runner.call_hook('before_test')
        runner.call_hook('before_test_epoch')
        runner.model.eval()
        metrics: dict[str, float] = {}
        table = PrettyTable()
        for subset in subsets:
            name = '+'.join(subset)
            print_log(f'testing with {name}', 'current')
            self.subset = name
            with (
                without(model, _others(subset, model.modalities)),
                self._folder_of_subset(),
            ):
                for index, batch in enumerate(self.dataloader):
                    self.run_iter(index, batch)
                own = self.evaluator.evaluate(len(self.dataloader.dataset))
            metrics |= {f'{name}/{key}': value for key, value in own.items()}
            ensemble = {k: v for k, v in own.items() if '/' not in k}
            table.field_names = ['Modalities', *ensemble]
            table.add_row([name, *ensemble.values()])
        if is_main_process():
            print_log(
                f'results with each subset of the modalities:\n{table}', 'current'
            )
        runner.call_hook('after_test_epoch', metrics=metrics)
        runner.call_hook('after_test')
        self.subset = ''
        return metrics

    @contextmanager
    def _folder_of_subset(self) -> Iterator[None]:
        """Within this context, metrics write to the folder of the subset."""
        places = [
            (metric, attribute, path)
            for metric in self.evaluator.metrics
            for attribute in FOLDERS_AND_FILES
            if (path := getattr(metric, attribute, None))
        ]
        for metric, attribute, path in places:
            is_folder = attribute == 'output_dir'
            folder, name = (path, '') if is_folder else os.path.split(path)
            folder = os.path.join(folder, self.subset)
            os.makedirs(folder, exist_ok=True)
            setattr(metric, attribute, os.path.join(folder, name))
        try:
            yield
        finally:
            for metric, attribute, path in places:
                setattr(metric, attribute, path)


def all_subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    """All subsets of the modalities but the empty one, the largest first."""
    return [
        subset
        for size in range(len(modalities), 0, -1)
        for subset in combinations(modalities, size)
    ]


@dataclass(frozen=True)
class Lacking:
    """A sample that has no modality of a subset.

    Args:
        image: Path of its image.
        absent: Names of the modalities that it lacks.
        subset: Names of the subset.
    """

    image: str
    absent: tuple[str, ...]
    subset: tuple[str, ...]


def first_without(dataset: Any, subsets: Sequence[Sequence[str]]) -> Lacking | None:
    """The first sample that has no modality of a subset, before any is loaded.

    Args:
        dataset: Of a test; one without ``get_data_info`` tells nothing.
        subsets: Names of the modalities of each subset.
    """
    if not hasattr(dataset, 'get_data_info'):
        return None
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        absent = tuple(info.get('absent') or ())
        for subset in subsets if absent else ():
            if {*subset} <= {*absent}:
                return Lacking(str(info.get('img_path')), absent, tuple(subset))
    return None


def segmentor_of(model: nn.Module) -> CENSegmentor:
    """The CENSegmentor within wrappers, such as DDP and test-time augmentation.

    Raises:
        ValueError: If there is none.
    """
    for module in model.modules():
        if isinstance(module, CENSegmentor):
            return module
    raise ValueError(
        f"the model must be a 'CENSegmentor', got {type(model).__name__}: leave out "
        f'the SubsetTestLoop, other models cannot do without a modality'
    )


def is_fused(model: CENSegmentor) -> bool:
    """Whether a fusion takes all streams, so that none of them can be absent."""
    merged = len(model.modalities) < getattr(model.backbone, 'num_modalities', 1)
    return merged or bool(getattr(model.backbone, 'fusions', None))


@contextmanager
def without(model: CENSegmentor, absent: Sequence[str]) -> Iterator[None]:
    """Within this context, a model predicts without some modalities."""
    before = model.test_cfg
    model.test_cfg = ConfigDict({**(before or {}), 'absent': tuple(absent)})
    try:
        yield
    finally:
        model.test_cfg = before


def _others(subset: Sequence[str], modalities: Sequence[str]) -> list[str]:
    if unknown := sorted(set(subset) - set(modalities)):
        raise ValueError(
            f'`subsets` must be of the modalities {tuple(modalities)}, got {unknown}: '
            f'correct the names'
        )
    return [name for name in modalities if name not in subset]
