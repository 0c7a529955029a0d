"""What the last validation of a run has measured of each image."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from comparing.systems import PER_IMAGE, System
from comparing.trained import TOLERANCE
from mmengine.config import Config

from mmseg_cen.door import ENDS_WITH_PARENT
from mmseg_cen.metrics import PerImage, read_per_image
from mmseg_cen.streams.fold import ENSEMBLE

from .configs import ROOT
from .runs import Run, run_config


def file_of(work_dir: Path) -> Path:
    """The file of a training's last validation."""
    return work_dir / PER_IMAGE


def images_of(run: Run) -> tuple[str, PerImage]:
    """Name and content of the file of a run.

    It is written by the training. If it is not there, as the training is an older one,
    or is of another validation, it is measured from the checkpoint.

    Raises:
        ValueError: If it cannot be measured.
    """
    path = file_of(run.folder)
    if not path.is_file() or not _is_of(run, read_per_image(path)):
        print(f'{run.folder} is tested for {path.name}', flush=True)
        measure(run.folder, path)
    images = read_per_image(path)
    if not _is_of(run, images):
        print(
            f'{path} has another mIoU than the log, {run.metrics["mIoU"]}: another '
            'processor or release has tested it than trained it'
        )
    return str(path), images


def miou(images: PerImage) -> float:
    """The mIoU of the ensemble over all images, in percent."""
    return System('', [('', images)]).means(ENSEMBLE)[0]


def _is_of(run: Run, images: PerImage) -> bool:
    return abs(miou(images) - run.metrics['mIoU']) <= TOLERANCE


def measure(work_dir: Path, path: Path) -> None:
    """Repeat the last validation of a training, and write the file of each image.

    Raises:
        ValueError: If there is no checkpoint, or the test fails.
    """
    note = (work_dir / 'last_checkpoint').read_text().strip()
    checkpoint = work_dir / Path(note).name  # of a folder that may have been moved
    cfg = run_config(work_dir)
    if cfg is None or not checkpoint.is_file():
        raise ValueError(
            f'a run must have {path.name} or its checkpoint {checkpoint.name}, got '
            f'neither in {work_dir}: train it again, or leave it out by --collect'
        )
    log = path.with_suffix('.log')
    with TemporaryDirectory() as folder, log.open('w') as output:
        config = Path(folder, 'validation.py')
        as_test(cfg).dump(config)
        command = (
            sys.executable, ROOT / 'tools/test.py', config, checkpoint,
            '--per-image', path.absolute(), '--work-dir', Path(folder, 'work'),
        )  # fmt: skip
        code = subprocess.run(
            [*map(str, command)],
            stdout=output, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, **ENDS_WITH_PARENT},
        ).returncode  # fmt: skip
    if code:
        raise ValueError(
            f'the checkpoint of a run must pass a test, got a failure of {checkpoint}: '
            f'see {log}'
        )


def as_test(cfg: Config) -> Config:
    """A config whose test is the validation."""
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_evaluator = cfg.val_evaluator
    cfg.test_cfg = dict(type='TestLoop', fp16=cfg.val_cfg.get('fp16', False))
    return cfg
