"""Pictures of inputs, ground truth and predictions, during validation and tests."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.visualization.panels import Picture
from mmseg_cen.visualization.samples import draw_sample


@HOOKS.register_module()
class MultimodalVisualizationHook(Hook):
    """Draw one picture per sample: modalities, ground truth and every prediction.

    Below each modality stands the prediction of its stream, below the ground truth the
    prediction of the ensemble, each with its mIoU and pixel accuracy on the picture;
    then the classes that occur. Pictures go to the backends of the visualizer (to
    TensorBoard if there is one), named ``val_<stem of img_path>`` or ``test_<...>``.

    Unlike mmseg's hook, it draws the inputs of the network instead of reading files
    again, and begins with the first batch.

    Args:
        draw: Whether to draw at all; ``tools/test.py --show-dir`` switches it on.
        interval: Draw every so many batches.
        max_samples: Draw at most so many pictures per validation or test.
        show: Show the pictures in a window and store none in the backends.
        wait_time: How long a window stays, in seconds; 0 waits for a key.
        out_dir: Write ``<stem>.png`` files here instead of using the backends.

    Raises:
        ValueError: If ``interval`` is not positive.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        max_samples: int | None = None,
        show: bool = False,
        wait_time: float = 0.0,
        out_dir: str | None = None,
    ) -> None:
        if interval < 1:
            raise ValueError(
                f'`interval` must be at least 1, got {interval}: set draw=False to '
                f'draw nothing'
            )
        self.draw = draw
        self.interval = interval
        self.max_samples = max_samples
        self.show = show
        self.wait_time = wait_time
        self.out_dir = out_dir
        self._num_drawn = 0

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        self._num_drawn = 0

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
        mode: str = 'train',
    ) -> None:
        if not self.draw or mode == 'train' or batch_idx % self.interval:
            return
        loop = runner.val_loop if mode == 'val' else runner.test_loop
        dataset = loop.dataloader.dataset
        for index, sample in enumerate(outputs):
            if self.max_samples is not None and self._num_drawn >= self.max_samples:
                return
            name = self._name(dataset, sample, f'{batch_idx}_{index}')
            inputs = unaugmented_inputs(data_batch, index)
            picture = self._draw(inputs, sample, dataset.metainfo)
            self._emit(runner, picture, name, mode)
            self._num_drawn += 1

    def _name(self, dataset: Any, sample: Any, default: str) -> str:
        """Name of the picture of a sample, without suffix."""
        return Path(sample.get('img_path', default)).stem

    def _draw(
        self, inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
    ) -> Picture:
        return draw_sample(inputs, sample, meta)

    def _emit(self, runner: Runner, picture: Picture, name: str, mode: str) -> None:
        if self.show:
            runner.visualizer.show(picture, name, self.wait_time)
        if self.out_dir is not None:
            path = Path(self.out_dir, f'{name}.png')
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture[..., ::-1])
        elif not self.show:
            runner.visualizer.add_image(f'{mode}_{name}', picture, step=runner.iter)


def unaugmented_inputs(data_batch: dict[str, Any], index: int) -> NDArray[np.floating]:
    """The inputs of one sample, (sum of C_m, H, W), as the pipeline packed them.

    Args:
        data_batch: A batch before the data preprocessor. With test-time augmentation
            ``inputs`` is a list over augmentations of lists over samples: the largest
            view that is not flipped is taken.
        index: Which sample of the batch.
    """
    inputs = data_batch['inputs']
    if isinstance(inputs[0], Tensor):
        chosen = inputs[index]
    else:
        samples = data_batch['data_samples']
        largest = max(
            range(len(inputs)),
            key=lambda k: (
                not samples[k][index].get('flip', False),
                inputs[k][index].numel(),
            ),
        )
        chosen = inputs[largest][index]
    return np.asarray(chosen.cpu().numpy())
