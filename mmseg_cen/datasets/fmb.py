"""FMB: RGB and infrared images of streets by day, at night and in bad weather."""

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# RGB color of each class, in the order of the labels.
COLORS = {
    'road': [228, 228, 179], 'sidewalk': [133, 57, 181], 'building': [177, 162, 67],
    'traffic light': [50, 178, 200], 'traffic sign': [199, 45, 132],
    'vegetation': [84, 172, 66], 'sky': [79, 73, 179], 'person': [166, 99, 76],
    'car': [253, 121, 66], 'truck': [91, 165, 137], 'bus': [152, 97, 155],
    'motorcycle': [140, 153, 105], 'bicycle': [158, 215, 222], 'pole': [90, 113, 135],
}  # fmt: skip


@DATASETS.register_module()
class FMBDataset(MultimodalSegDataset):
    """FMB with 14 classes: 1500 street scenes as RGB and infrared images.

    ``rgb/*.png``, ``thermal/*.png`` (uint8) and ``label/*.png`` (0..13, 255 for void)
    below ``data_root``, as ``tools/dataset_converters/fmb.py`` writes them; stems are
    ``train/00001``, ``test/00002``.

    "Multi-interactive Feature Learning and a Full-time Multi-modality Benchmark for
    Image Fusion and Segmentation", ICCV 2023.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))
    MODALITIES = dict(rgb={}, thermal=dict(dtype='uint8'))
    PREFIXES = dict(seg_map_path='label')
