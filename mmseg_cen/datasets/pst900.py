"""PST900: RGB and thermal images of tunnels and caves, searched by a robot."""

from mmseg.registry import DATASETS

from .multimodal import MultimodalSegDataset

# RGB color of each class in the authors' toolkit, in the order of the labels.
COLORS = {
    'background': [0, 0, 0], 'fire extinguisher': [255, 0, 0],
    'backpack': [0, 255, 0], 'hand drill': [0, 0, 255],
    'survivor': [255, 255, 255],
}  # fmt: skip


@DATASETS.register_module()
class PST900Dataset(MultimodalSegDataset):
    """PST900 with 5 classes: 885 underground scenes as RGB, thermal images and depth.

    ``rgb/*.png``, ``thermal/*.png`` (uint8; 0 is a hole of the projection into the
    image), ``thermal_raw/*.png`` (uint16), ``depth/*.png`` (uint16, 1/2560 m; loaded as
    meters, 0 is unknown) and ``label/*.png`` (0..4) below ``data_root``, as
    ``tools/dataset_converters/pst900.py`` writes them. Class 0, ``background``, is
    learned and measured like the others, as in the paper.

    "PST900: RGB-Thermal Calibration, Dataset and Segmentation Network", ICRA 2020.

    Arguments are as in :class:`MultimodalSegDataset`.
    """

    METAINFO = dict(classes=tuple(COLORS), palette=list(COLORS.values()))
    MODALITIES = dict(
        rgb={},
        # The authors fill the holes, too, by in-painting.
        thermal=dict(dtype='uint8', fill='inpaint'),
        thermal_raw=dict(dtype='uint16', fill='nearest'),
        depth=dict(dtype='uint16', scale=1 / 2560),
    )
    PREFIXES = dict(seg_map_path='label')
