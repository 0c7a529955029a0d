"""Statistics of a configured data set: `dataset_stats.py CONFIG`.

Mean and standard deviation of each modality over its valid pixels, as the network would
get them without augmentation; the share of invalid pixels; a histogram of modalities of
one channel; frequencies and weights of the classes. Written as JSON and as a picture,
and printed as settings to paste.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _options import ToolParser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(description='Measure a configured data set.')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='train', help='dataloader'
    )
    parser.add_argument('--out', default='dataset_stats', help='folder to write to')
    parser.add_argument(
        '--bin-width', type=float, default=0.1, help='of the histograms, e.g. meters'
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=os.cpu_count(),
        help='number of processes; default: one per core',
    )
    parser.add_config_options()
    args = parser.parse_args(argv)
    if args.bin_width <= 0 or args.jobs < 1:
        parser.error(
            '`--bin-width` must be positive and `--jobs` at least 1, got '
            f'{args.bin_width} and {args.jobs}'
        )
    if os.path.isfile(args.out):
        parser.error(f'`--out` must be a folder, got the file {args.out!r}: name one')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar
from mmseg.registry import DATASETS

from mmseg_cen.config_files import dataset_of
from mmseg_cen.datasets.of_config import without_repetition
from mmseg_cen.disk import set_aside, write_atomically
from mmseg_cen.door import as_tool
from mmseg_cen.launch import load_config
from mmseg_cen.modality import modality_key
from mmseg_cen.preparation.statistics import ClassStatistics, PixelStatistics

#: Transforms that make the arrays, rather than move or alter them.
LOADING = ('EncodeDepth', 'DeriveDomains')
#: Bars of a histogram in the picture.
MOST_BARS = 256


def keep_loading(node: Any) -> None:
    """Drop augmentation and packing from all pipelines of a data set, in place."""
    for key, value in node.items():
        if key == 'pipeline':
            node[key] = [
                transform for transform in value if is_loading(transform['type'])
            ]
        for child in value if isinstance(value, list | tuple) else [value]:
            if isinstance(child, dict):
                keep_loading(child)


def is_loading(kind: Any) -> bool:
    """Whether a type makes arrays: by its name, also with a scope, or of a class."""
    name = kind if isinstance(kind, str) else kind.__name__
    name = name.rpartition('.')[2]
    return name.startswith('Load') or name in LOADING


def measure(
    sample: dict[str, Any], bin_width: float, num_classes: int
) -> tuple[dict[str, PixelStatistics], dict[str, Counter[int]], ClassStatistics | None]:
    """Statistics of the modalities and labels of one sample, and histograms.

    A histogram counts pixels under floor(value / bin_width).
    """
    pixels, histograms = {}, {}
    for name in sample['modalities']:
        if name in sample.get('absent', ()):
            continue
        image = sample[modality_key(sample, name)]
        valid = find_valid(sample, name, image)
        pixels[name] = PixelStatistics.of(image, valid)
        if image.ndim == 2:
            bins, counts = np.unique(
                np.floor(image[valid] / bin_width).astype(int), return_counts=True
            )
            histograms[name] = Counter(
                dict(zip(bins.tolist(), counts.tolist(), strict=True))
            )
    classes = None
    if 'gt_seg_map' in sample:
        classes = ClassStatistics.of(
            sample['gt_seg_map'], num_classes, sample.get('ignore_index', 255)
        )
    return pixels, histograms, classes


def find_valid(sample: dict[str, Any], name: str, image: np.ndarray) -> np.ndarray:
    """Mask (H, W) of the pixels that the file has a value of."""
    if name not in sample.get('loaded', {}):  # rendered or derived, not from a file
        return np.ones(image.shape[:2], bool)
    valid: np.ndarray = sample['loaded'][name].valid
    return valid


def measure_all(
    dataset: Any, jobs: int, bin_width: float
) -> tuple[dict[str, PixelStatistics], dict[str, Counter[int]], ClassStatistics | None]:
    """The sums of :func:`measure` over all samples."""
    pixels: dict[str, PixelStatistics] = {}
    histograms: dict[str, Counter[int]] = {}
    classes = None
    progress = ProgressBar(len(dataset))
    for of_pixels, of_bins, of_classes in measured(dataset, jobs, bin_width):
        for name, statistics in of_pixels.items():
            pixels[name] = pixels[name] + statistics if name in pixels else statistics
        for name, histogram in of_bins.items():
            histograms.setdefault(name, Counter()).update(histogram)
        if of_classes is not None:
            classes = of_classes if classes is None else classes + of_classes
        progress.update()
    print()
    return pixels, histograms, classes


def measured(dataset: Any, jobs: int, bin_width: float) -> Iterator[Any]:
    """The result of :func:`measure` for each sample, in their order."""
    _shared.update(
        dataset=dataset,
        bin_width=bin_width,
        num_classes=len(dataset.metainfo.get('classes') or ()),
    )
    indices = range(len(dataset))
    if jobs == 1:
        yield from map(measure_shared, indices)
        return
    with multiprocessing.get_context('fork').Pool(jobs) as pool:
        yield from pool.imap(measure_shared, indices, chunksize=4)


_shared: dict[str, Any] = {}  # with the forked processes


def measure_shared(index: int) -> Any:
    return measure(
        _shared['dataset'][index], _shared['bin_width'], _shared['num_classes']
    )


def summarize(
    pixels: dict[str, PixelStatistics],
    classes: ClassStatistics | None,
    names: list[str] | None,
    reversed_names: set[str],
) -> dict[str, Any]:
    """All figures, with channels in the order that the network gets."""
    summary: dict[str, Any] = dict(modalities={})
    for name, statistics in pixels.items():
        of_modality = statistics.summary()
        if name in reversed_names:
            for key in ('min', 'max', 'mean', 'std'):
                of_modality[key] = (of_modality[key] or [])[::-1] or None
        summary['modalities'][name] = of_modality
    if classes is not None:
        summary['classes'] = dict(names=names, **classes.summary())
    return summary


def snippet(summary: dict[str, Any]) -> str:
    """Settings to paste into a config."""
    lines = ['model = dict(', '    data_preprocessor=dict(', '        modalities=dict(']
    for name, of_modality in summary['modalities'].items():
        mean, std = (
            [float(f'{value:.4g}') for value in of_modality[key] or []]
            for key in ('mean', 'std')
        )
        lines.append(f'            {name}=dict(mean={mean}, std={std}),')
    lines += ['        ),', '    ),', ')']
    if 'classes' in summary:
        for key in ('median_frequency_weight', 'log_weight'):
            weights = [float(f'{w:.4g}') for w in summary['classes'][key]]
            lines += [f'# {key}, for loss_decode:', f'# class_weight={weights}']
    return '\n'.join(lines)


def to_bars(
    histogram: dict[int, int], bin_width: float
) -> tuple[dict[float, float], float]:
    """Shares under the left ends of bars that are wide enough to be seen, their width.

    As many bins are one bar as leave :data:`MOST_BARS`: values of 8 or 16 bits that
    are no meters have thousands of bins.
    """
    first, last = min(histogram, default=0), max(histogram, default=0)
    several = -(-(last - first + 1) // MOST_BARS)
    bars: Counter[int] = Counter()
    for number, count in histogram.items():
        bars[(number - first) // several] += count
    shares = {
        (first + several * k) * bin_width: count / bars.total()
        for k, count in bars.items()
    }
    return shares, several * bin_width


def draw(
    summary: dict[str, Any],
    histograms: dict[str, Counter[int]],
    bin_width: float,
    path: Path,
) -> None:
    """Draw the histograms and the frequencies of the classes."""
    matplotlib.use('Agg')
    num_panels = len(histograms) + ('classes' in summary)
    if not num_panels:
        return
    figure, axes = plt.subplots(num_panels, figsize=(8, 3 * num_panels), squeeze=False)
    panels = iter(axes[:, 0])
    for name, histogram in histograms.items():
        panel = next(panels)
        bars, width = to_bars(histogram, bin_width)
        panel.bar([*bars], [*bars.values()], width=width, align='edge')
        invalid = summary['modalities'][name]['no_data']
        panel.set_title(f'{name}: share of valid pixels; {invalid:.1%} are invalid')
    if 'classes' in summary:
        panel = next(panels)
        frequency = summary['classes']['frequency']
        panel.bar(range(len(frequency)), frequency)
        panel.set_yscale('log')
        names = summary['classes']['names'] or range(len(frequency))
        panel.set_xticks(range(len(frequency)), names, rotation=90, fontsize=7)
        void = summary['classes']['void']
        panel.set_title(f'share of pixels with a class; {void:.1%} are void')
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


@as_tool
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, options=args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset_cfg = dataset_of(cfg, args.split)
    keep_loading(dataset_cfg)
    dataset = DATASETS.build(without_repetition(dataset_cfg))
    pixels, histograms, classes = measure_all(dataset, args.jobs, args.bin_width)
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or {}
    options = preprocessor.get('modalities', {})
    reversed_names = {
        name
        for name in pixels
        if options.get(name, {}).get('bgr_to_rgb', name == 'rgb')
    }
    names = dataset.metainfo.get('classes')
    summary = summarize(pixels, classes, names and list(names), reversed_names)
    out = Path(args.out)
    path, content = out / 'statistics.json', json.dumps(summary, indent=2).encode()
    if path.is_file() and path.read_bytes() != content:
        print(f'the statistics that were there are {set_aside(path)} now')
    write_atomically(path, content)
    draw(summary, histograms, args.bin_width, out / 'statistics.png')
    for name, of_modality in summary['modalities'].items():
        print(f'{name}: {of_modality["no_data"]:.2%} of the pixels are invalid')
    if classes is not None and names:
        for concern in classes.concerns(names):
            print(f'warning: {concern}')
    print(f'{out}/statistics.json, {out}/statistics.png; to paste:\n')
    print(snippet(summary))


if __name__ == '__main__':
    main()
