"""NYU Depth V2."""

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

CLASSES = (
    'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window',
    'bookshelf', 'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain',
    'dresser', 'pillow', 'mirror', 'floor mat', 'clothes', 'ceiling', 'books',
    'refridgerator', 'television', 'paper', 'towel', 'shower curtain', 'box',
    'whiteboard', 'person', 'night stand', 'toilet', 'sink', 'lamp', 'bathtub', 'bag',
    'otherstructure', 'otherfurniture', 'otherprop',
)  # fmt: skip


def pascal_color(index: int) -> list[int]:
    """RGB color ``index`` of the PASCAL VOC color map, in [0, 255].

    Bits 0, 3, 6, ... of the index are the bits of red, from the highest on; bits
    1, 4, 7, ... are the bits of green, bits 2, 5, 8, ... the bits of blue.
    """
    return [
        sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8))
        for channel in range(3)
    ]


@DATASETS.register_module()
class NYUDv2Dataset(MultimodalSegDataset):
    """NYU Depth V2 with 40 classes: 1449 indoor scenes as RGB and depth.

    By default ``rgb/*.jpg`` or ``rgb/*.png``, ``depth/*.png`` (uint16, 1/5000 m; loaded
    as meters, holes filled with the nearest depth) and ``label/*.png`` below
    ``data_root``, as tools/dataset_converters/nyudv2.py writes them. The labels may be
    0..39 with 255 for void, or, with ``reduce_zero_label=True``, 1..40 with 0 for void.
    Class k has color k + 1 of the PASCAL VOC color map.

    "Indoor Segmentation and Support Inference from RGBD Images", ECCV 2012; the classes
    are defined in "Perceptual Organization and Recognition of Indoor Scenes from RGB-D
    Images", CVPR 2013.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(
        classes=CLASSES, palette=[pascal_color(k + 1) for k in range(len(CLASSES))]
    )
    MODALITIES = dict(
        rgb=dict(suffix=('.jpg', '.png')),
        # Fifths of a millimeter, read as meters; the sensor leaves holes.
        depth=dict(suffix='.png', dtype='uint16', scale=1 / 5000, fill='nearest'),
    )
    PREFIXES = dict(seg_map_path='label')
