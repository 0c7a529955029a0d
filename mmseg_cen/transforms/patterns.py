"""Patterns that tell whether two arrays were moved alike, whatever became of colors."""

from functools import lru_cache

import numpy as np

#: Least correlation of a tile with the pattern that it shows, far above chance.
LEAST_CORRELATION = 0.2
SURE = 0.94  # no other place can have a correlation that is greater by far
#: Least number of points of a tile that tell anything.
LEAST_POINTS = 20
#: Share of the contrast of a picture, below which it is flat.
LEAST_CONTRAST = 0.5
TILES = 4  # along each side
POINTS = 16  # along each side of a tile
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


@lru_cache(maxsize=8)
def draw_squares(height: int, width: int) -> np.ndarray:
    """Random squares of True and False, (H, W); a size always has the same."""
    side = int(np.clip(min(height, width) // 16, 1, 8))
    counts = (-(-height // side), -(-width // side))
    squares = np.random.default_rng(0).random(counts) < 0.5
    return squares.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]


def draw_pattern(like: np.ndarray, few: np.ndarray | None = None) -> np.ndarray:
    """Draw squares in two values of an array, in its shape and type.

    Args:
        like: Array (H, W) or (H, W, C). Labels thus are labels that exist, and depth
            is in its unit. Pictures are dark and light gray, to be distorted.
        few: See :func:`few_pixels`; if ``like`` has been changed, of before.
    """
    if like.ndim == 3 and like.dtype == np.uint8:
        low, high = np.array([64, 192], np.uint8)
    else:
        few = few_pixels(like) if few is None else few
        low, high = few.min(), few.max()
        if not low < high:  # NaN, too
            low, high = np.array([0, 1]).astype(like.dtype)
    pattern = np.where(draw_squares(*like.shape[:2]), high, low)
    if like.ndim == 2:
        return pattern
    return np.repeat(pattern[..., None], like.shape[2], axis=2)


def few_pixels(image: np.ndarray) -> np.ndarray:
    """A copy of few pixels of an array, to see whether it was changed in place."""
    height, width = image.shape[:2]
    return image[:: max(1, height // 32), :: max(1, width // 32)].copy()


def without_holes(image: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """An array that has shown a pattern, NaN where that cannot be told.

    Of an array (H, W) that still has the two values of the pattern, other values are
    unknown: dropped depth, labels of void. A picture that has become flat is unknown.
    """
    if image.dtype != pattern.dtype:
        return image
    if image.ndim == 2:
        low, high = (image == value for value in (pattern.min(), pattern.max()))
        return (
            np.where(low | high, image, np.nan) if low.any() and high.any() else image
        )
    few = few_pixels(image)
    if few.dtype == np.uint8 and few.std() < LEAST_CONTRAST * few_pixels(pattern).std():
        return np.full_like(image, np.nan, np.float32)
    return image


def displaced(reference: np.ndarray, other: np.ndarray, least: int) -> bool:
    """Whether two arrays of one size show one pattern at different places.

    Most tiles of the image must correlate, and more so than with the pattern beside:
    that is true of distorted colors, noise, blur, and where the tile is not all hidden.

    Args:
        reference: Array (H, W) or (H, W, C) that shows the pattern; NaN is unknown.
        other: Another one.
        least: Least displacement to look for, pixels. Interpolations differ by one.
    """
    height, width = reference.shape[:2]
    tiles = int(np.clip(min(height, width) // 8, 1, TILES))
    rows, columns = (
        np.linspace(0, side - 1, tiles * min(POINTS, side // tiles)).astype(int)
        for side in (height, width)
    )

    def tiled(image: np.ndarray, dy: int = 0, dx: int = 0) -> np.ndarray:
        """Values (tiles * tiles, C, points) at the points, displaced."""
        y, x = (rows + dy).clip(0, height - 1), (columns + dx).clip(0, width - 1)
        points = np.atleast_3d(image)[np.ix_(y, x)].astype(np.float64)
        split = points.reshape(tiles, len(rows) // tiles, tiles, -1, points.shape[2])
        return split.transpose(0, 2, 4, 1, 3).reshape(tiles**2, points.shape[2], -1)

    def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Largest of all channels, (tiles * tiles,); NaN where nothing is seen."""
        known = np.isfinite(a) & np.isfinite(b)
        count = known.sum(axis=-1, keepdims=True)
        a, b = (np.where(known, image, 0) for image in (a, b))
        a, b = (
            np.where(known, c - c.sum(axis=-1, keepdims=True) / count.clip(1), 0)
            for c in (a, b)
        )
        norms = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
        told = (norms > 1e-9) & (count[..., 0] >= min(LEAST_POINTS, a.shape[-1]))
        every = np.abs((a * b).sum(axis=-1)) / np.where(told, norms, np.nan)
        return np.where(told.any(axis=1), np.nan_to_num(every).max(axis=1), np.nan)

    # One channel of the reference is enough: all of them show the pattern.
    first = np.atleast_3d(reference)[..., :1]
    shown = tiled(other)
    here = correlation(tiled(first), shown)
    seen = ~np.isnan(here)
    if (here[seen] < SURE).sum() * 2 <= seen.sum():
        return False  # most tiles: at once, as transforms of colors often are
    steps = [
        (y * length, x * length) for length in (least, 2 * least) for y, x in SIDES
    ]
    beside = [correlation(tiled(first, *step), shown) for step in steps]
    apart = (here < LEAST_CORRELATION) | (
        np.nan_to_num(np.stack([here, *beside])).max(axis=0) > 1.05 * here + 0.02
    )
    return bool(apart[seen].sum() * 2 > seen.sum())
