"""Compare a written file with the network that it was made of."""

from pathlib import Path

import torch
from torch import Tensor

from mmseg_cen.mistakes import one_line

from .formats import FORMATS
from .network import ExportedNetwork

#: Difference that rounding explains, as a share of the largest value of an output.
TOLERANCE = 1e-4


def sizes_to_try(network: ExportedNetwork) -> list[tuple[int, int, int]]:
    """Batch sizes, heights and widths, the least ones among them."""
    least, factor = network.core.least_size, network.factor
    if factor > 1:
        return [(1, least, least), (3, 2 * factor, factor)]
    return [(1, least, least), (3, 2 * least + 1, 3 * least + 5), (1, 101, 78)]


def check_written(network: ExportedNetwork, path: Path, name: str) -> float:
    """Run a file beside the network that it was made of.

    Args:
        network: The model itself, see :func:`~mmseg_cen.deployment.network.reference`.
        path: The file.
        name: Its format.

    Returns:
        The largest difference, as a share of the largest value of an output.

    Raises:
        ValueError: If an output differs by more than :data:`TOLERANCE`, or the file
            does not run for a size.
    """
    device = next(network.parameters()).device
    run = FORMATS[name].read(path, device)
    largest = 0.0
    for size in sizes_to_try(network):
        images = network.random_images(*size)
        try:
            with torch.no_grad():
                expected = network(*images)
        except Exception as error:  # an assertion of the toolbox, for instance
            raise ValueError(
                f'the model must run on all sizes that its file is compared on, got '
                f'{type(error).__name__} ({one_line(error)}) on images of '
                f'{size[1]}x{size[2]} pixels: export it by --no-verify, and give the '
                f'file only sizes that the model takes'
            ) from error
        expected = [expected] if isinstance(expected, Tensor) else expected
        try:
            found = run(images)
        except Exception as error:
            first = str(error).strip().splitlines()[:1]
            raise _refusal(name, size, f'{type(error).__name__} {first}') from error
        for output, one, other in zip(network.outputs, expected, found, strict=True):
            if one.shape != other.shape:
                raise _refusal(name, size, f'{output} of shape {tuple(other.shape)}')
            other = other.to(one)
            share = (
                (one - other).abs().max() / one.abs().max().clamp(min=1e-12)
            ).item()
            if not share <= TOLERANCE:
                raise _refusal(name, size, f'{output} that differs by {share:.1e}')
            largest = max(largest, share)
    return largest


def _refusal(name: str, size: tuple[int, int, int], found: str) -> ValueError:
    batch, height, width = size
    return ValueError(
        f'the {name} file must compute what the model does, got {found} for a batch of '
        f'{batch} images of {height}x{width} pixels, and it was removed: choose '
        'another --format, or keep it by --no-verify'
    )
