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

from mmseg_cen.streams.fold import ENSEMBLE

from ..domains import build_domains
from ..outputs import check_shape, named_outputs, target_and_validity

PIXEL_METRICS = ('MAE', 'MSE', 'RMSE', 'PSNR', 'SSIM')

_WINDOW, _SIGMA = 11, 1.5


@METRICS.register_module()
class TranslationMetric(BaseMetric):
    """Pixel errors of each stream and of the ensemble, in one pass.

    The ensemble's values have plain names, ``MAE``, so that
    ``save_best='MAE', rule='less'`` works; the names of a stream's values begin with
    its source, ``depth/MAE``. Pixels without a valid target are left out.

    MAE and MSE are means over all valid pixels and channels of the data set (sums and
    counts are collected, so the number of processes changes nothing), RMSE is the root
    of this MSE. PSNR (dB) and SSIM are means over images, as is usual. Both compare
    images in [0, 1], whatever ``value_range`` is.

    The errors of the paper's Table 6 are on the scale [-1, 1], the default here: its
    1.12 (×1e-1) is a MAE of 0.112. Its "MSE" is larger than its MAE, which is possible
    for errors below 1 only if it is a root; the released code prints the root of the
    mean squared error: compare it with RMSE.

    Args:
        measures: Some of MAE, MSE, RMSE, PSNR and SSIM.
        value_range: Values that -1 and 1 of the target stand for: (0, 255) gives errors
            of 8-bit images. ``'physical'`` gives errors in the unit of the target
            (meters of depth, even if it is encoded by its logarithm): both images are
            decoded by the target's :class:`~mmseg_cen.translation.Domain`, which the
            data set states; then keys begin with ``physical/``.
        unit: Unit of these values, for the printed table.
        **kwargs: Arguments of :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        ValueError: If a measure is unknown or the range is empty; later, if an output
            and its target differ in shape, SSIM gets images of less than 11 pixels, or
            the data set does not state the domain of the target.
    """

    def __init__(
        self,
        measures: Sequence[str] = PIXEL_METRICS,
        value_range: tuple[float, float] | str = (-1.0, 1.0),
        unit: str = '',
        **kwargs: Any,
    ) -> None:
        if value_range == 'physical':
            kwargs.setdefault('prefix', 'physical')
        super().__init__(**kwargs)
        unknown = [name for name in measures if name not in PIXEL_METRICS]
        if unknown or not measures:
            raise ValueError(
                f'`measures` must be some of {PIXEL_METRICS}, got {measures}: choose '
                'among them'
            )
        self.value_range: tuple[float, float] | None = None
        if not isinstance(value_range, str):
            low, high = value_range
            self.value_range = (low, high)
        if value_range != 'physical' and not (self.value_range and low < high):
            raise ValueError(
                '`value_range` must be (low, high), the values of -1 and 1, or '
                f"'physical', got {value_range!r}: choose low < high"
            )
        self.measures = tuple(measures)
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
        """Absolute and squared errors, pixels; PSNR and SSIM, each with its count."""
        image, target = (image.double() + 1) / 2, (target.double() + 1) / 2
        mask = valid.expand_as(target)
        errors = (self._scale(image) - self._scale(target))[mask]
        sums = [float(errors.abs().sum()), float(errors.square().sum()), errors.numel()]
        sums += [0.0, 0.0, 0.0, 0.0]
        if mask.any():
            mse = float((image - target)[mask].square().mean())
            sums[3:5] = [-10 * np.log10(mse) if mse else np.inf, 1.0]
        if 'SSIM' in self.measures:
            similarity = ssim(image, target)
            # A window counts if all its pixels are valid.
            inside = -F.max_pool2d(-valid[None].double(), _WINDOW, stride=1)[0]
            inside = inside.bool().expand(len(target), -1, -1)
            if inside.any():
                sums[5:7] = [float(similarity[inside].mean()), 1.0]
        return np.asarray(sums)

    def _scale(self, image: Tensor) -> Tensor:
        """Map [0, 1], the scale of PSNR and SSIM, to the values of the errors."""
        if self.value_range is not None:
            low, high = self.value_range
            return image * (high - low) + low
        domains = (self.dataset_meta or {}).get('domains', {})
        name = str((self.dataset_meta or {}).get('target'))
        if name not in domains:
            raise ValueError(
                "with value_range='physical', the metainfo of the data set must have "
                'the domain of its `target` in `domains`, got target='
                f'{name!r} and {[*domains]}: set value_range=(low, high)'
            )
        domain = build_domains({name: domains[name]})[name]
        encoded = (2 * image - 1).permute(1, 2, 0).numpy(force=True)
        decoded = torch.from_numpy(np.atleast_3d(domain.decode(encoded)))
        return decoded.permute(2, 0, 1).to(image)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        table = PrettyTable(['Output', *self.measures])
        metrics: dict[str, float] = {}
        for output in results[0]:
            total = np.sum([result[output] for result in results], axis=0)
            with np.errstate(invalid='ignore', divide='ignore'):
                mae, mse = total[0] / total[2], total[1] / total[2]
                psnr, ssim_mean = total[3] / total[4], total[5] / total[6]
            means = (mae, mse, mse**0.5, psnr, ssim_mean)
            every = dict(zip(PIXEL_METRICS, means, strict=True))
            values = {name: float(every[name]) for name in self.measures}
            table.add_row([output, *(f'{value:.4g}' for value in values.values())])
            prefix = '' if output == ENSEMBLE else f'{output}/'
            metrics |= {prefix + name: value for name, value in values.items()}
        scale = 'physical values'
        if self.value_range is not None:
            scale = '[{:g}, {:g}]'.format(*self.value_range)
        print_log(
            'errors of each stream and of the ensemble (MAE, MSE, RMSE: target in '
            f'{scale} {self.unit}'.rstrip()
            + f'):\n{table}',
            MMLogger.get_current_instance(),
        )
        return metrics


def ssim(image: Tensor, target: Tensor) -> Tensor:
    """Structural similarity (SSIM) of two images: a value for each window that fits.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", 2004: a Gaussian window of 11×11 pixels with sigma 1.5, K1 = 0.01,
    K2 = 0.03, each channel by itself.

    Written here because it is short and torchmetrics or scikit-image would be a
    dependency for this function alone; tests compare it to SciPy's Gaussian filter.

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
            f'images must have at least {_WINDOW}x{_WINDOW} pixels for SSIM, got '
            f'{tuple(target.shape[-2:])}: leave SSIM out of `measures`'
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
