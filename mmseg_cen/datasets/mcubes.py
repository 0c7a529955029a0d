"""MCubeS: materials, seen in color, polarization and near infrared."""

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# RGB color of each material in the authors' code, in the order of the labels.
COLORS = {
    'asphalt': [44, 160, 44], 'concrete': [31, 119, 180], 'metal': [255, 127, 14],
    'road marking': [214, 39, 40], 'fabric': [140, 86, 75], 'glass': [127, 127, 127],
    'plaster': [188, 189, 34], 'plastic': [255, 152, 150], 'rubber': [23, 190, 207],
    'sand': [174, 199, 232], 'gravel': [196, 156, 148], 'ceramic': [197, 176, 213],
    'cobblestone': [247, 182, 210], 'brick': [199, 199, 199], 'grass': [219, 219, 141],
    'wood': [158, 218, 229], 'leaf': [57, 59, 121], 'water': [107, 110, 207],
    'human': [156, 158, 222], 'sky': [99, 121, 57],
}  # fmt: skip


@DATASETS.register_module()
class MCubeSDataset(MultimodalSegDataset):
    """MCubeS with 20 materials: 500 street scenes as RGB, AoLP, DoLP and NIR.

    Below ``data_root``, as ``tools/dataset_converters/mcubes.py`` writes them:
    ``rgb/*.png``; ``aolp/*.npy``, sine and cosine of the angle of linear polarization,
    (H, W, 2); ``dolp/*.npy``, its degree; ``nir/*.png`` (uint16, loaded within 0..1);
    ``label/*.png`` (0..19, 255 for void).

    A flip moves the pixels of ``aolp`` and leaves the angles, as the authors' does.

    "Multimodal Material Segmentation", CVPR 2022.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))
    MODALITIES = dict(
        rgb={},
        aolp=dict(suffix='.npy', channels=2, dtype='float32', interpolation='bilinear'),
        dolp=dict(suffix='.npy', dtype='float32', interpolation='bilinear'),
        nir=dict(dtype='uint16', scale=1 / 65535, interpolation='bilinear'),
    )
    PREFIXES = dict(seg_map_path='label')
