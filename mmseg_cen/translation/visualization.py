"""Pictures of translations: sources, the predictions of all streams, the target."""

from typing import Any

import cv2
import numpy as np
import torch
from mmseg.registry import HOOKS
from numpy.typing import NDArray
from torch import Tensor

from mmseg_cen.hooks.visualization import MultimodalVisualizationHook
from mmseg_cen.streams.fold import ENSEMBLE
from mmseg_cen.visualization.panels import Panel, Picture, draw_grid
from mmseg_cen.visualization.samples import title

from .outputs import named_outputs, target_and_validity, to_three_channels, to_uint8

Limits = tuple[float, float]


@HOOKS.register_module()
class TranslationVisualizationHook(MultimodalVisualizationHook):
    """Draw one picture per sample: sources, each stream, the ensemble, the target.

    Below each source stands the prediction of its stream, below the target the
    ensemble, each with its MAE (on the scale [-1, 1]) and PSNR. Depth, recognized by
    the word in the name of its domain, is colored, predictions in the colors of the
    target; other domains of one channel (edges, shading) are gray; three channels (RGB,
    normals), or the first three of more, are RGB. Invalid pixels of the target are
    black.

    Args:
        **kwargs: Arguments of
            :class:`mmseg_cen.hooks.visualization.MultimodalVisualizationHook`.
    """

    def _draw(
        self, inputs: NDArray[np.floating], sample: Any, meta: dict[str, Any]
    ) -> Picture:
        return draw_translation(inputs, sample)


def draw_translation(inputs: NDArray[np.floating], sample: Any) -> Picture:
    """Draw one sample.

    Args:
        inputs: (sum of C_m, H, W) packed sources in [-1, 1].
        sample: A :class:`TranslationDataSample` with ``pred_image``; ``pred_streams``,
            ``gt_image`` and ``gt_valid`` are drawn if the sample has them. Its metainfo
            ``sources`` (number of channels by name) describes the inputs, ``target``
            names the target.

    Returns:
        (h, w, 3) uint8, RGB.
    """
    fields = sample.to_dict()
    sources = fields.get('sources', {'input': len(inputs)})
    domain = fields.get('target', 'target')
    outputs = named_outputs(fields)

    top: list[Panel | None] = []
    ends = np.cumsum(list(sources.values()))
    for (name, channels), end in zip(sources.items(), ends, strict=True):
        source = torch.from_numpy(inputs[end - channels : end])
        limits = color_limits(source, name)
        picture = color_domain(source, name, limits)
        top.append(Panel(picture, title(name), _range_of(limits, name, channels)))

    limits = color_limits(outputs[ENSEMBLE], domain)
    truth = None
    if 'gt_image' in fields:
        target, valid = target_and_validity(fields)
        truth = target.cpu(), valid.cpu()
        panel, limits = target_panel(*truth, domain)
        top.append(panel)

    def prediction(name: str, heading: str) -> Panel:
        image = outputs[name].cpu()
        caption = '' if truth is None else errors_of(image, *truth)
        return Panel(color_domain(image, domain, limits), heading, caption)

    fused = prediction(ENSEMBLE, 'Ensemble' if len(outputs) > 1 else 'Prediction')
    if len(outputs) == 1:
        return draw_grid([[*top, fused]])
    bottom = [
        prediction(name, f'{title(name)} stream') if name in outputs else None
        for name in sources
    ]
    return draw_grid([top, [*bottom, fused]])


def target_panel(target: Tensor, valid: Tensor, domain: str) -> tuple[Panel, Limits]:
    """The panel of a target, invalid pixels black, and its :func:`color_limits`.

    Args:
        target: (C, H, W) in [-1, 1].
        valid: Which pixels have a value, bool (1, H, W).
        domain: Name of its domain.
    """
    limits = color_limits(target, domain, valid)
    picture = color_domain(target, domain, limits)
    picture = np.where(valid[0, ..., None].numpy(), picture, 0).astype(np.uint8)
    caption = _range_of(limits, domain, len(target))
    return Panel(picture, f'Target: {title(domain)}', caption), limits


def errors_of(image: Tensor, target: Tensor, valid: Tensor) -> str:
    """MAE (on the scale [-1, 1]) and PSNR of a predicted image, as text.

    Args:
        image: (C, H, W) in [-1, 1].
        target: (C, H, W) in [-1, 1].
        valid: Which pixels count, bool (1, H, W).
    """
    errors = (image - target)[valid.expand_as(target)].double()
    if not errors.numel():
        return 'no valid pixel'
    mse = float(errors.square().mean())
    psnr = 10 * np.log10(4 / mse) if mse else np.inf
    return f'MAE {errors.abs().mean():.3f}, PSNR {psnr:.1f} dB'


def color_limits(image: Tensor, domain: str, valid: Tensor | None = None) -> Limits:
    """Values that get the first and the last color.

    For depth, without its highest and lowest percent; for other domains -1 and 1.
    """
    if not is_depth(image, domain):
        return -1.0, 1.0
    values = image.numpy(force=True)
    known = np.isfinite(values)
    if valid is not None:
        known &= valid.numpy(force=True)
    if not known.any():
        return -1.0, 1.0
    low, high = np.percentile(values[known], (1, 99))
    return float(low), float(max(high, low + 1e-6))


def color_domain(image: Tensor, domain: str, limits: Limits = (-1.0, 1.0)) -> Picture:
    """An image of a domain as a picture.

    Args:
        image: (C, H, W) in [-1, 1]; of more than three channels the first are shown.
        domain: Its name; depth is colored by viridis, far pixels bright.
        limits: Values of the first and the last color.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    low, high = limits
    image = image.detach().float().cpu().nan_to_num(-1)
    levels = to_uint8(2 * (image - low) / (high - low) - 1)
    if is_depth(image, domain):
        bgr = cv2.applyColorMap(levels[0].numpy(), cv2.COLORMAP_VIRIDIS)
        return np.ascontiguousarray(bgr[..., ::-1])
    return to_three_channels(levels[:3]).permute(1, 2, 0).contiguous().numpy()


def is_depth(image: Tensor, domain: str) -> bool:
    """Whether an image (C, H, W) of a domain of this name shows distances."""
    return len(image) == 1 and 'depth' in domain


def _range_of(limits: Limits, domain: str, channels: int) -> str:
    if channels != 1 or 'depth' not in domain:
        return ''
    return f'{limits[0]:.2f} \N{EN DASH} {limits[1]:.2f}'
