"""Label one sample with an exported network: onnxruntime, NumPy and OpenCV only.

python tools/deployment/onnx_example.py net.onnx --rgb room.png --depth room_depth.png --out labels.png

A program to copy from: it needs neither PyTorch nor this package. There is an option for
each modality of the network. `net.onnx.json` says how files are read: depth of sensors is
scaled to the unit of the training, and its holes are filled.
"""  # noqa: E501

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime


def parse_args(argv: list[str] | None) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The arguments, and the description of the network, which names the modalities."""
    files = ' '.join(['--rgb', 'FILE', '--depth', 'FILE'])
    parser = argparse.ArgumentParser(
        usage=f'%(prog)s MODEL.onnx {files} ... --out PNG [--overlay PNG]',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        'model', help='file that export.py has written, beside its JSON'
    )
    parser.add_argument(
        '--out', required=True, metavar='PNG', help='classes, as indices'
    )
    parser.add_argument(
        '--overlay', metavar='PNG', help='classes in colors, on the image'
    )
    parser.add_argument(
        '--scale',
        action='append',
        default=[],
        metavar='NAME=FACTOR',
        help='unit of the stored values of a modality whose files the training did not '
        'describe, e.g. depth=0.0002 for fifths of a millimeter; zeros are holes then',
    )
    args, rest = parser.parse_known_args(argv)
    try:
        description = json.loads(Path(f'{args.model}.json').read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ValueError(
            f'MODEL must have a description beside it, got {args.model!r} ({error}): '
            'keep both files that export.py has written'
        ) from error
    if (
        description['task'] != 'segmentation'
        or description['preprocessing'] != 'inside'
    ):
        raise ValueError(
            'MODEL must be a segmentation, exported with its preprocessing, got '
            f'{description["task"]} with preprocessing {description["preprocessing"]}: '
            'export it again'
        )
    if transforms := description['test']['transforms']:
        raise ValueError(
            'the test of the training must have no transforms of its own for this '
            f'example, got {transforms}: apply them to the arrays in a program of yours'
        )
    if args.overlay and not description['palette']:
        raise ValueError(
            '`--overlay` must be of a network whose description has a palette, got '
            f"none in '{args.model}.json': add the color of each class, [[R, G, B], …]"
        )
    names = [modality['name'] for modality in description['modalities']]
    of_files = argparse.ArgumentParser(usage=parser.usage, allow_abbrev=False)
    for name in names:
        of_files.add_argument(f'--{name}', required=True, metavar='FILE')
    args.files = vars(of_files.parse_args(rest))
    args.scales = dict(pair.split('=', 1) for pair in args.scale if '=' in pair)
    if len(args.scales) < len(args.scale) or not {*args.scales} <= {*names}:
        raise ValueError(
            f'`--scale` must be NAME=FACTOR, NAME out of {names}, got {args.scale}: '
            'correct it'
        )
    return args, description


def decode(path: str, name: str, options: dict[str, Any]) -> np.ndarray:
    """Stored values, (H, W) or (H, W, C): of pictures in BGR, else as in the file."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    if options.get('orientation') != 'apply':
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
        flags = flags if name == 'rgb' else cv2.IMREAD_UNCHANGED
    elif name != 'rgb':
        flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    stored = cv2.imread(path, flags)
    if stored is None:
        raise ValueError(f'`--{name}` must be an image, got {path!r}: check the path')
    channels = stored.shape[2] if stored.ndim == 3 else 1
    is_picture = channels == 3 and (name == 'rgb' or stored.dtype == np.uint8)
    if channels == 1 or is_picture:
        return stored
    return stored[..., [2, 1, 0, 3][:channels]]  # OpenCV swaps blue and red


def read(path: str, modality: dict[str, Any], scale: str | None) -> np.ndarray:
    """One modality as the network takes it, float32 (1, C, H, W)."""
    name, options = modality['name'], modality['file']
    stored = decode(path, name, options)
    dtype = None if scale else options.get('dtype')
    channels = stored.shape[2] if stored.ndim == 3 else 1
    if channels != modality['channels'] or (dtype and stored.dtype != dtype):
        raise ValueError(
            f'`--{name}` must be an image of {modality["channels"]} channels of type '
            f'{dtype or "any"}, got {channels} of {stored.dtype} in {path!r}: convert '
            'the file'
        )
    factor = float(scale) if scale else options.get('scale')
    is_rendered = has_holes = modality.get('rendered')
    if is_rendered is None:  # the export knew no data set
        is_rendered = dtype is None and factor is None and name != 'rgb'
        is_depth = f'{name}_'.removeprefix('raw_').startswith('depth_')
        has_holes = is_rendered and is_depth and channels == 1
    if factor is None and is_rendered and np.issubdtype(stored.dtype, np.integer):
        raise ValueError(
            f'`--scale` must tell the unit of {name}, as the training read no files, '
            f'got {stored.dtype} in {path!r}: add e.g. --scale {name}=0.0002'
        )
    fill, ranges = options.get('fill'), options.get('invalid') or []
    if fill is None and (scale or has_holes):
        fill = 'nearest'
    holes = find_holes(stored, ranges, zeros=fill is not None)
    image = stored.astype(np.float32) * np.float32(factor or 1)
    if holes.any() and fill is None and not ranges:
        raise ValueError(
            f'`--{name}` must be finite, got NaN or infinite values in {path!r}: '
            'replace them'
        )
    image = fill_holes(image, holes, 0.0 if fill is None else fill)
    return np.atleast_3d(image).transpose(2, 0, 1)[None]


def find_holes(
    stored: np.ndarray, ranges: list[list[float]], zeros: bool
) -> np.ndarray:
    """Pixels (H, W) that were not measured: not finite, in a range, or perhaps zero."""
    values = np.atleast_3d(stored)
    wrong = ~np.isfinite(values)
    for limits in ranges:  # lowest and highest stored value
        is_float = values.dtype.kind == 'f'
        low, high = np.array(limits).astype(values.dtype if is_float else float)
        wrong |= (values >= low) & (values <= high)
    holes: np.ndarray = wrong.any(axis=-1)
    return holes | ~values.any(axis=-1) if zeros else holes


def fill_holes(image: np.ndarray, holes: np.ndarray, fill: float | str) -> np.ndarray:
    """Replace pixels by a value or the nearest other pixel; by 0 if all are holes."""
    if holes.all():
        return np.zeros_like(image)
    if not holes.any():
        return image
    filled = image.copy()
    if not isinstance(fill, str):
        filled[holes] = fill
        return filled
    if fill != 'nearest':
        raise ValueError(
            f"holes must be filled by a number or 'nearest' in this example, got "
            f'{fill!r}: fill the files before'
        )
    _, labels = cv2.distanceTransformWithLabels(
        holes.astype(np.uint8), cv2.DIST_L1, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.empty(labels.max() + 1, dtype=np.intp)
    nearest[labels[~holes]] = np.flatnonzero(~holes)
    pixels = image.reshape(-1, *image.shape[2:])
    filled[holes] = pixels[nearest[labels[holes]]]
    return filled


def classify(logits: np.ndarray, threshold: float) -> np.ndarray:
    """Classes (H, W) of logits (K, H, W); one alone is that of class 1, of two."""
    if len(logits) > 1:
        return logits.argmax(axis=0)
    probability = (1 + np.tanh(logits[0] / 2)) / 2  # the sigmoid, without overflow
    return (probability > threshold).astype(int)


def draw(labels: np.ndarray, image: np.ndarray, palette: list[list[int]]) -> np.ndarray:
    """Classes in their colors, over the image that they were found in, BGR."""
    colors = np.array(palette, np.uint8)[labels][..., ::-1]
    gray = image if image.shape[2] == 3 else np.repeat(image[..., :1], 3, axis=2)
    gray = cv2.normalize(gray, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return cv2.addWeighted(colors, 0.6, gray, 0.4, 0)


def write(path: str, image: np.ndarray) -> None:
    """Write a picture, with an error where OpenCV cannot."""
    if Path(path).suffix.lower() != '.png' or not cv2.imwrite(path, image):
        raise ValueError(f'the picture must be a .png to be written, got {path!r}')


def main(argv: list[str] | None = None) -> None:
    args, description = parse_args(argv)
    arrays = {
        modality['name']: read(
            args.files[modality['name']], modality, args.scales.get(modality['name'])
        )
        for modality in description['modalities']
    }
    if len(sizes := {array.shape[2:] for array in arrays.values()}) > 1:
        raise ValueError(f'the images must have one size, got {sizes}: register them')
    session = onnxruntime.InferenceSession(
        args.model, providers=['CPUExecutionProvider']
    )
    # One output, or with --streams those of all modalities before the ensemble's.
    logits = session.run(None, arrays)[-1][0]
    labels = classify(logits, description.get('threshold', 0.3))
    write(args.out, labels.astype(np.uint8 if len(logits) <= 256 else np.uint16))
    if args.overlay:
        first = next(iter(arrays.values()))[0].transpose(1, 2, 0)
        write(args.overlay, draw(labels, first, description['palette']))
    classes = description['classes'] or [str(k) for k in range(max(len(logits), 2))]
    counts = np.bincount(labels.ravel(), minlength=len(classes))
    for k in np.argsort(-counts)[:5]:
        if counts[k]:
            print(f'{classes[k]}: {counts[k] / labels.size:.1%} of the pixels')


if __name__ == '__main__':
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
