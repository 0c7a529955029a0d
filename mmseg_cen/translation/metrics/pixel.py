"""MAE, MSE, RMSE, PSNR and SSIM of every stream and of the ensemble."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from numpy.typing import NDArray
from prettytable import PrettyTable
from torch import Tensor

from mmseg_cen.models.ensemble_head import ENSEMBLE

from ..outputs import check_shape, named_outputs, target_and_validity

PIXEL_METRICS = ('MAE', 'MSE', 'RMSE', 'PSNR', 'SSIM')

_WINDOW, _SIGMA = 11, 1.5


@METRICS.register_module()
class TranslationMetric(BaseMetric):
    """Pixel errors of each stream and of the ensemble, in one pass.

    The ensemble's values have plain names, ``MAE``, so that
    ``save_best='MAE', rule='less'`` works; a stream's have its source in front,
    ``depth/MAE``. Pixels without a valid target are left out.

    MAE and MSE are means over all valid pixels and channels of the data set (sums and
    counts are collected, so the number of processes changes nothing), RMSE is the root
    of that MSE. PSNR (dB) and SSIM are means over images, as is usual. Both compare
    images in [0, 1], whatever `value_range` is.

    The errors of the paper's Table 6 are on the scale [-1, 1], the default here: its
    1.12 (×1e-1) is a MAE of 0.112. Its "MSE" exceeds its MAE, which of small errors
    only a root can do; the released code prints the root of the mean squared error, to
    be compared with RMSE.

    Args:
        metrics: Which of MAE, MSE, RMSE, PSNR and SSIM.
        value_range: What -1 and 1 of the target stand for. (0, 255) gives errors of
            8-bit images; for a target that is linear in a physical quantity its range,
            e.g. (0, 10) for depth up to 10 m, gives errors in its unit.
        unit: Unit of `value_range`, for the printed table.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If a metric is unknown or the range is empty; later, if an output
            and its target differ in shape or SSIM gets images of less than 11 pixels.
    """

    def __init__(
        self,
        metrics: Sequence[str] = PIXEL_METRICS,
        value_range: tuple[float, float] = (-1.0, 1.0),
        unit: str = '',
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        unknown = [name for name in metrics if name not in PIXEL_METRICS]
        if unknown or not metrics:
            raise ValueError(f'metrics={metrics} must be some of {PIXEL_METRICS}.')
        low, high = value_range
        if not low < high:
            raise ValueError(f'value_range={value_range} must be (low, high).')
        self.metrics = tuple(metrics)
        self.value_range = (low, high)
        self.unit = unit

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            target, valid = target_and_validity(sample)
            sums = {}
            for name, image in named_outputs(sample).items():
                check_shape(name, image, target)
                sums[name] = self._sums(image.to(target.device), target, valid)
            self.results.append(sums)

    def _sums(self, image: Tensor, target: Tensor, valid: Tensor) -> NDArray[np.double]:
        """Absolute and squared errors in [0, 1], PSNR, SSIM, each with its count."""
        image, target = (image.double() + 1) / 2, (target.double() + 1) / 2
        mask = valid.expand_as(target)
        errors = (image - target)[mask]
        count = errors.numel()
        squared = float(errors.square().sum())
        sums = [float(errors.abs().sum()), squared, float(count), 0.0, 0.0, 0.0, 0.0]
        if count:
            psnr = 10 * np.log10(count / squared) if squared else np.inf
            sums[3:5] = [psnr, 1.0]
        if 'SSIM' in self.metrics:
            similarity = ssim(image, target)
            # A window counts if all its pixels are valid.
            inside = -F.max_pool2d(-valid[None].double(), _WINDOW, stride=1)[0]
            inside = inside.bool().expand(len(target), -1, -1)
            if inside.any():
                sums[5:7] = [float(similarity[inside].mean()), 1.0]
        return np.asarray(sums)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        table = PrettyTable(['Output', *self.metrics])
        metrics: dict[str, float] = {}
        scale = self.value_range[1] - self.value_range[0]
        for output in results[0]:
            total = np.sum([result[output] for result in results], axis=0)
            with np.errstate(invalid='ignore', divide='ignore'):
                mae, mse = scale * total[0] / total[2], scale**2 * total[1] / total[2]
                psnr, ssim_mean = total[3] / total[4], total[5] / total[6]
            means = (mae, mse, mse**0.5, psnr, ssim_mean)
            every = dict(zip(PIXEL_METRICS, means, strict=True))
            values = {name: float(every[name]) for name in self.metrics}
            table.add_row([output, *(f'{value:.4g}' for value in values.values())])
            prefix = '' if output == ENSEMBLE else f'{output}/'
            metrics |= {prefix + name: value for name, value in values.items()}
        low, high = self.value_range
        unit = f' {self.unit}' if self.unit else ''
        print_log(
            'errors of each stream and of the ensemble (MAE, MSE, RMSE: target in '
            f'[{low:g}, {high:g}]{unit}):\n{table}',
            MMLogger.get_current_instance(),
        )
        return metrics


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of two images, a value for each window that fits.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", 2004: a Gaussian window of 11×11 pixels with sigma 1.5, K1 = 0.01,
    K2 = 0.03, each channel by itself.

    Args:
        image: In [0, 1].
        target: In [0, 1].

    Shape:
        (C, H, W), (C, H, W) → (C, H - 10, W - 10).

    Raises:
        ValueError: If a side is shorter than the window.
    """
    if min(target.shape[-2:]) < _WINDOW:
        raise ValueError(
            f'SSIM compares windows of {_WINDOW}x{_WINDOW} pixels; an image has '
            f'{tuple(target.shape[-2:])}. Leave SSIM out of `metrics`.'
        )
    offsets = torch.arange(_WINDOW).to(target) - _WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * _SIGMA**2))
    window = window / window.sum()

    def blur(x: Tensor) -> Tensor:
        x = F.conv2d(x[:, None], window.view(1, 1, -1, 1))
        return F.conv2d(x, window.view(1, 1, 1, -1))[:, 0]

    mean_x, mean_y = blur(image), blur(target)
    var_x = blur(image.square()) - mean_x.square()
    var_y = blur(target.square()) - mean_y.square()
    covariance = blur(image * target) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x.square() + mean_y.square() + c1) * (var_x + var_y + c2)
    )
