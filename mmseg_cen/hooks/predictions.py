"""The predicted classes of a test, as files."""

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_cen.visualization.class_maps import write_classes
from mmseg_cen.visualization.names import SampleNames


@HOOKS.register_module()
class PredictedClassesHook(Hook):
    """Save the predicted classes of a test as PNG files, ``<out_dir>/<name>.png``.

    ``tools/test.py --out DIR`` adds this hook. Samples are named by the path of their
    image below the common folder of all images, so that equal file names in different
    folders stay apart. A test of subsets of the modalities has a folder for each,
    ``<out_dir>/rgb+depth/``. For data sets with ``reduce_zero_label``, classes count
    from 1, as in the label files; more than 255 classes are stored in 16 bits.

    Args:
        out_dir: Folder; made if it does not exist.

    Raises:
        ValueError: If a file of the data set would be overwritten.
        OSError: If a file cannot be written.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = Path(out_dir)

    def before_test_epoch(self, runner: Runner) -> None:
        dataset = runner.test_loop.dataloader.dataset
        self._names = SampleNames(dataset)
        self._names.check(self.out_dir)
        self._num_classes = len(dataset.metainfo.get('classes') or ())

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        # Of a SubsetTestLoop: the subset that is tested.
        folder = self.out_dir / getattr(runner.test_loop, 'subset', '')
        for index, sample in enumerate(outputs):
            name = self._names(sample, f'{batch_idx}_{index}')
            path = folder / f'{name}.png'
            write_classes(path, sample.to_dict(), self._num_classes)
