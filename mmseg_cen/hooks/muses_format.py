"""The predicted classes of MUSES in the format of its server."""

import re
from pathlib import Path, PurePath
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_cen.visualization.class_maps import write_classes

FOLDER = 'labelTrainIds'
NUM_CLASSES = 19
SIZE = (1080, 1920)
_NAME = re.compile(r'[^_/]+_frame_\d{6}')


@HOOKS.register_module()
class MUSESFormatHook(Hook):
    """Save predictions for MUSES as ``<out_dir>/labelTrainIds/<scene>.png``.

    ``tools/test.py --format-muses DIR`` adds this hook. The server takes a zip file of
    the folder ``labelTrainIds`` with one PNG file for each test image, named by its
    scene, ``REC0124_frame_208369.png``, of 1920x1080 pixels and one channel: the train
    ids of Cityscapes, 0 for road to 18 for bicycle
    (https://github.com/timbroed/MUSES/issues/4). A test of subsets of the modalities
    has a folder for each, ``<out_dir>/rgb+lidar/labelTrainIds/``.

    Args:
        out_dir: Folder; made if it does not exist.

    Raises:
        ValueError: If the data set has other classes, names or sizes, or the folder has
            files of other scenes.
        OSError: If a file cannot be written.
    """

    def __init__(self, out_dir: str) -> None:
        self.out_dir = Path(out_dir)

    def before_test_epoch(self, runner: Runner) -> None:
        dataset = runner.test_loop.dataloader.dataset
        classes = dataset.metainfo.get('classes') or ()
        if len(classes) != NUM_CLASSES:
            raise ValueError(
                f'the data set must have the {NUM_CLASSES} classes of Cityscapes for '
                f'the server of MUSES, got {len(classes)}: use a config of MUSES'
            )
        infos = (dataset.get_data_info(index) for index in range(len(dataset)))
        scenes = [_scene_of(info['img_path']) for info in infos]
        if len({*scenes}) < len(scenes):
            raise ValueError(
                'every scene must be tested once for the server of MUSES, got '
                f'{len(scenes)} images of {len({*scenes})} scenes: correct the list'
            )
        self._scenes = {*scenes}
        self._check(self._folder(runner))
        self._written: list[Path] = []

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        folder = self._folder(runner)
        if folder not in self._written:
            self._check(folder)
            self._written.append(folder)
        for sample in outputs:
            size = tuple(sample.pred_sem_seg.shape[-2:])
            if size != SIZE:
                raise ValueError(
                    f'predictions must be of {SIZE[1]}x{SIZE[0]} pixels for the server '
                    f'of MUSES, got {size[1]}x{size[0]} of {sample.img_path}: test the '
                    'images at their own size'
                )
            path = folder / f'{_scene_of(sample.img_path)}.png'
            write_classes(path, sample.to_dict(), NUM_CLASSES)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        for folder in self._written:
            count = sum(1 for _ in folder.glob('*.png'))
            print_log(
                f'{count} predictions for the server of MUSES in {folder}: upload a '
                f'zip file of this folder',
                'current',
            )

    def _folder(self, runner: Runner) -> Path:
        """Where the predictions of now belong: subsets of modalities have their own."""
        return self.out_dir / getattr(runner.test_loop, 'subset', '') / FOLDER

    def _check(self, folder: Path) -> None:
        # Not the files that other processes are writing, whose names begin with a dot.
        present = {path.stem for path in folder.glob('[!.]*')}
        if other := sorted(present - self._scenes):
            raise ValueError(
                f'{folder} must have files of the tested scenes only, got '
                f'{other[:3]}: choose an empty folder'
            )


def _scene_of(path: str) -> str:
    """Name of the scene of an image, e.g. 'REC0124_frame_208369'."""
    match = _NAME.match(PurePath(path).name)
    if match is None:
        raise ValueError(
            'images must be named by sequence and frame, such as '
            f'REC0124_frame_208369.png, for the server of MUSES, got {path}: prepare '
            'the data set with tools/dataset_converters/muses.py'
        )
    return match[0]
