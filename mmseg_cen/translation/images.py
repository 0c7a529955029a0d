"""Predicted images as files."""

from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from mmseg_cen.disk import write_atomically, write_picture
from mmseg_cen.preparation.files import encode
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.names import SampleNames

from .outputs import named_outputs

#: Folder of the targets, beside those of the streams.
TARGET = 'target'


@HOOKS.register_module()
class TranslationImagesHook(Hook):
    """Save the predictions of a test as PNG files, in a folder for every stream.

    The images of the streams are ``<out_dir>/<source>/<name>.png``; the ensemble and
    the target have the folders ``<out_dir>/ensemble/`` and ``<out_dir>/target/``.
    Images of more than three channels are arrays (H, W, C), ``<name>.npy``.
    ``tools/test.py --out DIR`` adds this hook. Samples are named as by
    :class:`~mmseg_cen.hooks.visualization.MultimodalVisualizationHook`.

    Args:
        out_dir: Folder; made if it does not exist.
        bits: 8 or 16 bits per channel: -1 becomes 0, 1 the largest number. A depth map
            needs 16 to keep its precision.

    Raises:
        ValueError: If ``bits`` is neither 8 nor 16, or a file of the data set would be
            overwritten.
        OSError: If a file cannot be written.
    """

    def __init__(self, out_dir: str, bits: int = 8) -> None:
        if bits not in (8, 16):
            raise ValueError(f'`bits` must be 8 or 16, got {bits}: choose one of them')
        self.out_dir = Path(out_dir)
        self.bits = bits
        self._names: SampleNames | None = None

    def before_test_epoch(self, runner: Runner) -> None:
        dataset = runner.test_loop.dataloader.dataset
        self._names = SampleNames(dataset)
        sources = getattr(dataset, 'metainfo', {}).get('sources', ())
        if TARGET in sources:
            raise ValueError(
                f'the sources must have other names than {TARGET!r} for their images '
                f'to be saved, got {tuple(sources)}: rename the domain'
            )
        for output in (*sources, ENSEMBLE, TARGET):
            for suffix in ('.png', '.npy'):
                self._names.check(self.out_dir / output, suffix)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        names = self._names
        if names is None:
            names = self._names = SampleNames(runner.test_loop.dataloader.dataset)
        for index, sample in enumerate(outputs):
            name = names(sample, f'{batch_idx}_{index}')
            fields = sample.to_dict()
            images = named_outputs(fields)
            if 'gt_image' in fields:
                images[TARGET] = fields['gt_image']['data']
            for output, image in images.items():
                self._write(self.out_dir / output, name, image)

    def _write(self, folder: Path, name: str, image: Tensor) -> None:
        highest = 2**self.bits - 1
        levels = ((image.double().nan_to_num(-1) + 1) / 2 * highest).round()
        if len(levels) == 2:
            levels = torch.cat([levels, torch.zeros_like(levels[:1])])
        array = levels.clamp(0, highest).cpu().numpy().transpose(1, 2, 0)
        array = array.astype(f'uint{self.bits}')
        if len(levels) > 3:
            write_atomically(folder / f'{name}.npy', encode(array, '.npy'))
        else:
            write_picture(folder / f'{name}.png', array)
