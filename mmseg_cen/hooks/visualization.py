"""Pictures of inputs, ground truth and predictions, during validation and tests."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.disk import write_picture
from mmseg_cen.transforms import LoadModalities
from mmseg_cen.visualization.names import SampleNames
from mmseg_cen.visualization.panels import Picture
from mmseg_cen.visualization.samples import draw_sample


@HOOKS.register_module()
class MultimodalVisualizationHook(Hook):
    """Draw one picture per sample: modalities, ground truth and every prediction.

    Below each modality stands the prediction of its stream, below the ground truth the
    prediction of the ensemble, each with its mIoU and pixel accuracy on the picture;
    then the classes that occur. Pictures go to the backends of the visualizer (to
    TensorBoard if there is one), named ``val_<name>`` or ``test_<name>``. The name of a
    sample is the path of its image below the common folder of all images, so that equal
    file names in different folders stay apart. A test of subsets of the modalities has
    pictures of each, in a folder ``rgb+depth/`` or named ``test_rgb+depth_<name>``.

    Unlike mmseg's hook, it draws the inputs of the network, and reads files again only
    where these have another size than the image; it begins with the first batch.

    Args:
        draw: Whether to draw at all; ``tools/test.py --show-dir`` switches it on.
        interval: Draw every so many batches.
        max_samples: Draw at most so many pictures per validation or test (of a subset).
        show: Show the pictures in a window and store none in the backends.
        wait_time: How long a window stays, in seconds; 0 waits for a key.
        out_dir: Write ``<name>.png`` files here instead of using the backends.

    Raises:
        ValueError: If ``interval`` is not positive, or a file of the data set would be
            overwritten.
        OSError: If a file cannot be written.
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
        self._subset = ''
        self._names: SampleNames | None = None

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        self._num_drawn = 0
        self._names = None
        if self.draw and mode != 'train':
            self._names = SampleNames(_dataset(runner, mode))
            if self.out_dir is not None:
                self._names.check(self.out_dir)

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
        dataset = _dataset(runner, mode)
        names = self._names = self._names or SampleNames(dataset)
        # Of a SubsetTestLoop: the subset that is tested.
        subset = getattr(runner.test_loop, 'subset', '') if mode == 'test' else ''
        if subset != self._subset:
            self._num_drawn, self._subset = 0, subset
        for index, sample in enumerate(outputs):
            if self.max_samples is not None and self._num_drawn >= self.max_samples:
                return
            name = names(sample, f'{batch_idx}_{index}')
            inputs, shown = measured_inputs(dataset, data_batch, index, sample)
            picture = self._draw(inputs, shown, dataset.metainfo)
            self._emit(runner, picture, name, mode)
            self._num_drawn += 1

    def _draw(
        self, inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
    ) -> Picture:
        return draw_sample(inputs, sample, meta)

    def _emit(self, runner: Runner, picture: Picture, name: str, mode: str) -> None:
        if self.show:
            runner.visualizer.show(picture, name, self.wait_time)
        if self.out_dir is not None:
            write_picture(Path(self.out_dir, self._subset, f'{name}.png'), picture)
        elif not self.show:
            assert self._names is not None
            words = [mode, self._subset, self._names.flat(name)]
            tag = '_'.join(word for word in words if word)
            runner.visualizer.add_image(tag, picture, step=runner.iter)


def _dataset(runner: Runner, mode: str) -> Any:
    loop = runner.val_loop if mode == 'val' else runner.test_loop
    return loop.dataloader.dataset


def measured_inputs(
    dataset: Any, data_batch: dict[str, Any], index: int, sample: Any
) -> tuple[NDArray[np.floating], Any]:
    """The modalities of a sample at its own size, and the sample that they belong to.

    They are loaded again where the network gets another size.

    Args:
        dataset: The data set of the sample.
        data_batch: A batch before the data preprocessor.
        index: Which sample of the batch.
        sample: The predicted sample.

    Returns:
        (sum of C_m, H, W), and the sample, whose ``modalities`` are of these arrays.
    """
    inputs = unaugmented_inputs(data_batch, index)
    number = sample.get('sample_idx')
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', [None])
    loader = transforms[0] if transforms else None
    own_size = inputs.shape[-2:] == tuple(sample.get('ori_shape', inputs.shape[-2:]))
    if own_size or number is None or not isinstance(loader, LoadModalities):
        return inputs, sample
    loaded = loader(dataset.get_data_info(number))['loaded']
    images = {
        name: np.atleast_3d(loaded[name].image).transpose(2, 0, 1)
        for name in sample.get('modalities', {})
    }
    sample = sample.clone()
    channels = {name: len(image) for name, image in images.items()}
    sample.set_metainfo(dict(modalities=channels))
    return np.concatenate([*images.values()]).astype(np.float32), sample


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
