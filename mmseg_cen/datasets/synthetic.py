"""RGB-D rooms without files: a data set that needs both modalities."""

from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_cen.modality import ModalityOptions, build_modalities
from mmseg_cen.rooms import CLASSES

from .classes import map_of_subset
from .inspection import attach


@DATASETS.register_module()
class SyntheticRGBDDataset(BaseSegDataset):
    """Rooms with things and pictures of things, drawn at random and ray cast.

    It is known exactly which modality tells the classes apart, see
    :mod:`mmseg_cen.rooms`: the image does not depend on whether a thing is solid or
    painted, nor the depth on colors or on painted things.

    ==================  =========================  ====================================
    classes             what tells them apart      modalities that a network needs
    ==================  =========================  ====================================
    wall, floor,        place and slant            either modality
    ceiling
    cabinet / picture,  solid / painted on wall    depth, from each other; the image,
    podium / rug        or floor                   a picture from the wall, a rug from
                                                   the floor
    table / sofa,       timber and solid, or       both at once: either modality leaves
    stool / bin,        fabric and painted / the   two classes as likely as each other,
    lamp / balloon      other way round (brass,    and so does the sum of the logits
                        jade, paper and rubber     of two unimodal networks
                        for the other pairs)
    ==================  =========================  ====================================

    A sample depends on ``seed`` and its index alone. Load it with
    :class:`mmseg_cen.transforms.LoadSyntheticRoom`.

    Args:
        num_samples: Number of rooms.
        image_size: Height and width, pixels.
        seed: Data sets with different seeds have no room in common.
        modalities: ``rgb``, ``depth``, or both: names, or
            under each name options of :class:`~mmseg_cen.modality.Modality` that do not
            concern files.
        **kwargs: Passed to :class:`mmseg.datasets.BaseSegDataset`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    METAINFO = dict(
        classes=CLASSES,
        palette=[
            [205, 200, 185], [140, 105, 80], [235, 240, 245],
            [106, 61, 154], [202, 178, 214], [227, 26, 28], [251, 154, 153],
            [31, 120, 180], [166, 206, 227], [51, 160, 44], [178, 223, 138],
            [255, 127, 0], [253, 191, 111],
        ],
    )  # fmt: skip

    def __init__(
        self,
        num_samples: int = 1000,
        image_size: tuple[int, int] = (96, 128),
        seed: int = 0,
        modalities: ModalityOptions = ('rgb', 'depth'),
        **kwargs: Any,
    ) -> None:
        if num_samples < 1 or seed < 0:
            raise ValueError(
                '`num_samples` must be at least 1 and `seed` at least 0, got '
                f'{num_samples} and {seed}: raise them'
            )
        if len(image_size) != 2 or min(image_size) < 1:
            raise ValueError(
                f'`image_size` must be (height, width), got {image_size}: give two '
                'positive numbers of pixels'
            )
        self.num_samples = num_samples
        self.image_size = tuple(image_size)
        self.seed = seed
        self.modalities = build_modalities(modalities)
        if unknown := sorted(set(self.modalities) - {'rgb', 'depth'}):
            raise ValueError(
                f"`modalities` must be out of 'rgb' and 'depth', got {unknown}: remove "
                'the others'
            )
        super().__init__(**kwargs)

    def full_init(self) -> None:
        """Name the rooms, and tell transforms that take several of them."""
        if not self._fully_initialized:
            super().full_init()
            attach(self)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Name the rooms: they are drawn when they are loaded."""
        label_map = map_of_subset(
            self.label_map, self.METAINFO, self.metainfo, self.ignore_index
        )
        return [
            dict(
                img_path=f'room_{self.seed}_{index:06d}.png',  # names results, no file
                room=(self.seed, index),
                image_size=self.image_size,
                modalities=self.modalities,
                label_map=label_map,
                reduce_zero_label=self.reduce_zero_label,
                seg_fields=[],
            )
            for index in range(self.num_samples)
        ]
