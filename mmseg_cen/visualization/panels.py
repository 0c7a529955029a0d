"""Colored modalities and labels, side by side with titles, captions and a legend.

All pictures are uint8 arrays (H, W, 3) in RGB order.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .marks import Mark

Picture = NDArray[np.uint8]

IGNORED_COLOR = (0, 0, 0)
_PAPER = (255, 255, 255)
_INK = (24, 24, 27)
_FAINT_INK = (113, 113, 122)
_FRAME = (161, 161, 170)
_RIGHT = (228, 228, 231)
_WRONG = (220, 38, 38)
_GAP = 12

# The longer side of a panel in pixels: small images are enlarged by a whole factor, so
# that their pixels stay squares; large ones are reduced.
_MIN_SIDE, _MAX_SIDE = 256, 640


@dataclass(frozen=True)
class Panel:
    """One picture of a grid.

    Args:
        picture: (H, W, 3) uint8, RGB.
        title: Written above it.
        caption: Written below it, fainter.
        marks: Written into it, where there is room.
    """

    picture: Picture
    title: str
    caption: str = ''
    marks: tuple[Mark, ...] = ()


def default_palette(num_classes: int) -> list[tuple[int, int, int]]:
    """Well separated colors, for a data set without a palette."""
    # Steps of the golden ratio never come close to an earlier hue.
    hues = [(0.6 + 0.618034 * k) % 1 for k in range(num_classes)]
    lightness = [(0.55, 0.4, 0.7)[k % 3] for k in range(num_classes)]
    colors = (
        colorsys.hls_to_rgb(h, x, 0.65) for h, x in zip(hues, lightness, strict=True)
    )
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in colors]


def color_labels(
    labels: NDArray[np.integer], palette: Sequence[Sequence[int]]
) -> Picture:
    """Color a map of class indices.

    Args:
        labels: (H, W); indices outside the palette (ignored pixels) become black.
        palette: RGB color of each class.
    """
    table = np.asarray([*palette, IGNORED_COLOR], np.uint8)
    ignored = (labels < 0) | (labels >= len(palette))
    return table[np.where(ignored, len(palette), labels)]


def color_errors(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int
) -> Picture:
    """Pixels (H, W) that are right in gray, wrong in red and not labeled in black."""
    labeled = (truth >= 0) & (truth < num_classes)
    kind = np.where(labeled, 1 + (prediction != truth), 0)
    return np.asarray([IGNORED_COLOR, _RIGHT, _WRONG], np.uint8)[kind]


def blend(picture: Picture, colors: Picture, opacity: float = 0.5) -> Picture:
    """Lay the colors of classes over a picture, which is resized to their size.

    Args:
        picture: (H, W, 3).
        colors: (h, w, 3).
        opacity: Share of the colors, in [0, 1].
    """
    below = _resize(picture, *colors.shape[:2])
    return np.asarray(cv2.addWeighted(colors, opacity, below, 1 - opacity, 0))


def color_modality(values: NDArray[np.floating]) -> tuple[Picture, str]:
    """Turn the channels of a modality into a picture.

    Three or more channels are an image: the first three are shown, blue first as OpenCV
    loads them, unchanged if they lie within [0, 255] and stretched to it otherwise. Of
    fewer channels the first is shown in the perceptually uniform colors of viridis,
    large values bright; invalid pixels are black.

    Args:
        values: (C, H, W) in the units of the modality. NaN and infinity are invalid
            and, in a channel without negative values, zero.

    Returns:
        The picture, and the range of the colors as text (empty for an image).
    """
    if len(values) >= 3:
        return _color_image(values[:3]), ''
    channel = values[0]
    valid = np.isfinite(channel)
    if not (channel[valid] < 0).any():
        valid &= channel != 0
    if not valid.any():
        return np.zeros((*channel.shape, 3), np.uint8), 'no valid pixel'
    # Percentiles, because single wrong pixels of a sensor would take all the colors.
    low, high = np.percentile(channel[valid], (1, 99))
    span = max(high - low, np.finfo(np.float32).eps)
    level = (np.where(valid, channel, low) - low) / span
    level = (255 * level.clip(0, 1)).round().astype(np.uint8)
    bgr = cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)
    picture = np.where(valid[..., None], bgr[..., ::-1], 0).astype(np.uint8)
    return picture, f'{low:.3g} \N{EN DASH} {high:.3g}'


def _color_image(bgr: NDArray[np.floating]) -> Picture:
    image = np.nan_to_num(bgr[::-1].transpose(1, 2, 0))
    low, high = image.min(), image.max()
    if low < 0 or high > 255 or (0 < high <= 1):
        image = (image - low) * (255 / max(high - low, np.finfo(np.float32).eps))
    return image.round().astype(np.uint8)


def score(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int
) -> str:
    """The mIoU and the pixel accuracy of one picture as text, in percent.

    Args:
        prediction: (H, W) class indices.
        truth: (H, W) class indices; pixels with others are ignored. The mean is taken
            over the classes that occur in either of the two.
        num_classes: K.
    """
    counted = (truth >= 0) & (truth < num_classes)
    if not counted.any():
        return 'no labeled pixel'
    pairs = truth[counted].astype(np.int64) * num_classes + prediction[counted]
    confusion = np.bincount(pairs, minlength=num_classes**2)
    confusion = confusion.reshape(num_classes, num_classes)
    hits = confusion.diagonal()
    union = confusion.sum(0) + confusion.sum(1) - hits
    iou = hits[union > 0] / union[union > 0]
    accuracy = hits.sum() / confusion.sum()
    return f'mIoU {100 * iou.mean():.1f}, accuracy {100 * accuracy:.1f}'


def picture_size(height: int, width: int) -> tuple[int, int]:
    """The size (height, width) at which an image is shown as a panel."""
    side = max(height, width)
    factor = max(1, -(-_MIN_SIDE // side)) if side < _MAX_SIDE else _MAX_SIDE / side
    return max(1, round(height * factor)), max(1, round(width * factor))


def draw_grid(
    rows: Sequence[Sequence[Panel | None]],
    legend: Sequence[tuple[str, Sequence[int]]] = (),
) -> Picture:
    """Draw panels in rows and columns, each with its title and caption, and a legend.

    Args:
        rows: Panels, shown at one size; None leaves a cell empty.
        legend: Name and RGB color of each class.
    """
    shapes = [panel.picture.shape[:2] for row in rows for panel in row if panel]
    height, width = picture_size(*max(shapes))
    size = _font_size(width)
    line = round(1.5 * size)
    cell = (line + height + line + _GAP, width + _GAP)
    columns = max(len(row) for row in rows)
    canvas = Image.new(
        'RGB', (_GAP + columns * cell[1], _GAP // 2 + len(rows) * cell[0]), _PAPER
    )
    draw = ImageDraw.Draw(canvas)
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            if panel is None:
                continue
            left, top = _GAP + j * cell[1], _GAP // 2 + i * cell[0]
            middle = top + line // 2
            draw.text((left, middle), panel.title, _INK, _font(size, True), 'lm')
            picture = Image.fromarray(_resize(panel.picture, height, width))
            _write_marks(picture, panel.marks, size - 2)
            canvas.paste(picture, (left, top + line))
            frame = (left - 1, top + line - 1, left + width, top + line + height)
            draw.rectangle(frame, outline=_FRAME)
            middle = top + line + height + line // 2
            font = _font(size - 2)
            draw.text((left, middle), panel.caption, _FAINT_INK, font, 'lm')
    return np.concatenate([canvas, _draw_legend(legend, canvas.width, size)])


def _write_marks(picture: Image.Image, marks: Sequence[Mark], size: int) -> None:
    draw = ImageDraw.Draw(picture)
    for mark in marks:
        if mark.radius * picture.width < 0.6 * size:
            continue
        center = (mark.x * picture.width, mark.y * picture.width)
        font = _font(size, bold=True)
        draw.text(
            center, mark.text, _PAPER, font, 'mm', stroke_width=2, stroke_fill=_INK
        )


def _draw_legend(
    entries: Sequence[tuple[str, Sequence[int]]], width: int, font_size: int
) -> Picture:
    """Draw colors with their names, in rows; several rows have columns."""
    font = _font(font_size)
    box, line = font_size, round(1.7 * font_size)
    lengths = [box + 6 + round(font.getlength(n)) + 2 * _GAP for n, _ in entries]
    if sum(lengths) > width - _GAP:
        lengths = [max(lengths)] * len(lengths)
    positions: list[tuple[int, int]] = []
    left, top = _GAP, 0
    for length in lengths:
        if left > _GAP and left + length > width:
            left, top = _GAP, top + line
        positions.append((left, top))
        left += length
    canvas = Image.new('RGB', (width, top + line + _GAP // 2), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for (name, color), (left, top) in zip(entries, positions, strict=True):
        offset = top + (line - box) // 2
        square = (left, offset, left + box, offset + box)
        draw.rectangle(square, fill=tuple(color), outline=_FRAME)
        draw.text((left + box + 6, top + line // 2), name, _INK, font, 'lm')
    return np.asarray(canvas)


def _resize(picture: Picture, height: int, width: int) -> Picture:
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height < picture.shape[0] or width < picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST_EXACT
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method))


def _font_size(width: int) -> int:
    return min(max(width // 20, 13), 20)


@lru_cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    # matplotlib brings this font along; OpenCV's has neither umlauts nor dashes.
    from matplotlib.font_manager import findfont

    weight = 'bold' if bold else 'normal'
    return ImageFont.truetype(findfont(f'DejaVu Sans:{weight}'), size)
